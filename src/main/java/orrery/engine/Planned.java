package orrery.engine;

import orrery.batching.StepPlan;

/**
 * A step that is planned: its sequences run, and they hold pages for its rows.
 *
 * @param times when it began, and how long its phases take
 * @param plan the rows to compute
 * @param drafts how many drafts each decoding sequence should have
 */
record Planned(StepTimes times, StepPlan plan, int drafts) {
  /** Whether the policy found nothing to compute. */
  boolean isEmpty() {
    return plan.rows().isEmpty();
  }
}
