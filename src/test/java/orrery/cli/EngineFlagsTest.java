package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;

class EngineFlagsTest {
  @CommandLine.Command
  private static final class Flags {
    @Mixin private EngineFlags engine;
  }

  private static EngineFlags parse(String... args) {
    Flags flags = new Flags();
    new CommandLine(flags).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(args);
    return flags.engine;
  }

  @Test
  void graphTakesOnOrOffAsItsOwnWordOrAfterAnEqualsSign() {
    assertThat(parse().options().compute().graph()).isTrue();
    assertThat(parse("--graph", "off").options().compute().graph()).isFalse();
    assertThat(parse("--graph=off").options().compute().graph()).isFalse();
    assertThat(parse("--graph", "on").options().compute().graph()).isTrue();
    assertThat(parse("--fusion", "off").options().compute().fusion()).isFalse();
  }

  @Test
  void graphRefusesAnythingElse() {
    assertThatThrownBy(() -> parse("--graph", "maybe"))
        .hasMessageContaining("--graph")
        .hasMessageContaining("expected on or off, found maybe");
  }

  @Test
  void mixedChunksTakeOnOrOffAsTheirOwnWordToo() {
    assertThat(parse().options().batching().enableMixedChunk()).isTrue();
    assertThat(parse("--enable-mixed-chunk", "off").options().batching().enableMixedChunk())
        .isFalse();
    assertThat(parse("--enable-mixed-chunk=on").options().batching().enableMixedChunk()).isTrue();
  }
}
