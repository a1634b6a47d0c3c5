package orrery.engine;

import java.io.IOException;
import orrery.disagg.Frame;
import orrery.disagg.Frame.Type;
import orrery.disagg.Network;
import orrery.disagg.TcpNetwork;
import orrery.disagg.Transfer;

/** Sockets whose decode side sends or receives something else than what it should. */
final class BentNetwork implements Network {
  /** What a frame becomes; null if it does not come at all. */
  interface Bend {
    Frame of(Frame frame) throws IOException;
  }

  private final Network straight = TcpNetwork.local();
  private final Bend sent;
  private final Bend received;

  BentNetwork(Bend sent, Bend received) {
    this.sent = sent;
    this.received = received;
  }

  @Override
  public Transfer connect(String host, int port) throws IOException {
    Transfer to = straight.connect(host, port);
    return new Transfer() {
      @Override
      public void send(Frame frame) throws IOException {
        to.send(sent.of(frame));
      }

      @Override
      public Frame receive(Type... expected) throws IOException {
        Frame frame = received.of(to.receive(expected));
        while (frame == null) {
          frame = received.of(to.receive(expected));
        }
        return frame;
      }

      @Override
      public void close() {
        to.close();
      }
    };
  }

  @Override
  public Listener listen(int port) throws IOException {
    return straight.listen(port);
  }
}
