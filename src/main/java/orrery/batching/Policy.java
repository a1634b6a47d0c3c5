package orrery.batching;

/**
 * Decides what each step computes. A policy is a pure function of its view; all of them must
 *
 * <ul>
 *   <li>plan at least one row whenever anything runs or can be admitted: something always
 *       progresses;
 *   <li>never plan rows whose new pages exceed what is free after the plan's retractions;
 *   <li>admit in queue order, nobody past an earlier one (but for a policy that says otherwise);
 *   <li>retract only for want of pages, and never everything.
 * </ul>
 */
public interface Policy {
  /** The plan of the next step. */
  StepPlan plan(View view);

  /** Waiting sequences it wants to see when so many more may run. */
  default int looksAt(int slots) {
    return slots + 1;
  }

  /** Whether a sequence waits for one ahead of it that is computing the prefix it shares. */
  default boolean waitsForPrefixes() {
    return true;
  }

  /**
   * Whether another choice of a running request may start beside it now, sharing its pages; else it
   * waits in the queue. A policy that retracts nothing must be sure that it can finish.
   *
   * @param parent the running one, as it will share its computed tokens
   */
  default boolean mayFork(View view, View.Item parent) {
    return true;
  }

  /** What its first view remembers. */
  default View.Memory initialMemory() {
    return new View.Memory(0, 0);
  }

  /** Its name on the command line. */
  String name();
}
