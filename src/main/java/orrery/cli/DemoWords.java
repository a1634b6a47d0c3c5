package orrery.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.model.ModelInfo;
import orrery.observe.SpeculationStats;
import orrery.speculation.SpeculationOptions;

/** What the demo says before and after the answers. */
final class DemoWords {
  private final LoadedModel loaded;
  private final EngineOptions options;
  private final SpeculationOptions speculation;
  private final PrintWriter out;

  DemoWords(LoadedModel loaded, EngineOptions options, PrintWriter out) {
    this.loaded = loaded;
    this.options = options;
    this.speculation = options.speculation();
    this.out = out;
  }

  /** The model and the drafter. */
  void introduce(double millis) {
    ModelInfo info = loaded.model().info();
    out.printf(
        Locale.ROOT,
        "%s: %s, %.1f M parameters,%nof which one token uses %.1f M. Loaded in %.0f ms.%n",
        loaded.directory().getFileName(),
        loaded.model().architecture(),
        info.parameters() / 1e6,
        info.activeParameters() / 1e6,
        millis);
    if (speculation.synthetic()) {
      out.println(DraftLines.SYNTHETIC + "an experiment.");
    }
    if (speculation.on()) {
      out.printf(
          "Drafts: up to %d a step, by %s (--speculative-algorithm off: none).%n",
          speculation.numSteps(), drafter());
    }
    out.flush();
  }

  /** Steps, rows, tokens, drafts, in lines that a terminal does not cut within words. */
  void conclude(Board board, int answered, SpeculationStats stats, int columns) {
    StringWriter text = new StringWriter();
    new DemoWords(loaded, options, new PrintWriter(text)).conclude(board, answered, stats);
    text.toString().lines().flatMap(l -> Columns.wrap(l, columns).stream()).forEach(out::println);
    out.flush();
  }

  private void conclude(Board board, int answered, SpeculationStats stats) {
    out.printf("%nThe steps, as the engine reported them:%n%s", board.stepLines(14));
    totals(board, answered);
    weights(board.totals());
    drafts(stats);
    out.println(
        "Next: orrery generate --help · orrery inspect · orrery run-batch --help · docs/README.md");
    out.flush();
  }

  private void totals(Board board, int answered) {
    Board.Totals t = board.totals();
    double seconds = t.busyNanos() / 1e9;
    out.printf(
        Locale.ROOT,
        "%n%d request%s in %d steps and %.2f s of computing on %d thread%s: %d prompt rows (%d more"
            + " came from the prefix cache), %d answer tokens, %.0f tok/s, at most %d at once.%n",
        answered,
        answered == 1 ? "" : "s",
        t.steps(),
        seconds,
        options.compute().threads(),
        options.compute().threads() == 1 ? "" : "s",
        t.prefillRows(),
        t.hitTokens(),
        t.outputTokens(),
        t.outputTokens() / seconds,
        t.mostRunning());
    out.printf(
        Locale.ROOT,
        "In the second half of the steps, with the JIT done: %.0f tok/s.%n",
        board.warmRate());
  }

  private void weights(Board.Totals t) {
    out.printf(
        Locale.ROOT,
        "One decoded token alone would read %.1f MB of weights; a step of %.1f rows on average"
            + " reads them once for all its rows.%n",
        loaded.model().info().activeBytes() / 1e6,
        (double) t.rows() / Math.max(1, t.steps()));
    if (t.paddingRows() > 0) {
      out.printf(
          Locale.ROOT,
          "%d of the %d rows were padding (%.0f %%): computed like any other, and thrown away.%n",
          t.paddingRows(),
          t.rows(),
          100.0 * t.paddingRows() / t.rows());
    }
  }

  private void drafts(SpeculationStats stats) {
    DraftLines.of(speculation, stats, 7).forEach(out::println);
    if (stats.verifications() > 0) {
      out.printf(
          Locale.ROOT,
          "%sWith drafts by %s, an answer took a step of the main model for every %.2f tokens;"
              + " without, for every one.%n",
          speculation.synthetic() ? DraftLines.SYNTHETIC : "",
          drafter(),
          1 / stats.stepsPerToken());
    }
  }

  private String drafter() {
    return switch (speculation.algorithm()) {
      case MTP -> "the MTP layer";
      case NGRAM -> "prompt lookup";
      case OFF -> "none";
    };
  }
}
