package orrery.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntToLongFunction;
import orrery.disagg.ChannelTransfer;
import orrery.disagg.Network;
import orrery.disagg.Transfer;

/**
 * Sockets that break: connection i moves only so many bytes, counted at the end of the side that
 * calls, and then both sides find it closed.
 */
final class CuttingNetwork implements Network {
  static final long NEVER = Long.MAX_VALUE;

  private final IntToLongFunction cuts;
  private final AtomicInteger connections = new AtomicInteger();
  final AtomicLong moved = new AtomicLong(); // bytes of all connections
  final AtomicInteger broken = new AtomicInteger(); // connections

  /**
   * @param cuts from the number of a connection, from 0, to the bytes that it moves at most
   */
  CuttingNetwork(IntToLongFunction cuts) {
    this.cuts = cuts;
  }

  @Override
  public Transfer connect(String host, int port) throws IOException {
    SocketChannel socket = SocketChannel.open(new InetSocketAddress(host, port));
    return new ChannelTransfer(new Cut(socket, cuts.applyAsLong(connections.getAndIncrement())));
  }

  private final class Cut implements ByteChannel {
    private final SocketChannel socket;
    private final AtomicLong left;

    Cut(SocketChannel socket, long left) {
      this.socket = socket;
      this.left = new AtomicLong(left);
    }

    private int pass(ByteBuffer bytes, boolean write) throws IOException {
      int limit = bytes.limit();
      bytes.limit(bytes.position() + (int) Math.min(left.get(), bytes.remaining()));
      try {
        int n = write ? socket.write(bytes) : socket.read(bytes);
        moved.addAndGet(Math.max(0, n));
        if (left.addAndGet(-Math.max(0, n)) == 0) {
          broken.incrementAndGet();
          socket.close();
          throw new IOException("the network broke");
        }
        return n;
      } finally {
        bytes.limit(limit);
      }
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      return pass(into, false);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      return pass(from, true);
    }

    @Override
    public boolean isOpen() {
      return socket.isOpen();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @Override
  public Listener listen(int port) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    int bound = ((InetSocketAddress) server.getLocalAddress()).getPort();
    return new Listener() {
      @Override
      public Transfer accept() throws IOException {
        return new ChannelTransfer(server.accept());
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
