package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code orrery serve} in a process of its own, from the moment when it says where it is.
 *
 * @param curl the command to try, as it printed it
 */
record ServerProcess(Process process, int port, String curl) implements AutoCloseable {
  private static final Pattern ADDRESS =
      Pattern.compile("\\S+ is served at http://127\\.0\\.0\\.1:(\\d+)\\. To try it:");

  /** The command line. */
  static ProcessBuilder command(Path model, Path err, String... flags) {
    List<String> command = new ArrayList<>(List.of("serve", "-m", model.toString()));
    command.addAll(List.of(flags));
    return OrreryJvm.command(command).redirectError(err.toFile());
  }

  /** Starts a server and waits until it says where it is. */
  static ServerProcess start(Path model, Path err, String... flags) throws IOException {
    Process process = command(model, err, flags).start();
    var out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    assertThat(line).as("%s", Files.readString(err)).isNotNull();
    Matcher address = ADDRESS.matcher(line);
    assertThat(address.matches()).as(line).isTrue();
    return new ServerProcess(process, Integer.parseInt(address.group(1)), out.readLine());
  }

  /** Kills it at once, as {@code kill -9} does. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
