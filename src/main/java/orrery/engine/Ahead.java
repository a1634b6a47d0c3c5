package orrery.engine;

import java.util.Optional;

/**
 * What became of an attempt to plan a step while another one is not settled.
 *
 * @param planned the step, if that could be
 * @param first why the other one must be settled first, if it must
 */
record Ahead(Optional<Planned> planned, SettledFirst first) {
  static Ahead not(SettledFirst why) {
    return new Ahead(Optional.empty(), why);
  }
}
