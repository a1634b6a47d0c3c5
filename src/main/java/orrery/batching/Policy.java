package orrery.batching;

import java.util.function.Supplier;

/**
 * Decides what each step computes. A policy is a pure function of its view. Every policy must
 *
 * <ul>
 *   <li>plan at least one row whenever a sequence runs or can be admitted, so that there is always
 *       progress;
 *   <li>never plan rows that need more new pages than are free after the plan's retractions;
 *   <li>admit in queue order: no sequence passes an earlier one, unless the policy is made to
 *       reorder;
 *   <li>if it reorders, let no deferred sequence stand before the one that it waits for: admission
 *       stops at a deferred sequence, so both would wait for ever;
 *   <li>retract only if pages are missing, and never all sequences.
 * </ul>
 */
public interface Policy {
  /** The plan of the next step. */
  StepPlan plan(View view);

  /** How many waiting sequences the policy wants to see when {@code slots} more may run. */
  default int looksAt(int slots) {
    return slots + 1;
  }

  /** Whether a sequence waits while one ahead of it computes a prefix that both share. */
  default boolean waitsForPrefixes() {
    return true;
  }

  /**
   * Whether another choice of a running request may start now and share the pages of the first one.
   * If not, the choice waits in the queue. A policy that never retracts must be sure that all can
   * finish.
   *
   * @param view makes the view; a policy that does not look saves the work
   * @param parent makes the item of the running sequence, with the computed tokens that the other
   *     choice will share
   */
  default boolean mayFork(Supplier<View> view, Supplier<View.Item> parent) {
    return true;
  }

  /**
   * Whether it may take pages back from a running sequence. If not, it counts on it that all
   * running sequences can grow to their maximum length, also those that another check admitted.
   */
  default boolean retracts() {
    return true;
  }

  /** The memory in its first view. */
  default View.Memory initialMemory() {
    return new View.Memory(0, 0);
  }

  /** The name of the policy on the command line. */
  String name();
}
