package orrery.speculation;

/** How many drafts each sequence should get in the next step. */
public interface DraftLength {
  /**
   * Drafts for each of the sequences that decode in the next step.
   *
   * @param batch how many sequences decode
   */
  int next(int batch);

  /** The most that {@link #next} ever says. */
  int most();

  /** Learns from a step with at least one decoding sequence. */
  void observe(Round round);

  /**
   * What one step brought.
   *
   * @param batch sequences that decoded
   * @param length what {@link #next} had said
   * @param drafted [most] sequences that had a draft at each position, also where their answer
   *     ended before it: that draft cost time and brought nothing
   * @param accepted [most] sequences whose draft at this position, and so all before, was accepted
   * @param prefill whether prompt rows were computed in the same step, so that its time says
   *     nothing about drafts
   * @param nanos time of the whole step
   */
  record Round(int batch, int length, int[] drafted, int[] accepted, boolean prefill, long nanos) {}
}
