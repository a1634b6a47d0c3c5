package orrery.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import orrery.observe.Profile;
import orrery.options.Options;
import orrery.server.ServerOptions;
import picocli.CommandLine.Option;

/** The flags for who may call a server, and what a call may cost. */
final class ServerFlags {
  private static final ServerOptions DEFAULTS = ServerOptions.defaults();

  @Option(
      names = "--host",
      paramLabel = "HOST",
      description =
          "Name or address to listen at; 0.0.0.0 is every one of this machine. Default:"
              + " ${DEFAULT-VALUE}")
  private String host = DEFAULTS.host();

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "Port to listen at; 0 takes a free one. Default: ${DEFAULT-VALUE}")
  private int port = DEFAULTS.port();

  @Option(
      names = "--api-key",
      paramLabel = "KEY[,KEY...]",
      split = ",",
      description =
          "Answer only calls with one of these keys (Authorization: Bearer KEY), and /health, and"
              + " give the X-ray page's files to anyone. Callers with different keys share no"
              + " prefix")
  private List<String> apiKeys = List.of();

  @Option(
      names = "--allow-anyone",
      description = "Listen at an address that other machines reach, without a key")
  private boolean allowAnyone;

  @Option(
      names = "--max-body",
      paramLabel = "BYTES",
      description = "Longest body of a request; a longer one gets 413. Default: ${DEFAULT-VALUE}")
  private int maxBody = DEFAULTS.maxBody();

  @Option(
      names = "--max-connections",
      paramLabel = "N",
      description =
          "Most open connections; a call on a further one gets 503. Default: ${DEFAULT-VALUE}")
  private int maxConnections = DEFAULTS.maxConnections();

  @Option(
      names = "--request-timeout",
      paramLabel = "SECONDS",
      description =
          "Cut an answer off that is not complete after so long; a call without a token gets 503. 0"
              + " waits for ever. Default: ${DEFAULT-VALUE}")
  private double requestTimeout = 0;

  @Option(
      names = "--profile-dir",
      paramLabel = "DIR",
      description =
          "Existing directory in which clients may have traces written (/start_profile). Default:"
              + " they may not")
  private Path profileDir;

  /** Names the directory of traces among the files of the command. */
  CommandFiles from(CommandFiles files) {
    return files.reads("--profile-dir", profileDir);
  }

  /**
   * The sink that writes traces for clients.
   *
   * @throws IllegalArgumentException if the flag names no directory
   */
  Profile profile() {
    Options.check(
        profileDir == null || Files.isDirectory(profileDir),
        "profile-dir",
        "an existing directory",
        profileDir);
    return new Profile(Optional.ofNullable(profileDir));
  }

  /**
   * What the flags say.
   *
   * @throws IllegalArgumentException if a value is out of its range, naming the option
   */
  ServerOptions options() {
    return DEFAULTS
        .withApiKeys(apiKeys)
        .withAllowAnyone(allowAnyone)
        .withHost(host)
        .withPort(port)
        .withMaxBody(maxBody)
        .withMaxConnections(maxConnections);
  }

  /**
   * After how long an answer is cut off.
   *
   * @throws IllegalArgumentException if it is out of its range
   */
  Optional<Duration> deadline() {
    Options.check(
        requestTimeout >= 0 && requestTimeout <= 1e9,
        "request-timeout",
        "0 to 1,000,000,000",
        requestTimeout);
    return requestTimeout == 0
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(Math.max(1, (long) (requestTimeout * 1e9))));
  }
}
