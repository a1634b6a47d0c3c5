package orrery.attention;

import java.util.List;
import orrery.graph.FusionRule;

/** What becomes one op in attention, grouped-query and latent. */
public final class AttentionRules {
  private AttentionRules() {}

  /** In the order in which they are applied, for programs that so many threads run. */
  public static List<FusionRule> of(int threads) {
    return List.of(
        new QkvRule(), ProjectHeads.RULE, new ProjectRow.Rule(threads), ProjectState.RULE);
  }
}
