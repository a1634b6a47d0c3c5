package orrery.engine;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import orrery.graph.Executor;
import orrery.kernels.Team;
import orrery.model.GreedyForward;
import orrery.speculation.AcceptanceRule;

/**
 * Makes all decisions of a step, each on one thread of the team, before the next step overwrites
 * its logits. A decision depends on its own choice and rows alone, so the number of threads changes
 * no token. How many threads there are follows from the cost, as for an op.
 */
final class Decider implements Team.Task {
  private final Team team;
  private final AcceptanceRule[] rules; // [threads], since each has scratch memory of its own
  private List<Decision> decisions; // of the step at hand
  private GreedyForward forward;

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
    this.decisions = decisions;
    this.forward = forward;
    int shares = Executor.shares(Decision.cost(decisions), team.size());
    team.run(this, Math.clamp(decisions.size(), 1, shares));
  }

  /** One after the other in turn, so that costly neighbours go to different threads. */
  @Override
  public void run(int share, int shares) {
    for (int i = share; i < decisions.size(); i += shares) {
      decisions.get(i).decide(rules[share], forward);
    }
  }
}
