package orrery.disagg;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;

/** Bytes over a loopback socket, from one buffer into another and nothing else. */
final class LoopbackBytes {
  private final SocketChannel out;
  private final SocketChannel in;
  private final ByteBuffer from;
  private final ByteBuffer to;
  private final CompletableFuture<Long> received = new CompletableFuture<>(); // bytes, at the end
  private long sent; // bytes

  /**
   * @param bytes that are sent at once
   */
  LoopbackBytes(int bytes) throws IOException {
    from = ByteBuffer.allocateDirect(bytes);
    to = ByteBuffer.allocateDirect(bytes);
    try (ServerSocketChannel server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      out = SocketChannel.open(server.getLocalAddress());
      in = server.accept();
    }
    Thread.ofPlatform().daemon().start(this::receive);
  }

  void send() throws IOException {
    from.clear();
    while (from.hasRemaining()) {
      out.write(from);
    }
    sent += from.capacity();
  }

  /** Requires that all bytes have come, and ends the connection. */
  void finish() throws Exception {
    out.shutdownOutput();
    long came = received.get();
    out.close();
    in.close();
    if (came != sent) {
      throw new IllegalStateException("expected " + sent + " bytes, found " + came);
    }
  }

  private void receive() {
    long bytes = 0;
    try {
      for (int n = in.read(to.clear()); n >= 0; n = in.read(to.clear())) {
        bytes += n;
      }
      received.complete(bytes);
    } catch (IOException e) { // told where all bytes are required
      received.completeExceptionally(e);
    }
  }
}
