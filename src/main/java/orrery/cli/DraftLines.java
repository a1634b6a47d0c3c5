package orrery.cli;

import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.function.IntFunction;
import orrery.observe.SpeculationStats;
import orrery.speculation.SpeculationOptions;

/** What became of the drafts, in lines for people. */
final class DraftLines {
  /** Begins every line about a run whose text is not the model's. */
  static final String SYNTHETIC = "SYNTHETIC acceptance, the text is not the model's: ";

  private DraftLines() {}

  /**
   * The lines, without line ends; none if speculation is off.
   *
   * @param width characters before the figures, the word {@code drafts} among them
   */
  static List<String> of(SpeculationOptions options, SpeculationStats stats, int width) {
    if (!options.on()) {
      return List.of();
    }
    String label = options.synthetic() ? SYNTHETIC : "";
    String head = label + "drafts" + " ".repeat(width - "drafts".length());
    if (stats.verifications() == 0) {
      return List.of(head + "none were made");
    }
    return List.of(
        head + accepted(stats),
        String.format(
            Locale.ROOT,
            "%s%sacceptance length %.2f, %.2f steps of the main model a token, %.2f rows a token",
            label,
            " ".repeat(width),
            stats.acceptanceLength(),
            stats.stepsPerToken(),
            stats.rowsPerToken()));
  }

  private static String accepted(SpeculationStats stats) {
    return String.format(
        Locale.ROOT,
        "%d in %d verification%s: accepted %s at position%s %s",
        stats.drafted(),
        stats.verifications(),
        stats.verifications() == 1 ? "" : "s",
        joined(stats.positions(), p -> share(stats.accepted(p), stats.judged(p))),
        stats.positions() == 1 ? "" : "s",
        joined(stats.positions(), p -> Integer.toString(p + 1)));
  }

  /**
   * The accepted drafts of 100 judged ones; unknown for a position that no verification reached.
   */
  private static String share(int accepted, int judged) {
    return judged == 0 ? "?" : String.format(Locale.ROOT, "%.0f %%", 100.0 * accepted / judged);
  }

  private static String joined(int n, IntFunction<String> word) {
    StringJoiner words = new StringJoiner(" / ");
    for (int i = 0; i < n; i++) {
      words.add(word.apply(i));
    }
    return words.toString();
  }
}
