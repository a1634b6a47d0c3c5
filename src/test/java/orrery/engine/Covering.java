package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * A set of picks, one value of each switch, such that any values of any {@code strength} switches
 * are together in one pick. It grows greedily: each new pick starts from a combination that is
 * still missing.
 */
final class Covering {
  private final int[] sizes; // [switches] values of each, at most 16

  private Covering(int[] sizes) {
    this.sizes = sizes;
  }

  /**
   * The picks, each [switches] of indices of values.
   *
   * @param sizes [switches] how many values each switch has, at most 256
   * @param strength at most 4
   */
  static List<int[]> of(int[] sizes, int strength, long seed) {
    return new Covering(sizes).picks(strength, new Random(seed));
  }

  private List<int[]> picks(int strength, Random r) {
    Set<Long> open = new LinkedHashSet<>();
    List<int[]> columns = new ArrayList<>();
    subsets(strength, 0, new int[0], columns);
    for (int i = 0; i < columns.size(); i++) {
      combine(i, columns.get(i), 0, new int[sizes.length], open);
    }
    List<int[]> picks = new ArrayList<>();
    while (!open.isEmpty()) {
      int[] best = null;
      List<Long> covered = List.of();
      long missing = open.iterator().next();
      for (int attempt = 0; attempt < 40; attempt++) {
        int[] pick = new int[sizes.length];
        for (int i = 0; i < pick.length; i++) {
          pick[i] = r.nextInt(sizes[i]);
        }
        int[] fixed = columns.get((int) (missing >> 32));
        for (int i = 0; i < fixed.length; i++) {
          pick[fixed[i]] = (int) (missing >> (8 * i) & 255);
        }
        List<Long> covers = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
          long key = key(i, columns.get(i), pick);
          if (open.contains(key)) {
            covers.add(key);
          }
        }
        if (covers.size() > covered.size()) {
          covered = covers;
          best = pick;
        }
      }
      covered.forEach(open::remove);
      picks.add(best);
    }
    return picks;
  }

  private void subsets(int size, int from, int[] chosen, List<int[]> out) {
    if (chosen.length == size) {
      out.add(chosen);
      return;
    }
    for (int i = from; i < sizes.length; i++) {
      int[] more = Arrays.copyOf(chosen, chosen.length + 1);
      more[chosen.length] = i;
      subsets(size, i + 1, more, out);
    }
  }

  private void combine(int subset, int[] columns, int at, int[] pick, Set<Long> out) {
    if (at == columns.length) {
      out.add(key(subset, columns, pick));
      return;
    }
    for (int v = 0; v < sizes[columns[at]]; v++) {
      pick[columns[at]] = v;
      combine(subset, columns, at + 1, pick, out);
    }
  }

  /** The number of the set of columns, and eight bits for the value of each of them. */
  private static long key(int subset, int[] columns, int[] pick) {
    long key = (long) subset << 32;
    for (int i = 0; i < columns.length; i++) {
      key |= (long) pick[columns[i]] << (8 * i);
    }
    return key;
  }
}
