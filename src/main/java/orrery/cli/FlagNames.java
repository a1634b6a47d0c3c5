package orrery.cli;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * Names flags as the user wrote them. An error of the library names a field of the library or of
 * OpenAI's API ({@code max_tokens: expected …}); at the command line that field is a flag ({@code
 * -n: expected …}).
 */
final class FlagNames {
  /**
   * The flags of fields whose flag has another name; of several flags, the one that was given
   * counts.
   */
  private static final Map<String, List<String>> OTHER_NAMES =
      Map.of(
          "n", List.of("--choices"),
          "stop_token_ids", List.of("--stop-token-id"),
          "prompt", List.of("--ids", "--chat", "--prompt-file", "--prompt"),
          "ids", List.of("--ids", "--text"));

  private static final Pattern FIRST = Pattern.compile("^([a-z][a-z0-9_-]*)(?=: )");
  // Not in quotes: that is a key or a word of the user's own.
  private static final Pattern WITHIN =
      Pattern.compile("(?<![-\\w\"])([a-z]+(?:[_-][a-z]+)+)(?![-\\w])");

  private final CommandSpec spec;
  private final ParseResult parsed;

  FlagNames(CommandSpec spec) {
    this.spec = spec;
    this.parsed = spec.commandLine().getParseResult();
  }

  /** A message with the names of this command's flags in the place of fields. */
  String in(String message) {
    return replaced(WITHIN, replaced(FIRST, String.valueOf(message)));
  }

  private String replaced(Pattern fields, String message) {
    return fields
        .matcher(message)
        .replaceAll(m -> Matcher.quoteReplacement(flag(m.group(1)).orElse(m.group(1))));
  }

  private Optional<String> flag(String field) {
    List<String> names = OTHER_NAMES.getOrDefault(field, List.of("--" + field.replace('_', '-')));
    List<OptionSpec> options = names.stream().map(spec::findOption).filter(o -> o != null).toList();
    Optional<OptionSpec> given = options.stream().filter(this::given).findFirst();
    return given
        .or(() -> options.size() == 1 ? Optional.of(options.getFirst()) : Optional.empty())
        .map(this::written);
  }

  /** Whether the user wrote a flag. */
  boolean given(String flag) {
    OptionSpec option = spec.findOption(flag);
    return option != null && given(option);
  }

  private boolean given(OptionSpec option) {
    return parsed.hasMatchedOption(option);
  }

  /** The name of a flag that the user wrote; its long name if the user wrote none. */
  String written(OptionSpec option) {
    return new WrittenFlags(spec, parsed.originalArgs()).name(option);
  }
}
