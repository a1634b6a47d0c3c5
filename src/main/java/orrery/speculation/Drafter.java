package orrery.speculation;

import java.util.List;
import orrery.graph.Buffer;

/**
 * Guesses the next tokens of running sequences. Guesses are verified by the model itself, so a
 * drafter decides how fast an answer comes, never what it says.
 *
 * <pre>
 *   offers ──> (the scheduler grants some) ──> draft ──> verify, judge ──> follow
 * </pre>
 */
public interface Drafter {
  /**
   * Cache slots that it writes beyond the computed tokens, which therefore need pages: 1 for an MTP
   * layer, whose newest row lies at the slot of the newest token; else 0.
   */
  int ahead();

  /** Begins with a sequence whose first {@code computed()} tokens were found in the cache. */
  Drafts start(Draftable sequence, Draw draw);

  /** Begins with another answer to the same prompt, which shares all computed rows. */
  Drafts fork(Drafts from, Draftable sequence, Draw draw);

  /** How many tokens it can guess now, at most {@code most}; changes nothing that is seen. */
  int offers(Drafts drafts, int most);

  /** Guesses so many tokens for each sequence, no more than it offered; fewer if it must. */
  void draft(List<Order> orders);

  /**
   * Catches up with a step that was judged.
   *
   * @param hidden the main model's hidden states of the step's rows, [rows][hidden]
   * @param soon whether guesses are likely to be wanted for the next step; else what they need may
   *     be put off
   */
  void follow(List<Judged> judged, Buffer hidden, boolean soon);

  /**
   * How many of a sequence's computed tokens have all rows that the drafter is to write, so that
   * complete pages of them may be shared.
   */
  int complete(Drafts drafts, int computed);

  /**
   * Guesses that are wanted.
   *
   * @param drafts of the sequence, still empty
   * @param count at least 1
   */
  record Order(Drafts drafts, int count) {}

  /**
   * A sequence whose rows were computed and judged; its {@code computed()} tokens now include them.
   *
   * @param from its computed tokens before the step
   * @param row of the step, and of the hidden states, that belongs to token {@code from}
   * @param finished whether its answer ended in this step
   * @param shared whether others are to get its complete pages right after this step: they hold a
   *     prompt, or its answer has ended
   */
  record Judged(Drafts drafts, int from, int row, boolean finished, boolean shared) {}
}
