package orrery.speculation;

import java.util.List;
import orrery.graph.Buffer;

/**
 * Guesses the next tokens of running sequences. The model itself verifies the guesses, so a drafter
 * decides how fast an answer comes, never what it says.
 *
 * <pre>
 *   offers ──> (the scheduler grants some) ──> draft ──> verify, judge ──> follow
 * </pre>
 */
public interface Drafter {
  /**
   * How many cache slots beyond the computed tokens the drafter writes; they need pages. This is 1
   * for an MTP layer, which writes its newest row at the slot of the newest token, and 0 for
   * others.
   */
  int ahead();

  /**
   * The most tokens that {@link #complete} leaves out. The pages of a window stay held for the rows
   * that these tokens still get.
   */
  int behind();

  /**
   * Begins with a sequence. The rows of its first {@code computed()} tokens were found in the
   * cache.
   */
  Drafts start(Draftable sequence, SamplingContext sampling);

  /** Begins with another answer to the same prompt; the two share all computed rows. */
  Drafts fork(Drafts from, Draftable sequence, SamplingContext sampling);

  /**
   * What it knows of a sequence beside tokens and cached rows, for the drafter of another engine.
   * The sequence is between two steps.
   */
  default DrafterState state(Drafts drafts) {
    return DrafterState.NONE;
  }

  /**
   * Begins with a sequence whose computed rows come from another engine, with what the drafter
   * there knew of it.
   *
   * @throws IllegalArgumentException if a state does not fit
   */
  default Drafts resume(Draftable sequence, SamplingContext sampling, DrafterState state) {
    return start(sequence, sampling);
  }

  /**
   * How many tokens the drafter can guess now, at most {@code most}; changes nothing that a caller
   * can see.
   */
  int offers(Drafts drafts, int most);

  /**
   * Guesses the ordered number of tokens for each sequence. An order never exceeds the offer. The
   * drafter may guess fewer tokens if it must.
   */
  void draft(List<Order> orders);

  /**
   * Catches up with a step that was judged.
   *
   * @param states what the main model hands over of the step's rows, [rows][width] ({@link
   *     orrery.model.Forward#states}); the rows that count are not NaN
   * @param soon whether the next step is likely to want guesses; if not, the work for them may be
   *     put off
   */
  void follow(List<Judged> judged, Buffer states, boolean soon);

  /**
   * How many of a sequence's computed tokens have all the rows that the drafter writes. Complete
   * pages of these tokens may be shared.
   */
  int complete(Drafts drafts, int computed);

  /**
   * An order of guesses for one sequence.
   *
   * @param drafts the drafts of the sequence, still empty
   * @param count how many guesses are wanted, at least 1
   */
  record Order(Drafts drafts, int count) {}

  /**
   * A sequence with rows that were computed and judged; its {@code computed()} tokens now include
   * them.
   *
   * @param from how many of its tokens were computed before the step
   * @param row the row of the step, and of its states, that belongs to token {@code from}
   * @param finished whether its answer ended in this step
   * @param shared whether its complete pages are shared right after this step, because they hold a
   *     prompt or because its answer has ended
   */
  record Judged(Drafts drafts, int from, int row, boolean finished, boolean shared) {}
}
