package orrery.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import orrery.disagg.DecodeSide;
import orrery.disagg.PrefillHosts;
import orrery.disagg.PrefillSide;
import orrery.disagg.TcpNetwork;
import orrery.engine.Engine;
import orrery.engine.LoadedModel;
import orrery.options.Options;
import orrery.server.Role;
import picocli.CommandLine.Option;

/** The flags for a server that does the prompts of requests, or what follows them. */
final class DisaggregationFlags {
  static final String HEADING = "%nPrompts here, answers there (behind a router):%n";
  static final String MODE = "--disaggregation-mode";
  static final String HOST = "--disaggregation-bootstrap-host";
  static final String PORT = "--disaggregation-bootstrap-port";
  static final String PREFILL_HOSTS = "--disaggregation-prefill-hosts";
  static final String RESERVED = "--num-reserved-decode-tokens";
  static final String BOOTSTRAP = "--disaggregation-bootstrap-timeout";
  static final String WAITING = "--disaggregation-waiting-timeout";

  /** What a server does of each request. */
  enum Mode {
    NULL,
    PREFILL,
    DECODE
  }

  /** Reads a mode. */
  static final class ModeWord extends EnumWord<Mode> {
    ModeWord() {
      super(Mode.class);
    }
  }

  @Option(
      names = MODE,
      paramLabel = "WHICH",
      converter = ModeWord.class,
      description =
          "null (whole requests), prefill (prompts and first tokens) or decode (what follows)."
              + " Default: null")
  private Mode mode = Mode.NULL;

  @Option(
      names = PORT,
      paramLabel = "N",
      description =
          "With prefill: port at which decode servers call. With decode: that of a prefill server"
              + " if the router names none, and the one of this machine that it may name."
              + " Default: ${DEFAULT-VALUE}")
  private int port = 8998;

  @Option(
      names = HOST,
      paramLabel = "ADDRESS",
      description =
          "With prefill: address at which decode servers call. It asks for no key."
              + " Default: ${DEFAULT-VALUE}")
  private String host = "127.0.0.1";

  @Option(
      names = PREFILL_HOSTS,
      paramLabel = "HOST[:PORT],...",
      description =
          "With decode: prefill servers that a request may name, beside one port of this machine;"
              + " without a PORT all ports of a host, * for any host. The server calls them and"
              + " trusts their rows. Default: none")
  private List<String> prefillHosts = List.of();

  @Option(
      names = RESERVED,
      paramLabel = "N",
      description =
          "With decode: tokens that each answer is expected to still need, at most; the next"
              + " request waits for pages until these are sure. Default: ${DEFAULT-VALUE}")
  private int reserved = DecodeSide.RESERVED_TOKENS;

  @Option(
      names = BOOTSTRAP,
      paramLabel = "SECONDS",
      description =
          "With prefill: how long one half of a request waits for the other, before it fails."
              + " Default: ${DEFAULT-VALUE}")
  private int bootstrap = 300; // SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT

  @Option(
      names = WAITING,
      paramLabel = "SECONDS",
      description =
          "How long pages may take to be sent (with decode: also to be computed), once the decode"
              + " server has pages for them. Default: ${DEFAULT-VALUE}")
  private int waiting = 300; // SGLANG_DISAGGREGATION_WAITING_TIMEOUT

  /** Whether the server does whole requests. */
  boolean whole() {
    return mode == Mode.NULL;
  }

  /** Whether the server decodes alone. */
  boolean decode() {
    return mode == Mode.DECODE;
  }

  /** Whether the server computes prompts alone. */
  boolean prefill() {
    return mode == Mode.PREFILL;
  }

  /** What a body must say beside its prompt, with a comma before it; nothing for whole requests. */
  String example() {
    String called = host.equals("0.0.0.0") || host.equals("::") ? "localhost" : host;
    return whole()
        ? ""
        : ", \"bootstrap_host\": \"%s\", \"bootstrap_port\": %d, \"bootstrap_room\": 1"
            .formatted(called, port);
  }

  /** How the other half of such a request gets its work, for a server of halves. */
  Optional<String> otherHalf() {
    String other = prefill() ? "decode" : "prefill";
    return whole()
        ? Optional.empty()
        : Optional.of(
            "A router sends the same body to the %s server at the same time; so must you."
                .formatted(other));
  }

  /**
   * @throws IllegalArgumentException naming the flag, what was expected and what was found
   */
  void check() {
    Options.check(port >= 1 && port <= 0xFFFF, "disaggregation-bootstrap-port", "1 to 65535", port);
    Options.check(reserved >= 0, "num-reserved-decode-tokens", "at least 0", reserved);
    Options.check(bootstrap >= 1, "disaggregation-bootstrap-timeout", "at least 1", bootstrap);
    Options.check(waiting >= 1, "disaggregation-waiting-timeout", "at least 1", waiting);
    hosts();
  }

  private PrefillHosts hosts() {
    return PrefillHosts.of(prefillHosts, port);
  }

  /**
   * What the server does of each request.
   *
   * @throws IOException if the port cannot be had
   */
  Role role(Engine engine, LoadedModel loaded) throws IOException {
    return switch (mode) {
      case NULL -> new Role.Whole();
      case PREFILL -> {
        TcpNetwork network = new TcpNetwork(InetAddress.getByName(host));
        String name = loaded.fingerprint().digits();
        yield new Role.Prefill(
            PrefillSide.start(
                List.of(engine),
                name,
                network,
                port,
                Duration.ofSeconds(bootstrap),
                Duration.ofSeconds(waiting)));
      }
      case DECODE -> {
        TcpNetwork network = TcpNetwork.local(); // it calls, and is not called
        String name = loaded.fingerprint().digits();
        Duration rows = Duration.ofSeconds(waiting);
        yield new Role.Decode(new DecodeSide(engine, name, network, reserved, rows), hosts(), port);
      }
    };
  }
}
