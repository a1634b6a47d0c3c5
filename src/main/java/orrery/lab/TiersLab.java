package orrery.lab;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What memory behind the KV cache is good for: the time to the first token by where a prefix lies,
 * what the policies of writing keep and cost, and what writing costs the requests that are being
 * answered.
 */
public final class TiersLab implements Lab.Experiment {
  /** A question, with a table. */
  public enum Question {
    /** How soon comes the first token, by the tier that has the prefix? */
    TTFT,
    /** What is still there when more prefixes are asked for than fit into the pages? */
    POLICIES,
    /** What does writing take from the requests that are being answered? */
    DECODE
  }

  /**
   * What to run.
   *
   * @param prefixes tokens of each shared prefix; if there is none, as many lengths as the model
   *     has positions for
   * @param questions what to measure; all if there is none
   */
  public record Shape(List<Integer> prefixes, Set<Question> questions) {
    public Shape {
      prefixes = List.copyOf(prefixes);
      questions = questions.isEmpty() ? EnumSet.allOf(Question.class) : EnumSet.copyOf(questions);
      if (prefixes.stream().anyMatch(n -> n < 1)) {
        throw new IllegalArgumentException("prefix: expected at least 1, found " + prefixes);
      }
    }

    /** The lengths for a model with so many positions, ascending. */
    List<Integer> prefixes(int positions, boolean quick) {
      IntStream lengths =
          prefixes.isEmpty()
              ? IntStream.of(quick ? QUICK : PREFIXES).filter(n -> TierRuns.tokens(n) <= positions)
              : prefixes.stream().mapToInt(n -> n);
      return lengths.distinct().sorted().boxed().toList();
    }
  }

  private static final int[] PREFIXES = {16, 32, 64, 128, 256, 512, 1024, 1500};
  private static final int[] QUICK = {32, 96};

  private final Shape shape;

  TiersLab(Shape shape) {
    this.shape = shape;
  }

  private List<Integer> prefixes(Subject s) {
    return shape.prefixes(s.loaded().model().maxPositions(), s.settings().quick());
  }

  @Override
  public void require(Subject s) {
    int positions = s.loaded().model().maxPositions();
    List<Integer> prefixes = prefixes(s);
    if (prefixes.isEmpty() || TierRuns.tokens(prefixes.getLast()) > positions) {
      int most = positions - TierRuns.tokens(0);
      throw new IllegalArgumentException(
          "prefix: expected at most "
              + most
              + ", as "
              + s.name()
              + " has "
              + positions
              + " positions, found "
              + shape.prefixes());
    }
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Chart> charts = new ArrayList<>();
    if (shape.questions().contains(Question.TTFT)) {
      charts.add(new TierTimes(s, prefixes(s)).print(sheet));
    }
    if (shape.questions().contains(Question.POLICIES)) {
      WritePolicies.keep(s, sheet);
    }
    if (shape.questions().contains(Question.DECODE)) {
      WritePolicies.cost(s, sheet);
    }
    return charts;
  }
}
