package orrery.xray;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import orrery.cli.XrayServer;
import orrery.disagg.DecodeSide;
import orrery.disagg.PrefillHosts;
import orrery.disagg.TcpNetwork;
import orrery.server.Role;

/** A decode server with a page, for which no prefill server and no router is there. */
final class HalfServer {
  private static final int PORT = 1; // nobody calls it
  private static final int RESERVED = 64; // tokens of each answer
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private HalfServer() {}

  static XrayServer decode(Path model) throws IOException {
    return new XrayServer(
        model,
        "",
        engine ->
            new Role.Decode(
                new DecodeSide(engine, "m", TcpNetwork.local(), RESERVED, PATIENCE),
                PrefillHosts.of(List.of(), PORT),
                PORT));
  }
}
