package orrery.engine;

import orrery.batching.StepPlan;
import orrery.kv.Arrival;

/**
 * A step that is planned: its sequences run, and they hold pages for its rows.
 *
 * @param times when it began, and how long its phases take
 * @param plan the rows to compute
 * @param drafts how many drafts each decoding sequence should have
 * @param arrival tells which rows of hits are there that come from slower memory
 */
record Planned(StepTimes times, StepPlan plan, int drafts, Arrival arrival) {
  /** Whether the policy found nothing to compute. */
  boolean isEmpty() {
    return plan.rows().isEmpty();
  }
}
