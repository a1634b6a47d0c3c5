package orrery.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Rewrites a captured program by {@link FusionRule}s: several ops become one, which hands its
 * numbers from one to the next in its thread's scratch.
 *
 * <p>A match is taken if two things can be proved from {@link Op#reads} and {@link Op#writes}:
 *
 * <ul>
 *   <li>The matched ops may stand side by side. An op that stands between two of them stays where
 *       it is, and the matched ones move past it. None of them may read what it writes, write what
 *       it reads, or write what it writes.
 *   <li>What a matched op writes and the fused one does not is dead: no later op reads it before it
 *       is overwritten, and the program does not hand it out.
 * </ul>
 */
public final class Fusion {
  private final Set<? extends Operand> results; // what is read when the program has run
  private List<Op> ops;

  private Fusion(List<Op> ops, Set<? extends Operand> results) {
    this.ops = ops;
    this.results = results;
  }

  /** A program and how it came about. */
  public record Fused(StepProgram program, FusionReport report) {}

  /**
   * Applies rules one after the other, each as often as it matches.
   *
   * @param results operands that are read when the program has run
   * @throws IllegalStateException if a fused op reads or writes what the ops that it replaces do
   *     not
   */
  public static Fused apply(
      StepProgram program, List<FusionRule> rules, Set<? extends Operand> results) {
    Fusion fusion = new Fusion(program.ops(), results);
    List<FusionReport.Applied> applied = new ArrayList<>();
    for (FusionRule rule : rules) {
      int before = fusion.ops.size();
      Set<Operand> held = fusion.operands();
      int times = fusion.apply(rule);
      held.removeAll(fusion.operands());
      List<Buffer> unnecessary =
          held.stream().filter(Buffer.class::isInstance).map(Buffer.class::cast).toList();
      applied.add(
          new FusionReport.Applied(rule.name(), times, before, fusion.ops.size(), unnecessary));
    }
    return new Fused(new StepProgram(fusion.ops), new FusionReport(applied));
  }

  private Set<Operand> operands() {
    Set<Operand> all = new LinkedHashSet<>();
    for (Op op : ops) {
      all.addAll(op.reads());
      all.addAll(op.writes());
    }
    return all;
  }

  private int apply(FusionRule rule) {
    int times = 0;
    for (int last = 0; last < ops.size(); last++) {
      FusionRule.Match match = rule.match(new Ops(ops), last);
      if (match != null) {
        requireSameOperands(rule, match);
        List<Op> rewritten = rewritten(match);
        if (rewritten != null) {
          ops = rewritten;
          times++;
          last = match.places()[0]; // what follows has moved up
        }
      }
    }
    return times;
  }

  /** The ops with the match replaced, or null if that cannot be proved to change nothing. */
  private List<Op> rewritten(FusionRule.Match match) {
    int[] places = match.places();
    for (int i = places.length - 1; i >= 0; i--) {
      if (canMeet(places, places[i])) {
        List<Op> left = new ArrayList<>(ops);
        left.set(places[i], match.fused());
        for (int j = places.length - 1; j >= 0; j--) {
          if (j != i) {
            left.remove(places[j]);
          }
        }
        return deadBehind(match, left, places[i] - i) ? left : null;
      }
    }
    return null;
  }

  /** Whether all matched ops can move to the place of one of them. */
  private boolean canMeet(int[] places, int meeting) {
    for (int place : places) {
      for (int i = Math.min(place, meeting) + 1; i < Math.max(place, meeting); i++) {
        if (Arrays.binarySearch(places, i) < 0 && conflict(ops.get(place), ops.get(i))) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether the order of two ops matters. */
  static boolean conflict(Op a, Op b) {
    return a.writes().contains(StepField.ROWS) // all ops read it
        || b.writes().contains(StepField.ROWS)
        || !Collections.disjoint(a.writes(), b.reads())
        || !Collections.disjoint(a.reads(), b.writes())
        || !Collections.disjoint(a.writes(), b.writes());
  }

  private boolean deadBehind(FusionRule.Match match, List<Op> left, int place) {
    Ops view = new Ops(left);
    Set<Operand> dropped = written(match);
    dropped.removeAll(match.fused().writes());
    return dropped.stream().allMatch(o -> view.isDead(o, place, results));
  }

  private Set<Operand> written(FusionRule.Match match) {
    Set<Operand> written = new HashSet<>();
    for (int place : match.places()) {
      written.addAll(ops.get(place).writes());
    }
    return written;
  }

  private void requireSameOperands(FusionRule rule, FusionRule.Match match) {
    Set<Operand> read = new HashSet<>();
    for (int place : match.places()) {
      read.addAll(ops.get(place).reads());
    }
    Op fused = match.fused();
    if (!read.containsAll(fused.reads()) || !written(match).containsAll(fused.writes())) {
      throw new IllegalStateException(
          rule.name()
              + ": expected operands of the ops that it replaces, found "
              + fused.line()
              + " with reads "
              + fused.reads()
              + " and writes "
              + fused.writes());
    }
  }
}
