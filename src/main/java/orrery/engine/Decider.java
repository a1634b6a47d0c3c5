package orrery.engine;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import orrery.kernels.Team;
import orrery.model.GreedyForward;
import orrery.speculation.AcceptanceRule;

/**
 * Makes all decisions of a step, each on one thread of the team, before the next step overwrites
 * its logits. A decision depends on its own choice and rows alone, so the number of threads changes
 * no token.
 */
final class Decider {
  /** Numbers to look at that are worth a hand-over to other threads, some 5 µs of work. */
  private static final long WORTH_SPLITTING = 16_000;

  private final Team team;
  private final AcceptanceRule[] rules; // [threads], since each has scratch memory of its own

  Decider(Team team, Supplier<AcceptanceRule> rule) {
    this.team = team;
    this.rules = Stream.generate(rule).limit(team.size()).toArray(AcceptanceRule[]::new);
  }

  /** Whether the rule serves experiments only. */
  boolean synthetic() {
    return rules[0].synthetic();
  }

  /** Decides the tokens of a step that was computed; states and logits must still be there. */
  void decide(List<Decision> decisions, GreedyForward forward) {
    if (team.size() == 1 || Decision.cost(decisions) < WORTH_SPLITTING) {
      share(decisions, forward, 0, 1);
    } else {
      team.run((share, shares) -> share(decisions, forward, share, shares));
    }
  }

  /** One after the other in turn, so that costly neighbours go to different threads. */
  private void share(List<Decision> decisions, GreedyForward forward, int share, int shares) {
    for (int i = share; i < decisions.size(); i += shares) {
      decisions.get(i).decide(rules[share], forward);
    }
  }
}
