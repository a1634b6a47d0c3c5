package orrery.lab;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import orrery.engine.Heap;

/**
 * What windows and compressed rows save: memory and time against the length of the context, and
 * requests that fit into the same memory.
 */
public final class HybridLab implements Lab.Experiment {
  /** A question, with a table and at most one picture. */
  public enum Question {
    /** Which rows does one request hold? */
    MEMORY,
    /** How long does a step take behind more tokens? */
    STEPS,
    /** How many requests fit, if the memory is divided in this way or that? */
    FIT,
    /** How far is decoding from the read of its weights? */
    DECODE
  }

  private final Set<Question> questions;

  /**
   * @param questions to answer; all if there is none
   */
  HybridLab(Set<Question> questions) {
    this.questions =
        questions.isEmpty() ? EnumSet.allOf(Question.class) : EnumSet.copyOf(questions);
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Chart> charts = new ArrayList<>();
    if (questions.contains(Question.MEMORY)) {
      charts.add(new HeldRows(s).print(sheet));
    }
    if (questions.contains(Question.STEPS)) {
      charts.add(new StepGrowth(s).print(sheet));
    }
    if (questions.contains(Question.FIT)) {
      charts.addAll(new WindowBudgets(s).print(sheet));
    }
    if (questions.contains(Question.DECODE)) {
      DecodeCosts.print(s, sheet);
    }
    return charts;
  }

  @Override
  public void require(Subject s) {
    if (questions.contains(Question.STEPS)) {
      Heap.require("model", "KV caches with which steps are timed", new StepGrowth(s).bytes());
    }
  }

  /** The curves of all models together, picture by picture. */
  @Override
  public List<Chart> picture(List<List<Chart>> models) {
    List<Chart> pictures = new ArrayList<>();
    for (Chart first : models.stream().flatMap(List::stream).toList()) {
      if (pictures.stream().noneMatch(p -> p.title().equals(first.title()))) {
        pictures.add(
            Chart.together(
                models.stream()
                    .flatMap(List::stream)
                    .filter(c -> c.title().equals(first.title()))
                    .toList()));
      }
    }
    return pictures;
  }
}
