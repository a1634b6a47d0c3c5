package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.lab.HeldOutText.Passage;
import orrery.observe.SpeculationStats;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * What numbers of few bits do to a model's answers.
 *
 * @param kl mean over the tokens, from the model as it is, in nats
 * @param agreement share of tokens with the same best next token
 * @param perplexity NaN if there is no text
 * @param length tokens that a sequence gets from a step with three MTP drafts; NaN without an MTP
 *     layer
 */
record FormatQuality(double kl, double agreement, double perplexity, double length) {
  private static final int DRAFTS = 3;
  private static final int BATCH = 8;

  /** Names of the cells. */
  static final List<String> HEAD = List.of("KL", "top-1, %", "perplexity", "tokens/verify");

  /**
   * Compares a variant with the model as it is.
   *
   * @param passages that both read
   * @param prompts that the variant answers with drafts; greedy
   */
  static FormatQuality of(
      Subject s,
      FormatVariant plain,
      FormatVariant variant,
      List<Passage> passages,
      List<Job> prompts) {
    Fidelity.Score all =
        Fidelity.compare(
                plain.loaded(), plain.options(s), variant.loaded(), variant.options(s), passages)
            .getLast();
    boolean mtp = variant.model().hasMtp();
    return new FormatQuality(
        all.kl(),
        all.agreement(),
        all.otherPerplexity(),
        mtp ? length(s, variant, prompts) : Double.NaN);
  }

  private static double length(Subject s, FormatVariant variant, List<Job> prompts) {
    int batch = Math.min(BATCH, prompts.size());
    int longest = prompts.stream().mapToInt(Job::tokens).max().orElseThrow();
    EngineOptions options =
        variant
            .options(s)
            .withSpeculation(
                _ ->
                    SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(DRAFTS))
            .withKv(kv -> kv.withContextLength(longest))
            .withBatching(b -> b.withMaxRunningRequests(batch));
    SpeculationStats stats = new SpeculationStats();
    Session.run(variant.loaded(), options, prompts).events().forEach(stats::accept);
    return stats.acceptanceLength();
  }

  /**
   * All passages joined and cut anew, each of {@code tokens} tokens; a last shorter one is left.
   */
  static List<Passage> windows(List<Passage> passages, int tokens) {
    int[] all = passages.stream().flatMapToInt(p -> Arrays.stream(p.ids())).toArray();
    List<Passage> windows = new ArrayList<>();
    for (int at = 0; at + tokens <= all.length; at += tokens) {
      int[] ids = Arrays.copyOfRange(all, at, at + tokens);
      windows.add(new Passage("text", ids, passages.getFirst().natural()));
    }
    return windows;
  }

  /** Cells of a table; keeps the figures. */
  List<String> cells(Sheet sheet, String table, String what) {
    keep(sheet, table, what + ", KL", "nats", kl);
    keep(sheet, table, what + ", top-1", "%", 100 * agreement);
    keep(sheet, table, what + ", perplexity", "ppl", perplexity);
    keep(sheet, table, what + ", tokens/verify", "tok", length);
    return List.of(
        kl < 1e-7 ? "0" : String.format(Locale.ROOT, "%.5f", kl),
        String.format(Locale.ROOT, "%.2f", 100 * agreement),
        Double.isNaN(perplexity) ? "-" : String.format(Locale.ROOT, "%.3f", perplexity),
        Double.isNaN(length) ? "-" : String.format(Locale.ROOT, "%.2f", length));
  }

  private static void keep(Sheet sheet, String table, String what, String unit, double value) {
    if (!Double.isNaN(value)) {
      sheet.keep(new Figure(table, what, unit, value, value, value));
    }
  }
}
