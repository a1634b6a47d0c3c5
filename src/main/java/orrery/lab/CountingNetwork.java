package orrery.lab;

import java.io.IOException;
import java.util.concurrent.atomic.LongAdder;
import orrery.disagg.Frame;
import orrery.disagg.Network;
import orrery.disagg.Transfer;

/** Counts what is sent over another network, by either side. */
final class CountingNetwork implements Network {
  private final Network network;
  private final LongAdder pages = new LongAdder();
  private final LongAdder bytes = new LongAdder();

  CountingNetwork(Network network) {
    this.network = network;
  }

  /** Pages of the KV cache. */
  long pages() {
    return pages.sum();
  }

  /** Bytes of all payloads. */
  long bytes() {
    return bytes.sum();
  }

  @Override
  public Transfer connect(String host, int port) throws IOException {
    return counted(network.connect(host, port));
  }

  @Override
  public Listener listen(int port) throws IOException {
    Listener listener = network.listen(port);
    return new Listener() {
      @Override
      public Transfer accept() throws IOException {
        return counted(listener.accept());
      }

      @Override
      public int port() {
        return listener.port();
      }

      @Override
      public void close() {
        listener.close();
      }
    };
  }

  private Transfer counted(Transfer transfer) {
    return new Transfer() {
      @Override
      public void send(Frame frame) throws IOException {
        pages.add(frame.type() == Frame.Type.PAGE ? 1 : 0);
        bytes.add(frame.payload().remaining());
        transfer.send(frame);
      }

      @Override
      public Frame receive(Frame.Type... expected) throws IOException {
        return transfer.receive(expected);
      }

      @Override
      public void close() {
        transfer.close();
      }
    };
  }
}
