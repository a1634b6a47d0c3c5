package orrery.model;

import java.util.List;
import java.util.stream.Stream;
import orrery.attention.AttentionRules;
import orrery.graph.FusionRule;
import orrery.graph.MatMulAdd;
import orrery.graph.MatMulHighest;
import orrery.graph.NormRule;
import orrery.graph.Tile;
import orrery.hyper.HyperRules;
import orrery.moe.ExpertRules;

/**
 * The rules by which captured programs are fused, of all techniques. A rule whose ops a model does
 * not launch does nothing.
 */
public final class FusionRules {
  /** Up to so many rows, each share norms all rows of the product behind a norm. */
  private static final int ROWS_NORMED_BY_EACH_SHARE = 8;

  /**
   * Larger buckets, those of prompts, run as they were launched. A fused op takes {@link Tile#ROWS}
   * rows at a time and reads its weights again for each tile; a product of its own passes all rows
   * by a few panels of weights. Measured: as fast with 32 rows, 4 % slower with 64, 6 % with 256.
   */
  private static final int MOST_ROWS = 32;

  /** As one thread has them, which needs no work to split: each rule matches wherever it can. */
  public static final List<FusionRule> ALL = of(1);

  private FusionRules() {}

  /**
   * The rules for a program of so many rows.
   *
   * @param rows of the bucket
   * @param threads that will run the program
   */
  public static List<FusionRule> of(int rows, int threads) {
    return rows > MOST_ROWS ? List.of() : of(threads);
  }

  /**
   * All rules, in the order in which they are applied: a rule sees what the ones before it have
   * left. The norm comes last, since only a fused product can take it.
   *
   * @param threads that will run the program
   */
  public static List<FusionRule> of(int threads) {
    return Stream.of(
            AttentionRules.of(threads),
            HyperRules.of(threads),
            ExpertRules.of(threads),
            List.of(MatMulAdd.RULE, MatMulHighest.RULE, new NormRule(ROWS_NORMED_BY_EACH_SHARE)))
        .flatMap(List::stream)
        .toList();
  }
}
