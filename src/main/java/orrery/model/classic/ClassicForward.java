package orrery.model.classic;

import orrery.graph.BoundaryKv;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.LayerKv;
import orrery.graph.RopeTable;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.model.Forward;
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
  private final Buffer q;
  private final Buffer k;
  private final Buffer v;
  private final Buffer mixed; // attention output before its projection
  private final Buffer out; // what a sublayer adds to the residual stream
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
    q = new Buffer("q", rows, maxRows, c.heads() * c.headDim());
    k = new Buffer("k", rows, maxRows, c.kvHeads() * c.headDim());
    v = new Buffer("v", rows, maxRows, c.kvHeads() * c.headDim());
    mixed = new Buffer("mixed", rows, maxRows, c.heads() * c.headDim());
    out = new Buffer("out", rows, maxRows, d);
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
  static long rowBytes(ClassicConfig c, boolean mtp) {
    long d = Buffer.bytes(c.hidden());
    long bytes = 4 * d; // x, h, out, hidden
    bytes += 2 * Buffer.bytes(c.heads() * c.headDim()); // q, mixed
    bytes += 2 * Buffer.bytes(c.kvHeads() * c.headDim()); // k, v
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
    g.keepBoundary(hidden, boundary);
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
    keysAndValues(g, m.layer(), kv[c.layers()]);
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
    attention(g, layer, cached);
    g.add(out, x);
    g.rmsNorm(x, layer.postNorm(), c.normEps(), h);
    if (layer.dense() != null) {
      layer.dense().run(g, h, dense, out);
    } else {
      layer.experts().run(g, h, experts, out, name);
    }
    g.add(out, x);
  }

  /**
   * out = attention of h: grouped queries (Ainslie et al., "GQA", 2023), rotary positions on part
   * of each head.
   */
  private void attention(Launcher g, ClassicWeights.Layer layer, LayerKv cached) {
    g.matmul(h, layer.q(), q);
    g.addBias(q, layer.qBias());
    g.headNorm(q, layer.qNorm(), c.normEps(), c.heads());
    g.rope(q, c.heads(), rope);
    keysAndValues(g, layer, cached);
    g.attend(q, cached, mixed);
    g.matmul(mixed, layer.o(), out);
  }

  /** Writes the keys and values of h, which later rows will read. */
  private void keysAndValues(Launcher g, ClassicWeights.Layer layer, LayerKv cached) {
    g.matmul(h, layer.k(), k);
    g.matmul(h, layer.v(), v);
    g.addBias(k, layer.kBias());
    g.addBias(v, layer.vBias());
    g.headNorm(k, layer.kNorm(), c.normEps(), c.kvHeads());
    g.rope(k, c.kvHeads(), rope);
    g.writeKv(k, v, cached);
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
