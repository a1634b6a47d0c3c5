package orrery.attention;

import java.util.List;
import orrery.graph.FusionRule;

/** What becomes one op in attention, grouped-query and latent. */
public final class AttentionRules {
  /** In the order in which they are applied. */
  public static final List<FusionRule> ALL =
      List.of(new QkvRule(), ProjectHeads.RULE, ProjectRow.RULE, ProjectState.RULE);

  private AttentionRules() {}
}
