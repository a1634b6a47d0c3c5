package orrery.attention;

import java.util.ArrayList;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Cuts;
import orrery.graph.Grid;
import orrery.graph.InputRows;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.TakesNorm;
import orrery.graph.Tile;
import orrery.kernels.AttentionShape;

/**
 * Queries, keys and values of x in one pass, head by head: each is projected, normed and rotated,
 * and keys and values go to their slots of the cache at once. Shares take blocks of heads, counted
 * by panels through q, k and v, or rows.
 *
 * @param input [rows][hidden]
 * @param q null if only keys and values are wanted
 * @param queries [rows][heads*headDim], or null
 * @param kv where keys and values go
 * @param cutByRows whether shares take rows
 */
record ProjectQkv(
    InputRows input,
    HeadProduct q,
    Buffer queries,
    HeadProduct k,
    HeadProduct v,
    LayerKv kv,
    boolean cutByRows)
    implements TakesNorm {

  /** How many multiply-adds take as long as the write of a number to the cache. */
  private static final int WRITE = 96;

  /** The most floats of scratch: normed rows, and some blocks of heads. */
  static long scratch(int hidden, AttentionShape s) {
    long keys = Tile.floats(HeadProduct.blockWidth(s.headDim()));
    long values = Tile.floats(HeadProduct.blockWidth(s.valueDim()));
    return Tile.floats(hidden) + Math.max(Tile.FLOATS, Math.max(keys, values));
  }

  @Override
  public TakesNorm with(InputRows input) {
    return new ProjectQkv(input, q, queries, k, v, kv, cutByRows);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = input.x().rows(step);
    int panels = panels();
    if (cutByRows) {
      tiles(step, share, rows * share / shares, rows * (share + 1) / shares, 0, panels);
    } else {
      int columns =
          Grid.columns(rows, panels / k.blockPanels(), k.blockPanels(), shares, step.threads());
      int first = Grid.firstRow(rows, share, columns, shares);
      int last = Grid.lastRow(rows, share, columns, shares);
      int begin = firstPanel(share % columns, columns);
      tiles(step, share, first, last, begin, firstPanel(share % columns + 1, columns));
    }
  }

  /** The first panel of all three that belongs to a group of them: groups have alike work. */
  private int firstPanel(int group, int columns) {
    int hidden = input.x().cols;
    long queries = (long) panels(q) * hidden;
    long stored = hidden + WRITE; // a panel of keys or values
    long all = queries + (panels(k) + panels(v)) * stored;
    long before = all * group / columns;
    return before <= queries
        ? (int) Math.ceilDiv(before, (long) hidden)
        : panels(q) + (int) Math.ceilDiv(before - queries, stored);
  }

  /** Panels [begin, end) of all three, for rows [first, last). */
  private void tiles(Step step, int share, int first, int last, int begin, int end) {
    for (int r = first; begin < end && r < last; r += Tile.ROWS) {
      some(step, share, r, Math.min(Tile.ROWS, last - r), begin, end);
    }
  }

  /** Panels [begin, end) of all three, for some rows. */
  private void some(Step step, int share, int row, int rows, int begin, int end) {
    int room = input.room(rows);
    int most = Math.max(k.width(k.together(rows)), v.width(v.together(rows)));
    float[] scratch = step.scratch(share).numbers(room + rows * most);
    input.load(step, share, row, rows, scratch, 0);
    int to = first(end, 0, q);
    for (int b = first(begin, 0, q); b < to; b += q.together(rows)) {
      queries(step, share, b, Math.min(to, b + q.together(rows)), row, rows, scratch);
    }
    int before = panels(q);
    to = first(end, before, k);
    for (int b = first(begin, before, k); b < to; b += k.together(rows)) {
      keys(step, share, b, Math.min(to, b + k.together(rows)), row, rows, scratch, room);
    }
    before += panels(k);
    to = first(end, before, v);
    for (int b = first(begin, before, v); b < to; b += v.together(rows)) {
      values(step, share, b, Math.min(to, b + v.together(rows)), row, rows, scratch, room);
    }
  }

  /** The first block of a product that begins at a panel of all three or behind it. */
  private static int first(int panel, int before, HeadProduct p) {
    return p == null ? 0 : Math.clamp(Math.ceilDiv(panel - before, p.blockPanels()), 0, p.blocks());
  }

  private static int panels(HeadProduct p) {
    return p == null ? 0 : p.blocks() * p.blockPanels();
  }

  private int panels() {
    return panels(q) + panels(k) + panels(v);
  }

  private void queries(
      Step step, int share, int first, int end, int row, int rows, float[] scratch) {
    int at = queries.row(row) + q.head(first) * q.dim();
    compute(step, share, q, first, end, row, rows, scratch, queries.data, at, queries.stride);
  }

  private void keys(
      Step step, int share, int first, int end, int row, int rows, float[] scratch, int at) {
    AttentionShape shape = kv.shape();
    int width = k.width(end - first);
    compute(step, share, k, first, end, row, rows, scratch, scratch, at, width);
    for (int r = 0; r < rows; r++) {
      int[] pages = kv.pages(step.tables[step.sequence[row + r]]);
      int slot = step.slot[row + r];
      for (int h = k.head(first); h < k.head(end); h++) {
        int key = at + r * width + (h - k.head(first)) * k.dim();
        shape.putKey(kv.keys().stored(), pages, slot, h, scratch, key);
      }
    }
  }

  private void values(
      Step step, int share, int first, int end, int row, int rows, float[] scratch, int at) {
    AttentionShape shape = kv.shape();
    int width = v.width(end - first);
    compute(step, share, v, first, end, row, rows, scratch, scratch, at, width);
    for (int r = 0; r < rows; r++) {
      int[] pages = kv.pages(step.tables[step.sequence[row + r]]);
      int slot = step.slot[row + r];
      for (int h = v.head(first); h < v.head(end); h++) {
        int value = at + r * width + (h - v.head(first)) * v.dim();
        shape.putValue(kv.values().stored(), pages, slot, h, scratch, value);
      }
    }
  }

  private void compute(
      Step step,
      int share,
      HeadProduct p,
      int first,
      int end,
      int row,
      int rows,
      float[] scratch,
      float[] into,
      int at,
      int stride) {
    float[] x = input.data(scratch);
    int xAt = input.at(row, 0);
    int xStride = input.x().stride;
    p.compute(step, share, first, end, row, rows, x, xAt, xStride, into, at, stride);
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? input.x().rowCount() : null;
  }

  @Override
  public ProjectQkv cut(int rows, int threads) {
    long weights = (q == null ? 0 : q.w().weights()) + k.w().weights() + v.w().weights();
    return Cuts.byRows(rows, threads, weights)
        ? new ProjectQkv(input, q, queries, k, v, kv, true)
        : this;
  }

  @Override
  public List<Operand> reads() {
    return List.of(input.x(), StepField.POSITION, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    List<Operand> writes = new ArrayList<>(List.of(kv.keys(), kv.values()));
    if (q != null) {
      writes.add(queries);
    }
    return writes;
  }

  @Override
  public long cost(Step step) {
    int rows = input.x().rows(step);
    return (q == null ? 0 : q.cost(rows)) + k.cost(rows) + v.cost(rows);
  }

  @Override
  public String line() {
    String queriesLine = q == null ? "" : q.line(queries) + ", ";
    return queriesLine
        + "cache[slot] = "
        + (k.norm() == null ? "rope " : "rope rmsNorm ")
        + k.w()
        + ", "
        + v.w()
        + ", all · "
        + input;
  }
}
