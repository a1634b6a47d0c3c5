package orrery.lab;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.graph.Buffer;
import orrery.lab.HeldOutText.Passage;

/**
 * How far a model is from another of the same vocabulary, by what both say of the same text.
 *
 * <pre>
 *   KL         Σ p · (log p − log q), in nats: p of the first model, q of the second
 *   agreement  how often both have the same best next token
 *   perplexity exp(mean of −log p(next token)), of each model
 * </pre>
 *
 * <p>All sums are in double, from the logits that the engine computes.
 */
public final class Fidelity {

  /**
   * The comparison on text of one kind.
   *
   * @param kind of text; {@code all} for all kinds together
   * @param rows tokens behind which the logits were compared
   * @param kl mean over the rows
   * @param worstKl the largest of a row
   * @param worstPassage the passage with that row, counted from 0 in its kind
   * @param worstToken that row
   * @param agreement share of rows
   * @param foretold rows with a next token in the text; 0 if it is no text
   * @param perplexity of the first model; NaN if it is no text
   * @param otherPerplexity of the second model
   * @param right share of next tokens that are the first model's best
   * @param otherRight share of next tokens that are the second model's best
   */
  public record Score(
      String kind,
      long rows,
      double kl,
      double worstKl,
      int worstPassage,
      int worstToken,
      double agreement,
      long foretold,
      double perplexity,
      double otherPerplexity,
      double right,
      double otherRight) {}

  private Fidelity() {}

  /**
   * Compares two models.
   *
   * @return a score for each kind in the order in which they come, and one for all
   * @throws IllegalArgumentException if the models differ in their vocabularies
   */
  public static List<Score> compare(
      LoadedModel first, LoadedModel second, List<Passage> passages, EngineOptions options) {
    return compare(first, options, second, options, passages);
  }

  /**
   * Compares two models that run with different options.
   *
   * @return a score for each kind in the order in which they come, and one for all
   * @throws IllegalArgumentException if the models differ in their vocabularies
   */
  static List<Score> compare(
      LoadedModel first,
      EngineOptions options,
      LoadedModel second,
      EngineOptions otherOptions,
      List<Passage> passages) {
    int vocab = first.model().vocab();
    if (second.model().vocab() != vocab) {
      throw new IllegalArgumentException(
          "vocabulary: expected " + vocab + " tokens, found " + second.model().vocab());
    }
    int longest = passages.stream().mapToInt(p -> p.ids().length).max().orElseThrow();
    Map<String, Sums> kinds = new LinkedHashMap<>();
    Sums all = new Sums("all");
    try (GivenText one = new GivenText(first.model(), options, longest);
        GivenText other = new GivenText(second.model(), otherOptions, longest)) {
      for (Passage passage : passages) {
        Sums kind = kinds.computeIfAbsent(passage.kind(), Sums::new);
        run(passage, one, other, vocab, List.of(kind, all));
        kind.passage++;
        all.passage++;
      }
    }
    List<Score> scores = new ArrayList<>();
    kinds.values().forEach(kind -> scores.add(kind.score()));
    scores.add(all.score());
    return scores;
  }

  private static void run(
      Passage passage, GivenText one, GivenText other, int vocab, List<Sums> sums) {
    int[] ids = passage.ids();
    one.begin(ids.length);
    other.begin(ids.length);
    for (int from = 0; from < ids.length; from += GivenText.CHUNK) {
      Trial.requireGoingOn();
      Buffer p = one.run(ids, from);
      Buffer q = other.run(ids, from);
      for (int r = 0; r < Math.min(GivenText.CHUNK, ids.length - from); r++) {
        int next = passage.natural() && from + r + 1 < ids.length ? ids[from + r + 1] : -1;
        Row row = Row.of(p.data, p.row(r), q.data, q.row(r), vocab, next);
        int token = from + r;
        sums.forEach(s -> s.add(row, token));
      }
    }
  }

  /**
   * Both models behind one token.
   *
   * @param next the text's next token, or -1
   * @param logP log probability of the next token
   */
  record Row(double kl, int best, int otherBest, int next, double logP, double otherLogP) {
    static Row of(float[] p, int pOff, float[] q, int qOff, int vocab, int next) {
      int bestP = 0;
      int bestQ = 0;
      for (int v = 1; v < vocab; v++) {
        bestP = p[pOff + v] > p[pOff + bestP] ? v : bestP;
        bestQ = q[qOff + v] > q[qOff + bestQ] ? v : bestQ;
      }
      double maxP = p[pOff + bestP];
      double maxQ = q[qOff + bestQ];
      double sumP = 0;
      double sumQ = 0;
      for (int v = 0; v < vocab; v++) {
        sumP += Math.exp(p[pOff + v] - maxP);
        sumQ += Math.exp(q[qOff + v] - maxQ);
      }
      double logSumP = maxP + Math.log(sumP);
      double logSumQ = maxQ + Math.log(sumQ);
      double kl = 0;
      for (int v = 0; v < vocab; v++) {
        double logP = p[pOff + v] - logSumP;
        kl += Math.exp(logP) * (logP - (q[qOff + v] - logSumQ));
      }
      return new Row(
          kl,
          bestP,
          bestQ,
          next,
          next < 0 ? 0 : p[pOff + next] - logSumP,
          next < 0 ? 0 : q[qOff + next] - logSumQ);
    }
  }

  /** Sums over the rows of a kind. */
  private static final class Sums {
    private final String kind;
    private int passage; // the one that is being added
    private long rows;
    private double kl;
    private double worst = Double.NEGATIVE_INFINITY;
    private int worstPassage;
    private int worstToken;
    private long same;
    private long foretold;
    private double logP;
    private double otherLogP;
    private long right;
    private long otherRight;

    Sums(String kind) {
      this.kind = kind;
    }

    void add(Row row, int token) {
      rows++;
      kl += row.kl;
      if (!(row.kl <= worst)) { // so NaN is the worst
        worst = row.kl;
        worstPassage = passage;
        worstToken = token;
      }
      same += row.best == row.otherBest ? 1 : 0;
      if (row.next >= 0) {
        foretold++;
        logP += row.logP;
        otherLogP += row.otherLogP;
        right += row.best == row.next ? 1 : 0;
        otherRight += row.otherBest == row.next ? 1 : 0;
      }
    }

    Score score() {
      return new Score(
          kind,
          rows,
          kl / rows,
          worst,
          worstPassage,
          worstToken,
          (double) same / rows,
          foretold,
          Math.exp(-logP / foretold),
          Math.exp(-otherLogP / foretold),
          (double) right / foretold,
          (double) otherRight / foretold);
    }
  }
}
