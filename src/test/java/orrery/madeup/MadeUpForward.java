package orrery.madeup;

import static orrery.madeup.MadeUp.EPS;
import static orrery.madeup.MadeUp.GROUP;
import static orrery.madeup.MadeUp.HIDDEN;
import static orrery.madeup.MadeUp.VOCAB;
import static orrery.madeup.MadeUp.WINDOW;

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
      boolean hybrid,
      PackedMatrix embedding,
      PackedMatrix head,
      PackedMatrix whole,
      PackedMatrix window,
      PackedMatrix state,
      PackedMatrix mtpState,
      PackedMatrix mtp) {}

  /** The streams of a cache; those that it lacks are null. */
  record Streams(
      RowStream whole,
      RowStream window,
      RowStream state,
      RowStream entries,
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
    if (w.hybrid) {
      layer(g, w.whole, s.whole, slot -> 0);
    }
    layer(g, w.window, s.window, slot -> Math.max(0, slot - WINDOW + 1));
    if (w.hybrid) {
      compressed(g);
    } else {
      layer(g, w.state, s.state, MadeUpForward::groupBefore);
    }
    g.rmsNorm(x, ONES, EPS, hidden);
    if (s.boundary != null) {
      g.launch(new KeepBoundary(hidden, s.boundary));
    }
    g.logitRows(hidden, last);
    g.matmul(last, w.head, logits);
  }

  private static int groupBefore(int slot) {
    return Math.max(0, (slot / GROUP - 1) * GROUP);
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

  /** The token that completes a group makes its entry, of the rows of two groups. */
  private void compressed(Launcher g) {
    cache(g, w.state, s.state);
    g.launch(new MixRows(s.state, MadeUpForward::groupBefore, GROUP, entry));
    g.launch(new WriteRows(entry, s.entries));
    g.launch(new MixRows(s.entries, slot -> 0, 1, sum));
    g.add(sum, x);
  }

  @Override
  public void mtp(Launcher g) {
    mtpPairs(g);
    // Slot 0 has no MTP row.
    layer(g, w.mtp, s.mtp, slot -> Math.max(1, slot - WINDOW + 1));
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
