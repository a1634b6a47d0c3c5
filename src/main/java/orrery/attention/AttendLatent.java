package orrery.attention;

import java.util.ArrayList;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.IntBuffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.StreamRows;
import orrery.hisparse.FetchEntries;
import orrery.kernels.CachedRows;
import orrery.kernels.LatentKernels;

/**
 * mixed[r] = attention of q[r] over the raw rows of its window, then over compressed entries, both
 * in increasing order, and the sinks. Rows are split over shares; with fewer rows than shares, the
 * heads of a row are too, by fours, because the kernel takes four at a time.
 *
 * @param q [rows][heads*headDim]
 * @param selected [rows][topk] the entries that each row reads; null if it reads all that it sees
 * @param places [rows][topk] where they lie on the device, see {@link FetchEntries}; null if the
 *     layer's entries lie there in whole
 * @param sink [heads]
 * @param mixed [rows][heads*headDim]
 */
record AttendLatent(
    Buffer q, LatentKv kv, IntBuffer selected, IntBuffer places, float[] sink, Buffer mixed)
    implements Op {
  private static final int HEADS_AT_ONCE = 4;

  AttendLatent {
    int width = kv.raw().width();
    StreamRows entries = kv.compressed();
    if (q.cols != sink.length * width
        || mixed.cols != q.cols
        || (entries != null && entries.width() != width)
        || (entries == null && selected != null)
        || (places == null) != (kv.buffers() == null)) {
      throw new IllegalArgumentException(
          mixed
              + " = attention of "
              + q
              + ", "
              + sink.length
              + " heads, over "
              + kv.raw()
              + " of width "
              + width
              + (entries == null ? "" : " and " + entries + " of width " + entries.width())
              + ": shapes do not fit");
    }
  }

  /**
   * Bytes of a thread's list of rows, of their scores and of those that are decoded, which grow to
   * powers of two.
   */
  static long scratchBytes(int heads, int headDim, int listed) {
    long decoded = (long) headDim * Math.min(listed, LatentKernels.DECODED);
    return 2 * 4L * (listed * (1L + (heads + 15) / 16 * 16) + decoded);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = q.rows(step);
    int fours = (sink.length + HEADS_AT_ONCE - 1) / HEADS_AT_ONCE;
    int busy = Math.min(shares, step.threads()); // each part of a row lists and reads its entries
    int parts = rows == 0 ? 1 : Math.min(fours, Math.ceilDiv(busy, rows));
    for (int item = share; item < rows * parts; item += shares) {
      int part = item % parts;
      int from = fours * part / parts * HEADS_AT_ONCE;
      int to = Math.min(sink.length, fours * (part + 1) / parts * HEADS_AT_ONCE);
      attend(step, item / parts, from, to, share);
    }
  }

  private void attend(Step step, int r, int headFrom, int headTo, int share) {
    int slot = step.slot[r];
    int raw = slot + 1 - kv.firstRaw(slot);
    int n = raw + entries(slot);
    int[] rows = step.scratch(share).rows(n);
    list(step, r, rows, raw, n);
    int headDim = kv.raw().width();
    CachedRows near = kv.raw().stored();
    step.kernels()
        .latent()
        .attend(
            q.data,
            q.row(r) + headFrom * headDim,
            headTo - headFrom,
            headDim,
            (float) (1 / Math.sqrt(headDim)),
            sink,
            headFrom,
            near,
            n == raw ? near : onDevice(r) ? kv.buffers().rows() : kv.compressed().stored(),
            rows,
            raw,
            n,
            mixed.data,
            mixed.row(r) + headFrom * headDim,
            step.scratch(share));
  }

  /** Whether the selected entries of a row lie in a buffer; else it reads where all entries lie. */
  private boolean onDevice(int r) {
    return places != null && places.data[r * places.cols] != FetchEntries.DIRECT;
  }

  private int entries(int slot) {
    int visible = LatentKv.entries(kv.compressed(), slot);
    return selected == null ? visible : Math.min(visible, selected.cols);
  }

  /** The rows that row r reads: {@code raw} raw rows, then entries. */
  private void list(Step step, int r, int[] rows, int raw, int n) {
    int slot = step.slot[r];
    int[] pages = kv.raw().pages(step, r);
    for (int i = 0; i < raw; i++) {
      rows[i] = kv.raw().row(pages, slot + 1 - raw + i);
    }
    if (n > raw && onDevice(r)) {
      System.arraycopy(places.data, r * places.cols, rows, raw, n - raw);
    } else if (n > raw) {
      StreamRows compressed = kv.compressed();
      int[] entryPages = compressed.pages(step, r);
      for (int i = raw; i < n; i++) {
        int entry = selected == null ? i - raw : selected.data[r * selected.cols + i - raw];
        rows[i] = compressed.row(entryPages, entry * compressed.tokensPerRow());
      }
    }
  }

  @Override
  public List<Operand> reads() {
    List<Operand> reads = new ArrayList<>();
    reads.addAll(List.of(q, kv.raw(), StepField.SEQUENCE, StepField.SLOT));
    if (kv.compressed() != null) {
      reads.add(kv.compressed());
    }
    if (selected != null) {
      reads.add(selected);
    }
    if (places != null) {
      reads.add(places);
    }
    return reads;
  }

  @Override
  public List<Operand> writes() {
    return List.of(mixed);
  }

  @Override
  public long cost(Step step) {
    long listed = 0;
    for (int r = 0; r < q.rows(step); r++) {
      int slot = step.slot[r];
      listed += slot + 1 - kv.firstRaw(slot) + entries(slot);
    }
    return listed * 2 * q.cols;
  }

  @Override
  public String line() {
    String entries =
        kv.compressed() == null
            ? ""
            : (selected == null ? ", all of " : ", " + selected + " of ") + kv.compressed();
    String where = places == null ? "" : " at " + places;
    return mixed
        + " = attention "
        + q
        + " over "
        + kv.window()
        + " of "
        + kv.raw()
        + entries
        + where;
  }
}
