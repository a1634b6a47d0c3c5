package orrery.madeup;

import static orrery.madeup.MadeUp.EPS;
import static orrery.madeup.MadeUp.HIDDEN;
import static orrery.madeup.MadeUp.VOCAB;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Step;
import orrery.kernels.PackedMatrix;
import orrery.model.BoundaryKv;
import orrery.model.Forward;
import orrery.model.KeepBoundary;

/** The forward pass of a made-up model over a cache. */
final class MadeUpForward implements Forward {
  private static final float[] ONES = new float[HIDDEN];

  static {
    Arrays.fill(ONES, 1);
  }

  /** The weights, packed. */
  record Weights(
      MadeUp.Layers layers,
      PackedMatrix embedding,
      PackedMatrix head,
      PackedMatrix whole,
      PackedMatrix window,
      PackedMatrix state,
      PackedMatrix mtpState,
      PackedMatrix mtp,
      PackedMatrix heavy) {}

  /** The streams of a cache; those that it lacks are null. */
  record Streams(
      RowStream whole,
      RowStream window,
      RowStream state,
      RowStream entries,
      RowStream heavyState,
      RowStream heavyEntries,
      RowStream mtp,
      BoundaryKv boundary) {}

  private final Weights w;
  private final Streams s;
  private final RequireRows check;
  private final Buffer x;
  private final Buffer h; // normed
  private final Buffer row; // that a layer caches
  private final Buffer entry; // compressed row
  private final Buffer sum;
  private final Buffer hidden;
  private final Buffer last; // hidden states of the rows that want logits
  private final Buffer logits;
  private final Buffer mtpInput;
  private final Buffer mtpStates;
  private final Buffer mtpLogits;

  MadeUpForward(Weights w, Streams s, RequireRows check, int maxRows, int maxLogitRows) {
    this.w = w;
    this.s = s;
    this.check = check;
    int most = Math.min(maxRows, maxLogitRows);
    x = rows("x", maxRows);
    h = rows("h", maxRows);
    row = rows("row", maxRows);
    entry = rows("entry", maxRows);
    sum = rows("sum", maxRows);
    hidden = rows("hidden", maxRows);
    mtpInput = rows("mtpInput", maxRows);
    mtpStates = rows("mtpStates", maxRows);
    last = new Buffer("last", Step::logitRows, most, HIDDEN);
    logits = new Buffer("logits", Step::logitRows, most, VOCAB);
    mtpLogits = new Buffer("mtpLogits", Step::logitRows, most, VOCAB);
  }

  private static Buffer rows(String name, int maxRows) {
    return new Buffer(name, Step::rows, maxRows, HIDDEN);
  }

  @Override
  public void main(Launcher g) {
    g.launch(check);
    g.embed(w.embedding, x);
    MadeUp.Layers l = w.layers;
    if (l.whole()) {
      layer(g, w.whole, s.whole, slot -> 0);
    }
    layer(g, w.window, s.window, slot -> Math.max(0, slot - l.window() + 1));
    if (l.compressed()) {
      compressed(g, w.state, s.state, s.entries, l.group(), this::groupBefore);
    } else {
      layer(g, w.state, s.state, this::groupBefore);
    }
    if (l.heavy() > 0) {
      int n = l.heavy();
      compressed(g, w.heavy, s.heavyState, s.heavyEntries, n, slot -> slot / n * n);
    }
    g.rmsNorm(x, ONES, EPS, hidden);
    if (s.boundary != null) {
      g.launch(new KeepBoundary(hidden, s.boundary));
    }
    head(g);
  }

  @Override
  public void head(Launcher g) {
    g.logitRows(hidden, last);
    g.matmul(last, w.head, logits);
  }

  private int groupBefore(int slot) {
    int group = w.layers.group();
    return Math.max(0, (slot / group - 1) * group);
  }

  private void layer(Launcher g, PackedMatrix m, RowStream stream, IntUnaryOperator first) {
    cache(g, m, stream);
    g.launch(new MixRows(stream, first, 1, sum));
    g.add(sum, x);
  }

  private void cache(Launcher g, PackedMatrix m, RowStream stream) {
    g.rmsNorm(x, ONES, EPS, h);
    g.matmul(h, m, row);
    g.launch(new WriteRows(row, stream));
  }

  /** The token that completes a group makes its entry, of the rows from {@code first} on. */
  private void compressed(
      Launcher g,
      PackedMatrix m,
      RowStream state,
      RowStream entries,
      int group,
      IntUnaryOperator first) {
    cache(g, m, state);
    g.launch(new MixRows(state, first, group, entry));
    g.launch(new WriteRows(entry, entries));
    g.launch(new MixRows(entries, slot -> 0, 1, sum));
    g.add(sum, x);
  }

  @Override
  public void mtp(Launcher g) {
    mtpPairs(g);
    // Slot 0 has no MTP row.
    layer(g, w.mtp, s.mtp, slot -> Math.max(1, slot - w.layers.window() + 1));
    g.rmsNorm(x, ONES, EPS, mtpStates);
    g.logitRows(mtpStates, last);
    g.matmul(last, w.head, mtpLogits);
  }

  @Override
  public void mtpKv(Launcher g) {
    mtpPairs(g);
    cache(g, w.mtp, s.mtp);
  }

  private void mtpPairs(Launcher g) {
    g.embed(w.embedding, x);
    g.matmul(mtpInput, w.mtpState, sum);
    g.add(sum, x);
  }

  @Override
  public Buffer states() {
    return hidden;
  }

  @Override
  public Buffer logits() {
    return logits;
  }

  @Override
  public Buffer mtpInput() {
    return mtpInput;
  }

  @Override
  public Buffer mtpStates() {
    return mtpStates;
  }

  @Override
  public Buffer mtpLogits() {
    return mtpLogits;
  }
}
