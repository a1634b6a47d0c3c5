package orrery.lab;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import orrery.engine.Heap;

/** What numbers of few bits give and take: weights, activations, and cached rows. */
public final class FormatsLab implements Lab.Experiment {
  /** A question, with a table and a picture. */
  public enum Question {
    /** Which weights, and which activations? */
    WEIGHTS,
    /** Which cached rows? */
    ROWS
  }

  private static final int COPIES = 8; // of the weights, at most as large as the model

  private final Set<Question> questions;

  /**
   * @param questions to answer; all if there is none
   */
  FormatsLab(Set<Question> questions) {
    this.questions =
        questions.isEmpty() ? EnumSet.allOf(Question.class) : EnumSet.copyOf(questions);
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    boolean twin = isTwin(s);
    List<Chart> charts = new ArrayList<>();
    if (questions.contains(Question.WEIGHTS)) {
      charts.add(new WeightFormats(s, twin).print(sheet));
    }
    if (questions.contains(Question.ROWS)) {
      charts.add(new RowFormats(s, twin).print(sheet));
    }
    return charts;
  }

  private static boolean isTwin(Subject s) {
    return s.settings().twin().filter(s.loaded().directory()::equals).isPresent();
  }

  @Override
  public void require(Subject s) {
    if (questions.contains(Question.WEIGHTS)) {
      long bytes = Heap.times(COPIES, s.loaded().model().info().bytes() / 2);
      Heap.require("model", "copies of its weights in all formats", bytes);
    }
    if (questions.contains(Question.ROWS)) {
      Heap.require(
          "model", "its longest sequences in all formats", new RowFormats(s, false).bytes());
    }
  }

  /** Weights of the model that reads most bytes a token, rows of the first one. */
  @Override
  public List<Chart> picture(List<List<Chart>> models) {
    List<Chart> pictures = new ArrayList<>();
    if (questions.contains(Question.WEIGHTS)) {
      pictures.add(models.get(models.size() > 1 ? 1 : 0).getFirst());
    }
    if (questions.contains(Question.ROWS)) {
      pictures.add(models.getFirst().getLast());
    }
    return pictures;
  }
}
