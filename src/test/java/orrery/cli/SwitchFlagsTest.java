package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.engine.EngineOptions;
import orrery.engine.Switch;
import orrery.hisparse.HisparseConfig;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Every switch of the engine has a flag; {@code run-batch} has the flags of all. */
class SwitchFlagsTest {
  /** Switches without a flag, and why. */
  private static final Map<String, String> NO_FLAG =
      Map.of("batch-wait-millis", "all requests of a command are there when it starts");

  static Stream<Switch> switches() {
    return Switch.all().stream().filter(s -> !NO_FLAG.containsKey(s.name()));
  }

  private static EngineOptions options(String... flags) {
    RunBatchCommand command = new RunBatchCommand();
    List<String> args = new ArrayList<>(List.of("-i", "in", "-o", "out"));
    args.addAll(List.of(flags));
    new CommandLine(command).parseArgs(args.toArray(String[]::new));
    return command.options();
  }

  private static OptionSpec flag(Switch s) {
    return new CommandLine(new RunBatchCommand()).getCommandSpec().findOption("--" + s.name());
  }

  @ParameterizedTest
  @MethodSource("switches")
  void aSwitchHasAFlagOfItsNameThatSetsItAndNothingElse(Switch s) {
    assertThat(flag(s)).as("--%s", s).isNotNull();
    Object value = other(s);
    EngineOptions said =
        flag(s).arity().max() == 0
            ? options("--" + s.name())
            : options("--" + s.name(), written(value));
    assertThat(said).isEqualTo(s.with(EngineOptions.defaults(), value));
  }

  @Test
  void aFlagThatIsNotThereLeavesTheDefault() {
    assertThat(options()).isEqualTo(EngineOptions.defaults());
  }

  @Test
  void theHelpTellsOfEveryFlag() {
    String help = new CommandLine(new RunBatchCommand()).getUsageMessage();
    switches().forEach(s -> assertThat(help).contains("--" + s.name()));
  }

  @Test
  void aSwitchWithoutAFlagHasAReason() {
    assertThat(Switch.all().stream().filter(s -> flag(s) == null).map(Switch::name))
        .containsExactlyInAnyOrderElementsOf(NO_FLAG.keySet());
  }

  /** A value that is not the default. */
  private static Object other(Switch s) {
    Object standard = s.get(EngineOptions.defaults());
    return switch (standard) {
      case Boolean on -> !on;
      case Integer number -> number == 2 ? 3 : 5;
      case Double number -> number + 1;
      case HisparseConfig config -> new HisparseConfig(3, 5);
      case String word -> word + "of files";
      default ->
          s.values().stream().filter(value -> !value.equals(standard)).findFirst().orElseThrow();
    };
  }

  private static String written(Object value) {
    return switch (value) {
      case Boolean on -> on ? "on" : "off";
      case Enum<?> constant -> EnumWord.of(constant);
      default -> value.toString();
    };
  }
}
