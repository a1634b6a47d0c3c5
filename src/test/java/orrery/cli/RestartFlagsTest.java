package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.EventSink;
import orrery.offload.OffloadOptions;
import orrery.xray.Engines.Flag;
import picocli.CommandLine.Model.CommandSpec;

/** The flags of a restart are those of {@code orrery serve} that are about the engine. */
class RestartFlagsTest {

  private static CommandSpec serve(String... flags) {
    String[] line = Stream.concat(Stream.of("serve"), Arrays.stream(flags)).toArray(String[]::new);
    return Main.line().parseArgs(line).subcommand().commandSpec();
  }

  @Test
  void noFlagsAreTheDefaults() {
    assertThat(RestartFlags.read()).isEqualTo(EngineOptions.defaults());
    assertThat(RestartFlags.words("  ")).isEmpty();
  }

  @Test
  void theyAreReadAsServeReadsThem() {
    String[] flags = {
      "--page-size", "8", "--prefix-cache=hash", "--lpm", "--max-queued-requests", "9"
    };
    ServeCommand command = (ServeCommand) serve(flags).userObject();
    assertThat(RestartFlags.read(flags)).isEqualTo(command.options());
  }

  @Test
  void everyEngineFlagOfServeIsOneOfThem() {
    List<String> own = RestartFlags.all().stream().map(Flag::name).toList();
    List<String> serves =
        Main.line().getSubcommands().get("serve").getCommandSpec().options().stream()
            .filter(o -> o.group() != null && o.group().heading().startsWith("%nEngine"))
            .map(o -> o.longestName())
            .toList();
    assertThat(own).containsExactlyInAnyOrderElementsOf(serves).contains("--page-size", "--lpm");
  }

  @Test
  void eachIsToldWithItsValueAndItsHelp() {
    Flag pages =
        RestartFlags.all().stream().filter(f -> f.name().equals("--page-size")).findFirst().get();
    assertThat(pages.value()).isEqualTo("P");
    assertThat(pages.help()).contains("page").doesNotContain("${");
    assertThat(RestartFlags.all()).anyMatch(f -> f.value().isEmpty());
  }

  @Test
  void whatAUserGaveIsFoundAgain() {
    CommandSpec serve = serve("--port", "0", "--page-size=8", "--speculative-adaptive", "-m", "x");
    assertThat(RestartFlags.given(serve).split(" (?=--)"))
        .containsExactlyInAnyOrder("--page-size 8", "--speculative-adaptive");
  }

  @Test
  void noFileIsReadForThem(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("secret"), "--page-size 8");
    assertThatThrownBy(() -> RestartFlags.read("@" + file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("@" + file);
  }

  @Test
  void noPageSaysWhichFilesAnEngineWritesAndEachKeepsThoseOfTheFirst(@TempDir Path directory)
      throws IOException {
    assertThatThrownBy(() -> RestartFlags.read("--hicache-storage-dir", directory.toString()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--hicache-storage-dir");
    String[] flags = {
      "--enable-hierarchical-cache",
      "--hicache-storage-backend=file",
      "--hicache-storage-dir=" + directory
    };
    ServeCommand command = (ServeCommand) serve(flags).userObject();
    EngineOptions first = command.options();
    assertThat(first.offload().hicacheStorageDir()).isEqualTo(directory.toString());
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        PageServer server = new PageServer(false, loaded, EventSink.NONE)) {
      command.start(server, first).close();
      EngineOptions next = server.read("--enable-hierarchical-cache --page-size 8");
      assertThat(next.offload()).isEqualTo(first.offload());
      EngineOptions bare = server.read("--page-size 8");
      assertThat(bare.offload()).isEqualTo(OffloadOptions.defaults());
      server.start(bare).close();
      assertThat(server.read("--enable-hierarchical-cache").offload()).isEqualTo(first.offload());
    }
  }

  @Test
  void mistakesHaveTheWordsOfTheCommandLine() {
    assertThatThrownBy(() -> RestartFlags.read("--page-sise", "8"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Unknown option: '--page-sise'; did you mean --page-size?");
    assertThatThrownBy(() -> RestartFlags.read("--threads", "0"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("--threads: expected");
    assertThatThrownBy(() -> RestartFlags.read("--lpm", "--lpm"))
        .hasMessage("--lpm: expected once, found 2 times");
    assertThat(RestartFlags.explained("max-total-tokens: expected more"))
        .isEqualTo("--max-total-tokens: expected more");
  }
}
