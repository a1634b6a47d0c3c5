package orrery.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Orrery in a JVM of its own, which starts quickly. */
final class OrreryJvm {
  private OrreryJvm() {}

  static ProcessBuilder command(List<String> args) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "orrery.cli.Main"));
    command.addAll(args);
    return new ProcessBuilder(command);
  }
}
