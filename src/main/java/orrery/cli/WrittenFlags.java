package orrery.cli;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import orrery.openai.Nearest;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * A command line as it was written, for messages about it: a flag has several names, and its user
 * knows the one that stands there.
 */
final class WrittenFlags {
  private final CommandSpec spec;
  private final List<String> args;

  WrittenFlags(CommandSpec spec, Collection<String> args) {
    this.spec = spec;
    this.args = List.copyOf(args);
  }

  /** The name of a flag that the user wrote; its long name if the user wrote none. */
  String name(OptionSpec option) {
    for (String arg : args) {
      for (String name : option.names()) {
        boolean attached = name.length() == 2 && arg.startsWith(name);
        if (arg.equals(name) || arg.startsWith(name + "=") || attached) {
          return name;
        }
      }
    }
    return option.longestName();
  }

  /**
   * What is wrong if a flag with one value is there twice. picocli begins the flag's whole group
   * anew then, so that other flags of the group are lost.
   */
  Optional<String> repeated() {
    for (OptionSpec option : spec.options()) {
      List<String> values = option.originalStringValues();
      if (!option.isMultiValue() && values.size() > 1) {
        String found = option.arity().max() == 0 ? values.size() + " times" : shown(values);
        return Optional.of(name(option) + ": expected once, found " + found);
      }
    }
    return Optional.empty();
  }

  private static String shown(List<String> values) {
    return String.join(" and ", values.stream().map(v -> v.isEmpty() ? "\"\"" : v).toList());
  }

  /** What is wrong with a command line that could not be read. */
  String explain(ParameterException e) {
    Optional<String> repeated = repeated();
    if (repeated.isPresent()) {
      return repeated.get();
    }
    if (e instanceof UnmatchedArgumentException unmatched) {
      return unmatched(unmatched);
    }
    return e.getArgSpec() instanceof OptionSpec option
        ? e.getMessage().replace("'" + option.longestName() + "'", "'" + name(option) + "'")
        : e.getMessage();
  }

  /** picocli counts what follows an unknown flag as unknown, too; the flag alone is the mistake. */
  private String unmatched(UnmatchedArgumentException e) {
    String first = e.getUnmatched().getFirst();
    if (!e.isUnknownOption()) {
      return "Unmatched argument: '" + first + "'" + nearest(first, spec.subcommands().keySet());
    }
    String flag = first.startsWith("--") ? first.replaceFirst("=.*", "") : first;
    List<String> flags =
        spec.options().stream().map(OptionSpec::names).flatMap(Arrays::stream).toList();
    return "Unknown option: '" + flag + "'" + nearest(flag, flags);
  }

  private static String nearest(String name, Collection<String> names) {
    return Nearest.to(name, names).map(n -> "; did you mean " + n + "?").orElse("");
  }
}
