package orrery.lab;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What it costs, and what it saves, that the entries from which an indexer chooses lie on the host:
 * how many must be copied for a token, how many requests fit, and how fast they are.
 */
public final class HisparseLab implements Lab.Experiment {
  /** A question, with a table. */
  public enum Question {
    /** How many chosen entries does a buffer of so many slots not have? */
    MISSES,
    /** How many requests run at once in the same device memory? */
    FIT,
    /** What do the copies cost, if memory is not short? */
    SPEED
  }

  /**
   * What to run.
   *
   * @param contexts tokens of prompt and answer; if there is none, as many lengths as the model has
   *     positions for
   * @param questions what to measure; all if there is none
   */
  public record Shape(List<Integer> contexts, Set<Question> questions) {
    public Shape {
      contexts = List.copyOf(contexts);
      questions = questions.isEmpty() ? EnumSet.allOf(Question.class) : EnumSet.copyOf(questions);
      if (contexts.stream().anyMatch(n -> n < SHORTEST)) {
        throw new IllegalArgumentException(
            "context: expected at least " + SHORTEST + ", found " + contexts);
      }
    }

    /** The lengths for a model with so many positions, ascending. */
    List<Integer> contexts(int positions, boolean quick) {
      IntStream lengths =
          contexts.isEmpty()
              ? IntStream.of(quick ? QUICK : CONTEXTS).filter(n -> n <= positions)
              : contexts.stream().mapToInt(n -> n);
      return lengths.distinct().sorted().boxed().toList();
    }
  }

  private static final int SHORTEST = 16; // tokens, of which an answer has a part
  private static final int[] CONTEXTS = {256, 512, 1024, 2048, 4096};
  private static final int[] QUICK = {96, 192};

  private final Shape shape;

  HisparseLab(Shape shape) {
    this.shape = shape;
  }

  private List<Integer> contexts(Subject s) {
    return shape.contexts(s.loaded().model().maxPositions(), s.settings().quick());
  }

  @Override
  public void require(Subject s) {
    if (SparseRuns.chosen(s) == 0) {
      throw new IllegalArgumentException(
          "model: expected one whose indexer chooses entries, as storyteller-v4, found "
              + s.name());
    }
    int positions = s.loaded().model().maxPositions();
    List<Integer> contexts = contexts(s);
    if (contexts.isEmpty() || contexts.getLast() > positions) {
      throw new IllegalArgumentException(
          "context: expected at most "
              + positions
              + ", as "
              + s.name()
              + " has so many positions, found "
              + shape.contexts());
    }
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Chart> charts = new ArrayList<>();
    if (shape.questions().contains(Question.MISSES)) {
      charts.add(new EntryMisses(s, contexts(s)).print(sheet));
    }
    if (shape.questions().contains(Question.FIT)) {
      charts.add(new SparseFit(s, contexts(s)).print(sheet));
    }
    if (shape.questions().contains(Question.SPEED)) {
      SparseSpeed.print(s, sheet, contexts(s).get(contexts(s).size() / 2));
    }
    return charts;
  }
}
