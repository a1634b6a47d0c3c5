package orrery.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import orrery.lab.Fidelity.Score;
import orrery.lab.HeldOutText.Passage;
import orrery.lab.Quantize;
import orrery.lab.QuantizedMatrix;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;
import orrery.text.Tokenizer;

/** The tables of {@code orrery quantize}. */
final class QuantizeTables {
  private static final int MOST_COLUMNS = 60; // of a name
  private static final int CONTEXT = 16; // tokens

  private final PrintWriter out;

  QuantizeTables(PrintWriter out) {
    this.out = out;
  }

  /**
   * One line for each kind of matrix, and one for all.
   *
   * @param each whether every matrix is a kind of its own
   */
  void matrices(Quantize.Report report, boolean each) {
    Map<String, List<QuantizedMatrix>> kinds = new LinkedHashMap<>();
    for (QuantizedMatrix m : report.matrices()) {
      String name = each ? m.tensor() : m.tensor().replaceAll("\\.\\d+(?=\\.)", ".*");
      String key = name + " [" + m.out() + ", " + m.in() + "]";
      kinds.computeIfAbsent(key, k -> new ArrayList<>()).add(m);
    }
    int width = kinds.keySet().stream().mapToInt(String::length).max().orElse(0);
    String columns = "%-" + Math.min(width, MOST_COLUMNS) + "s %6s  %-22s %13s %11s %8s   %s%n";
    out.printf(
        "%n" + columns,
        "matrix",
        "number",
        "stored as",
        "bytes",
        "bits/weight",
        "error",
        "worst row");
    kinds.forEach((name, list) -> line(columns, name, list, true));
    line(columns, "all", report.matrices(), false);
    out.printf(
        Locale.ROOT,
        "error: root mean square of the rounding over that of the weights%n"
            + "whole checkpoint: %,d bytes, were %,d (%.1f %%)%n",
        report.bytes(),
        report.bytesBefore(),
        100.0 * report.bytes() / report.bytesBefore());
  }

  private void line(String columns, String name, List<QuantizedMatrix> list, boolean one) {
    long bytes = list.stream().mapToLong(QuantizedMatrix::bytes).sum();
    long weights = list.stream().mapToLong(QuantizedMatrix::weights).sum();
    double error = list.stream().mapToDouble(QuantizedMatrix::squaredError).sum();
    double squares = list.stream().mapToDouble(QuantizedMatrix::squares).sum();
    QuantizedMatrix worst =
        list.stream().max(Comparator.comparingDouble(QuantizedMatrix::worstRowError)).orElseThrow();
    out.printf(
        columns,
        name,
        list.size(),
        one ? words(list.getFirst().format()) : "",
        String.format(Locale.ROOT, "%,d", bytes),
        String.format(Locale.ROOT, "%.3f", 8.0 * bytes / weights),
        percent(squares == 0 ? 0 : Math.sqrt(error / squares), 2),
        percent(worst.worstRowError(), 2) + " " + worst.tensor() + " row " + worst.worstRow());
  }

  /** For example: E2M1, E8M0 of 1 x 32. */
  private static String words(WeightFormat f) {
    String cols =
        f.blockCols() == WeightFormat.WHOLE ? "row" : f.blockRows() + " x " + f.blockCols();
    return f.codes() + ", " + f.scales() + (f.scales() == Scales.NONE ? "" : " of " + cols);
  }

  /** What both models say of the same text. */
  void scores(List<Score> scores) {
    out.printf(
        "%nafter every token of the same text; before -> after:%n%-14s %7s %9s %9s %10s %19s"
            + " %18s%n",
        "text", "tokens", "mean KL", "worst KL", "same best", "perplexity", "best is right");
    for (Score s : scores) {
      out.printf(
          Locale.ROOT,
          "%-14s %,7d %9.5f %9.3f %10s %19s %18s%n",
          s.kind(),
          s.rows(),
          s.kl(),
          s.worstKl(),
          percent(s.agreement(), 2),
          s.foretold() == 0
              ? "-"
              : String.format(Locale.ROOT, "%.4f -> %.4f", s.perplexity(), s.otherPerplexity()),
          s.foretold() == 0 ? "-" : percent(s.right(), 2) + " -> " + percent(s.otherRight(), 2));
    }
  }

  /** The text behind which the models differ most. */
  void worst(Tokenizer tokenizer, Passage passage, Score all) {
    int to = all.worstToken() + 1;
    int[] ids = Arrays.copyOfRange(passage.ids(), Math.max(0, to - CONTEXT), to);
    out.printf(
        "worst KL in %s, after: %s%n",
        passage.kind(), tokenizer.decode(ids, false).strip().replace("\n", "\\n"));
  }

  private static String percent(double share, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f %%", 100 * share);
  }
}
