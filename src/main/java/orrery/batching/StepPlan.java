package orrery.batching;

import java.util.List;

/**
 * What to do in one step: retract, admit, refuse, then compute so many rows of so many sequences.
 * Row counts are upper bounds of growth: pages for them are reserved before the launch.
 *
 * @param retract sequences that give up their pages and go back to the queue
 * @param admit sequences that start, or start again
 * @param rows what to compute
 * @param padding rows of no sequence, which static batching computes all the same
 * @param stop which check stopped admission
 * @param memory for the next view
 */
public record StepPlan(
    List<Integer> retract,
    List<Integer> admit,
    List<Rows> rows,
    int padding,
    Stop stop,
    View.Memory memory) {

  /**
   * The next rows of one sequence.
   *
   * @param id the sequence
   * @param count how many of its pending tokens; what exceeds them are drafts to verify
   */
  public record Rows(int id, int count) {}

  /** Which check stopped admission. */
  public enum Stop {
    /** The queue is empty. */
    NOTHING_WAITS,
    /** As many sequences run as may. */
    MAX_RUNNING,
    /** Pages would not suffice. */
    NO_PAGES,
    /** The step has its prompt rows. */
    CHUNK_FULL,
    /** A prompt is being computed whose prefix the next one shares. */
    SHARED_PREFIX,
    /** The policy waits for its batch to fill or to drain. */
    BATCH,
    /** Something was retracted in this step, or the policy decodes first. */
    DECODE_FIRST
  }

  public StepPlan {
    retract = List.copyOf(retract);
    admit = List.copyOf(admit);
    rows = List.copyOf(rows);
  }

  /** Rows of sequences. */
  public int rowCount() {
    return rows.stream().mapToInt(Rows::count).sum();
  }
}
