package orrery.disagg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** Connections over TCP. */
public final class TcpNetwork implements Network {
  private final InetAddress bind;

  /**
   * @param bind the address at which a prefill side lets itself be called
   */
  public TcpNetwork(InetAddress bind) {
    this.bind = bind;
  }

  /** Connections within this machine alone. */
  public static TcpNetwork local() {
    return new TcpNetwork(InetAddress.getLoopbackAddress());
  }

  @Override
  public Transfer connect(String host, int port) throws IOException {
    InetSocketAddress to = new InetSocketAddress(host, port);
    if (to.isUnresolved()) {
      throw new IOException("bootstrap_host: expected a host that can be found, found " + host);
    }
    try {
      return over(SocketChannel.open(to));
    } catch (IOException e) {
      throw new IOException("no prefill side at " + host + ":" + port + ": " + e.getMessage(), e);
    }
  }

  private static Transfer over(SocketChannel socket) throws IOException {
    socket.setOption(StandardSocketOptions.TCP_NODELAY, true); // a frame is a whole message
    return new ChannelTransfer(socket);
  }

  @Override
  public Listener listen(int port) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    try {
      server.bind(new InetSocketAddress(bind, port));
    } catch (IOException e) {
      server.close();
      throw new IOException("disaggregation-bootstrap-port " + port + ": " + e.getMessage(), e);
    }
    int bound = ((InetSocketAddress) server.getLocalAddress()).getPort();
    return new Listener() {
      @Override
      public Transfer accept() throws IOException {
        return over(server.accept());
      }

      @Override
      public int port() {
        return bound;
      }

      @Override
      public void close() {
        try {
          server.close();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    };
  }
}
