package orrery.moe;

import java.util.Arrays;
import java.util.List;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;

/**
 * Sorts the assignments by expert, with a serial counting sort of a few nanoseconds an assignment.
 */
record GroupRows(ExpertGroups groups) implements Op {
  @Override
  public void run(Step step, int share, int shares) {
    int n = groups.assignments(step);
    int topK = groups.spec.topK();
    int[] start = groups.start.data;
    int[] expert = groups.topkIds.data;
    Arrays.fill(start, 0);
    for (int a = 0; a < n; a++) {
      start[expert[a] + 1]++;
    }
    for (int e = 0; e < groups.spec.experts(); e++) {
      start[e + 1] += start[e];
    }
    for (int a = 0; a < n; a++) {
      int place = start[expert[a]]++;
      groups.rowOf.data[place] = a / topK;
      groups.assignmentOf.data[a] = place;
    }
    // Filling moved the start of every expert to the start of the next one; move them back.
    System.arraycopy(start, 0, start, 1, groups.spec.experts());
    start[0] = 0;
  }

  @Override
  public List<Operand> reads() {
    return List.of(groups.topkIds);
  }

  @Override
  public List<Operand> writes() {
    return List.of(groups.start, groups.rowOf, groups.assignmentOf);
  }

  @Override
  public boolean serial() {
    return true;
  }

  @Override
  public long cost(Step step) {
    return 0; // a few nanoseconds
  }

  @Override
  public String line() {
    return "group rows by expert";
  }
}
