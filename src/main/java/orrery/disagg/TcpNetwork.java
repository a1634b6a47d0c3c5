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
  private static final int CONNECT_MILLIS = 10_000; // a host that is there answers at once

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
    SocketChannel socket = SocketChannel.open();
    try {
      socket.socket().connect(to, CONNECT_MILLIS);
      return over(socket);
    } catch (IOException e) {
      socket.close();
      // Callers read this; what the system says of a port is not for them.
      throw new IOException("no prefill side at " + host + ":" + port, e);
    }
  }

  private static Transfer over(SocketChannel socket) throws IOException {
    socket.setOption(StandardSocketOptions.TCP_NODELAY, true); // a frame is a whole message
    socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true); // a host may lose its power
    return new ChannelTransfer(socket);
  }

  /** The next connection that is still there; one that is not is no failure of this side. */
  private static Transfer accept(ServerSocketChannel server) throws IOException {
    while (true) {
      SocketChannel socket = server.accept();
      try {
        return over(socket);
      } catch (IOException e) { // it was reset before it was taken: its caller knows
        socket.close();
      }
    }
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
        return TcpNetwork.accept(server);
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
