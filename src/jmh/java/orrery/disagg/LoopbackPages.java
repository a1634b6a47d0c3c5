package orrery.disagg;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import orrery.disagg.Frame.Type;
import orrery.engine.KvPages;

/** PAGE frames over a loopback socket; a thread of its own fills the pages on the other side. */
final class LoopbackPages {
  private final KvPages to;
  private final Transfer out;
  private final Transfer in;
  private final CompletableFuture<Long> received = new CompletableFuture<>(); // frames, at the end
  private long sent; // frames

  /**
   * @param to filled again and again, one page after another
   */
  LoopbackPages(KvPages to) throws IOException {
    this.to = to;
    TcpNetwork network = TcpNetwork.local();
    try (Network.Listener listener = network.listen(0)) {
      out = network.connect("localhost", listener.port());
      in = listener.accept();
    }
    Thread.ofPlatform().daemon().start(this::receive);
  }

  void send(Frame page) throws IOException {
    out.send(page);
    sent++;
  }

  /** Requires that all pages have come, and ends the connection. */
  void finish() throws Exception {
    out.send(Frame.ints(Type.DONE, 0));
    long came = received.get();
    out.close();
    in.close();
    if (came != sent) {
      throw new IllegalStateException("expected " + sent + " pages, found " + came);
    }
  }

  private void receive() {
    try {
      received.complete(frames());
    } catch (IOException | RuntimeException e) { // told where all pages are required
      received.completeExceptionally(e);
      in.close(); // else the sender would wait for a reader
    }
  }

  private long frames() throws IOException {
    PageFrame round = new PageFrame(to); // in which each page may come once
    long frames = 0;
    for (Frame f = next(); f.type() == Type.PAGE; f = next()) {
      round = frames % to.end(0) == 0 ? new PageFrame(to) : round;
      round.decode(f);
      frames++;
    }
    return frames;
  }

  private Frame next() throws IOException {
    return in.receive(Type.PAGE, Type.DONE);
  }
}
