package orrery.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts the ops of a program into as few {@link Region}s as their operands allow.
 *
 * <p>Two ops are in conflict if one of them writes what the other one reads or writes. The later
 * one then stands in a later region, or in the same region behind the other one, if both are cut at
 * the same rows ({@link Op#rowwise}) and what they share is a buffer with these rows. Each op
 * stands in the first region that its conflicts allow. So products that were launched apart but do
 * not need each other share a hand-over, for example the shared expert and the router.
 *
 * <pre>
 *   launched                        region   why
 *   h = norm x            by rows     1
 *   q = Wq · h            by rows     1      reads its own rows of h
 *   cache = k, v          by rows     1
 *   mixed = attention     by heads    2      reads what all shares wrote to the cache
 *   out = Wo · mixed      by rows     3      reads heads that other shares have mixed
 * </pre>
 *
 * <p>This is list scheduling over a graph of dependences, level by level. On a GPU a persistent
 * "megakernel" does the same with barriers in device memory.
 */
final class Regions {
  /** The first regions in which a later op may stand that uses an operand. */
  private static final class Uses {
    private int alignedAfterReads; // for an op that is cut at the operand's rows
    private int alignedAfterWrites;
    private int afterReads; // for any other op
    private int afterWrites;

    int first(boolean aligned, boolean writes) {
      int region = aligned ? alignedAfterWrites : afterWrites;
      return writes ? Math.max(region, aligned ? alignedAfterReads : afterReads) : region;
    }

    void add(int region, boolean serial, boolean aligned, boolean writes) {
      int others = serial ? region : region + 1; // what the caller does before is done
      int alike = aligned ? region : others;
      if (writes) {
        alignedAfterWrites = Math.max(alignedAfterWrites, alike);
        afterWrites = Math.max(afterWrites, others);
      } else {
        alignedAfterReads = Math.max(alignedAfterReads, alike);
        afterReads = Math.max(afterReads, others);
      }
    }
  }

  private final Map<Operand, Uses> uses = new HashMap<>();
  private final List<List<Op>> serial = new ArrayList<>(); // [regions]
  private final List<List<Op>> split = new ArrayList<>(); // [regions]

  private Regions() {}

  /** The regions of a program's ops, in the order in which they run. */
  static List<Region> of(List<Op> ops) {
    Regions regions = new Regions();
    ops.forEach(regions::place);
    List<Region> made = new ArrayList<>();
    for (int i = 0; i < regions.split.size(); i++) {
      made.add(new Region(regions.serial.get(i), regions.split.get(i)));
    }
    return made;
  }

  private void place(Op op) {
    List<Operand> reads = new ArrayList<>(op.reads());
    reads.add(StepField.ROWS); // of every op
    List<Operand> writes = op.writes();
    int region = 0;
    for (Operand o : reads) {
      region = Math.max(region, uses(o).first(aligned(op, o), false));
    }
    for (Operand o : writes) {
      region = Math.max(region, uses(o).first(aligned(op, o), true));
    }
    while (split.size() <= region) {
      serial.add(new ArrayList<>());
      split.add(new ArrayList<>());
    }
    (op.serial() ? serial : split).get(region).add(op);
    for (Operand o : reads) {
      uses(o).add(region, op.serial(), aligned(op, o), false);
    }
    for (Operand o : writes) {
      uses(o).add(region, op.serial(), aligned(op, o), true);
    }
  }

  private Uses uses(Operand o) {
    return uses.computeIfAbsent(o, any -> new Uses());
  }

  /**
   * Whether an op uses only the rows of its share of this operand. Of cached rows an op may read
   * those of others.
   */
  private static boolean aligned(Op op, Operand operand) {
    RowCount rows = op.rowwise();
    return rows != null
        && switch (operand) {
          case Buffer b -> b.rowCount() == rows;
          case IntBuffer b -> b.rowCount() == rows;
          case StreamRows s -> false;
          case StepField f -> false;
        };
  }
}
