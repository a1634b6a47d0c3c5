package orrery.batching;

import java.util.List;

/**
 * The plan of one step: retract sequences, admit sequences, then compute rows of running ones. The
 * row counts are upper bounds of growth; pages for them are reserved before the launch. The plan
 * names the sequences themselves, so whatever carries it out looks none of them up.
 *
 * @param retract sequences that give up their pages and go back to the queue
 * @param admit sequences that start, or start again
 * @param rows the rows to compute
 * @param padding number of rows that belong to no sequence; static batching computes them too
 * @param stop which check ended the admission of waiting sequences
 * @param memory the memory in the next view
 */
public record StepPlan(
    List<Sequence> retract,
    List<Sequence> admit,
    List<Rows> rows,
    int padding,
    Stop stop,
    View.Memory memory) {

  /**
   * The next rows of one sequence.
   *
   * @param sequence a running one, or one that the plan admits
   * @param count number of rows: first its pending tokens, then drafts to verify
   */
  public record Rows(Sequence sequence, int count) {}

  /** Which check ended the admission of waiting sequences. */
  public enum Stop {
    /** The queue is empty. */
    NOTHING_WAITS,
    /** The maximum number of sequences runs. */
    MAX_RUNNING,
    /** The pages would not suffice for the next sequence. */
    NO_PAGES,
    /** The step has as many prompt rows as it may have. */
    CHUNK_FULL,
    /** A sequence computes a prefix that the next waiting one shares. */
    SHARED_PREFIX,
    /** The policy waits for its batch to fill or to drain. */
    BATCH,
    /** The step retracts a sequence, or the policy decodes first. */
    DECODE_FIRST
  }

  public StepPlan {
    retract = List.copyOf(retract);
    admit = List.copyOf(admit);
    rows = List.copyOf(rows);
  }

  /** How many rows of sequences the step computes, padding excluded. */
  public int rowCount() {
    return rows.stream().mapToInt(Rows::count).sum();
  }
}
