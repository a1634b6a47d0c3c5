package orrery.events;

import java.util.List;

/**
 * What the rows of a step belong to. Comes before its {@link Event.StepDone}.
 *
 * @param rows one entry for each sequence of the step, in the order of the rows; padding has none
 */
public record StepRows(long nanos, long step, List<Rows> rows) implements Event.Books {
  public StepRows {
    rows = List.copyOf(rows);
  }

  /**
   * The rows of one sequence.
   *
   * @param from slot of the first row
   * @param prompt rows of a prompt, or of an answer that is computed again
   * @param decode rows of a newest token: 1 or 0
   * @param drafts rows of guesses, behind the others
   */
  public record Rows(int request, int sequence, int from, int prompt, int decode, int drafts) {}
}
