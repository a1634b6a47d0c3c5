package orrery.speculation;

/** How many drafts each sequence should get in the next step. */
public interface DraftLength {
  /**
   * How many drafts each sequence gets that decodes in the next step.
   *
   * @param batch how many sequences decode
   */
  int next(int batch);

  /** The most drafts that {@link #next} ever returns. */
  int most();

  /** Learns from a step with at least one decoding sequence. */
  void observe(Round round);

  /**
   * The outcome of one step.
   *
   * @param batch sequences that decoded
   * @param length what {@link #next} returned for the step
   * @param drafted [most] sequences that had a draft at each position. Drafts behind the end of an
   *     answer are included, because they cost time and bring nothing
   * @param accepted [most] sequences that had their draft at each position accepted, and so all
   *     drafts before it
   * @param prefill whether the step also computed prompt rows, so that its time says nothing about
   *     drafts
   * @param nanos time of the whole step
   */
  record Round(int batch, int length, int[] drafted, int[] accepted, boolean prefill, long nanos) {}
}
