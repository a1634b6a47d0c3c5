package orrery.model.classic;

import orrery.attention.GroupedQueryAttention;
import orrery.attention.LayerKv;
import orrery.attention.RopeTable;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.kernels.AttentionShape;
import orrery.model.BoundaryKv;
import orrery.model.Forward;
import orrery.model.KeepBoundary;
import orrery.moe.FeedForward;
import orrery.moe.MixtureOfExperts;

/**
 * The forward pass of GLM-4.5 ({@code glm4_moe}): a pre-norm decoder with grouped-query attention
 * and mixture-of-experts feed-forwards, and its multi-token prediction layer.
 *
 * <pre>
 *   x = embedding[token]
 *   each layer:  x += attention(norm(x));  x += feedForward(norm(x))
 *   hidden = norm(x);  logits = head · hidden
 * </pre>
 */
final class ClassicForward implements Forward {
  private final ClassicConfig c;
  private final ClassicWeights w;
  private final RopeTable rope;
  private final LayerKv[] kv; // [layers, then the MTP layer if its rows are cached]
  private final BoundaryKv boundary; // null if the MTP layer's rows are not cached

  private final Buffer x; // residual stream
  private final Buffer h; // normed
  private final Buffer out; // what a sublayer adds to the residual stream
  private final GroupedQueryAttention.Space attention;
  private final FeedForward.Space dense; // null if no layer is dense
  private final MixtureOfExperts.Space experts; // null if no layer has experts
  private final Buffer hidden;
  private final Buffer last; // hidden states of the rows that want logits
  private final Buffer logits;
  private final Buffer mtpInput; // this and the buffers below: null without MTP
  private final Buffer mtpPair; // normed embedding | normed state
  private final Buffer mtpHidden;
  private final Buffer mtpLogits;

  ClassicForward(
      ClassicConfig c,
      ClassicWeights w,
      RopeTable rope,
      LayerKv[] kv,
      BoundaryKv boundary,
      int maxRows,
      int maxLogitRows) {
    this.c = c;
    this.w = w;
    this.rope = rope;
    this.kv = kv;
    this.boundary = boundary;
    RowCount rows = Step::rows;
    RowCount wanted = Step::logitRows;
    int most = Math.min(maxRows, maxLogitRows);
    int d = c.hidden();
    x = new Buffer("x", rows, maxRows, d);
    h = new Buffer("h", rows, maxRows, d);
    out = new Buffer("out", rows, maxRows, d);
    attention = new GroupedQueryAttention.Space(kv[0].shape(), rows, maxRows);
    dense = c.anyDense() ? new FeedForward.Space(rows, maxRows, c.intermediate()) : null;
    experts = c.anyExperts() ? experts(c, rows, maxRows) : null;
    hidden = new Buffer("hidden", rows, maxRows, d);
    last = new Buffer("last", wanted, most, d);
    logits = new Buffer("logits", wanted, most, c.vocab());
    boolean mtp = boundary != null;
    mtpInput = mtp ? new Buffer("mtpInput", rows, maxRows, d) : null;
    mtpPair = mtp ? new Buffer("mtpPair", rows, maxRows, 2 * d) : null;
    mtpHidden = mtp ? new Buffer("mtpHidden", rows, maxRows, d) : null;
    mtpLogits = mtp ? new Buffer("mtpLogits", wanted, most, c.vocab()) : null;
  }

  /** Bytes of the buffers above for each row. */
  static long rowBytes(ClassicConfig c, AttentionShape shape, boolean mtp) {
    long d = Buffer.bytes(c.hidden());
    long bytes = 4 * d; // x, h, out, hidden
    bytes += GroupedQueryAttention.Space.bytes(shape);
    bytes += c.anyDense() ? FeedForward.Space.bytes(c.intermediate()) : 0;
    int shared = c.expertIntermediate() * c.sharedExperts();
    bytes +=
        c.anyExperts()
            ? MixtureOfExperts.Space.bytes(c.router(), c.hidden(), c.expertIntermediate(), shared)
            : 0;
    return bytes + (mtp ? 2 * d + Buffer.bytes(2 * c.hidden()) : 0);
  }

  /** Bytes of the buffers above for each row that may want logits. */
  static long logitRowBytes(ClassicConfig c, boolean mtp) {
    return Buffer.bytes(c.hidden()) + (mtp ? 2 : 1) * Buffer.bytes(c.vocab());
  }

  private static MixtureOfExperts.Space experts(ClassicConfig c, RowCount rows, int maxRows) {
    int shared = c.expertIntermediate() * c.sharedExperts();
    return new MixtureOfExperts.Space(
        c.router(), rows, maxRows, c.hidden(), c.expertIntermediate(), shared);
  }

  @Override
  public void main(Launcher g) {
    g.embed(w.embedding(), x);
    g.tap("streams.0", x);
    for (int l = 0; l < c.layers(); l++) {
      layer(g, w.layers()[l], kv[l], "router." + l);
      g.tap("streams." + (l + 1), x);
    }
    g.rmsNorm(x, w.norm(), c.normEps(), hidden);
    g.tap("hidden", hidden);
    if (boundary != null) {
      g.launch(new KeepBoundary(hidden, boundary));
    }
    head(g);
  }

  @Override
  public void head(Launcher g) {
    g.logitRows(hidden, last);
    g.matmul(last, w.head(), logits);
  }

  @Override
  public void mtp(Launcher g) {
    ClassicWeights.Mtp m = w.mtp();
    mtpPairs(g, m);
    layer(g, m.layer(), kv[c.layers()], "router." + c.layers());
    g.rmsNorm(x, m.norm(), c.normEps(), mtpHidden);
    g.logitRows(mtpHidden, last);
    g.matmul(last, m.head(), mtpLogits);
  }

  @Override
  public void mtpKv(Launcher g) {
    ClassicWeights.Mtp m = w.mtp();
    mtpPairs(g, m);
    g.rmsNorm(x, m.layer().inputNorm(), c.normEps(), h);
    m.layer().attention().writeKv(g, h, rope, kv[c.layers()], attention);
  }

  /** x = projection of a token's embedding and the state of the token before, side by side. */
  private void mtpPairs(Launcher g, ClassicWeights.Mtp m) {
    g.embed(m.embedding(), x);
    g.rmsNorm(x, m.embeddingNorm(), c.normEps(), h);
    g.rmsNorm(mtpInput, m.hiddenNorm(), c.normEps(), out);
    g.concat(h, out, mtpPair);
    g.matmul(mtpPair, m.project(), x);
  }

  private void layer(Launcher g, ClassicWeights.Layer layer, LayerKv cached, String name) {
    g.rmsNorm(x, layer.inputNorm(), c.normEps(), h);
    layer.attention().run(g, h, rope, cached, attention, out);
    g.add(out, x);
    g.rmsNorm(x, layer.postNorm(), c.normEps(), h);
    if (layer.dense() != null) {
      layer.dense().run(g, h, dense, out);
    } else {
      layer.experts().run(g, h, experts, out, name);
    }
    g.add(out, x);
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
    return mtpHidden;
  }

  @Override
  public Buffer mtpLogits() {
    return mtpLogits;
  }
}
