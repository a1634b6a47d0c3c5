package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

class SpeculationFlagsTest {
  @CommandLine.Command
  private static final class Flags {
    @Mixin private EngineFlags engine;
  }

  private static EngineFlags parse(String... args) {
    Flags flags = new Flags();
    new CommandLine(flags).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(args);
    return flags.engine;
  }

  /** The options with mtp and these flags. */
  private static SpeculationOptions mtp(String... args) {
    String[] all = Arrays.copyOf(args, args.length + 2);
    all[args.length] = "--speculative-algorithm";
    all[args.length + 1] = "mtp";
    return parse(all).options().speculation();
  }

  @Test
  void withoutFlagsTheOptionsAreTheEnginesDefaults() {
    assertThat(parse().options().speculation()).isEqualTo(SpeculationOptions.defaults());
    assertThat(mtp()).isEqualTo(SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP));
  }

  @Test
  void everyFlagReachesTheOptions() {
    SpeculationOptions o =
        SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(3);
    assertThat(mtp("--speculative-num-steps", "5")).isEqualTo(o.withNumSteps(5));
    assertThat(mtp("--speculative-adaptive")).isEqualTo(o.withAdaptive(true));
    assertThat(mtp("--speculative-disable-by-batch-size", "8"))
        .isEqualTo(o.withDisableByBatchSize(8));
    assertThat(mtp("--speculative-coupled-drafts", "off")).isEqualTo(o.withCoupledDrafts(false));
    assertThat(mtp("--speculative-coupled-drafts=on")).isEqualTo(o);
    assertThat(mtp("--speculative-ngram-min", "3")).isEqualTo(o.withNgram(3, 4));
    assertThat(mtp("--speculative-ngram-max", "7")).isEqualTo(o.withNgram(2, 7));
    assertThat(mtp("--speculative-synthetic-accept-length", "2.5"))
        .isEqualTo(o.withSyntheticAcceptLength(2.5));
    assertThat(mtp("--speculative-acceptance", "target-only"))
        .isEqualTo(o.withAcceptance(Acceptance.TARGET_ONLY));
    assertThat(mtp("--speculative-acceptance", "Rejection"))
        .isEqualTo(o.withAcceptance(Acceptance.REJECTION));
    assertThat(mtp("--speculative-acceptance", "coupled")).isEqualTo(o);
    assertThat(parse("--speculative-algorithm", "NGRAM").options().speculation().algorithm())
        .isEqualTo(Algorithm.NGRAM);
  }

  @Test
  void aCommandsOwnDefaultYieldsToWhatTheUserSays() {
    assertThat(parse().options(Algorithm.MTP).speculation().algorithm()).isEqualTo(Algorithm.MTP);
    assertThat(
            parse("--speculative-num-steps", "2").options(Algorithm.MTP).speculation().numSteps())
        .isEqualTo(2);
    for (String said : new String[] {"off", "ngram"}) {
      assertThat(
              parse("--speculative-algorithm", said)
                  .options(Algorithm.MTP)
                  .speculation()
                  .algorithm())
          .isEqualTo(Algorithm.valueOf(said.toUpperCase()));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "num-steps 99              | num-steps: expected 0 to 16, found 99",
        "num-steps -1              | num-steps: expected 0 to 16, found -1",
        "disable-by-batch-size -1  | disable-by-batch-size: expected at least 1, or 0 for no limit,"
            + " found -1",
        "ngram-min 0               | ngram-min: expected 1 to 64, found 0",
        "ngram-max 1               | ngram-max: expected from the shortest run 2 to 64, found 1",
        "synthetic-accept-length 9 | synthetic-accept-length: expected 1 to speculative-num-steps +"
            + " 1, or 0 for off, found 9.0",
        "synthetic-accept-length .5| synthetic-accept-length: expected 1 to speculative-num-steps +"
            + " 1, or 0 for off, found 0.5",
        "synthetic-accept-length nan | synthetic-accept-length: expected 1 to"
            + " speculative-num-steps + 1, or 0 for off, found NaN",
      })
  void aValueOutOfRangeIsTheFlagsMistake(String flag, String message) {
    String[] words = ("--speculative-" + flag).replace("nan", "NaN").split(" +");
    assertThatThrownBy(() -> mtp(words))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("speculative-" + message); // Main makes a flag of it
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "algorithm eagle     | expected off, mtp or ngram, found eagle",
        "acceptance strict   | expected coupled, target-only or rejection, found strict",
        "coupled-drafts some | expected on or off, found some",
        "num-steps few       | 'few' is not an int",
      })
  void aWordThatIsNoValueIsNamedWithItsFlag(String flag, String message) {
    String[] words = ("--speculative-" + flag).split(" +");
    assertThatThrownBy(() -> mtp(words))
        .isInstanceOf(ParameterException.class)
        .hasMessageContaining(words[0])
        .hasMessageContaining(message);
  }
}
