package orrery.moe;

import java.util.Arrays;
import orrery.graph.Op;
import orrery.graph.Step;

/**
 * Sorts the assignments by expert, with a serial counting sort of a few nanoseconds an assignment.
 */
record GroupRows(ExpertGroups groups) implements Op {
  @Override
  public void run(Step step, int share, int shares) {
    int n = groups.assignments(step);
    int topK = groups.spec.topK();
    int[] start = groups.start;
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
      groups.rowOf[place] = a / topK;
      groups.assignmentOf[a] = place;
    }
    // Filling moved the start of every expert to the start of the next one; move them back.
    System.arraycopy(start, 0, start, 1, groups.spec.experts());
    start[0] = 0;
  }

  @Override
  public long cost(Step step) {
    return 0; // serial: never split
  }

  @Override
  public String line() {
    return "group rows by expert";
  }
}
