package orrery.model.deepseekv4;

import java.util.Arrays;
import java.util.List;
import orrery.attention.LatentAttention;
import orrery.attention.LatentKv;
import orrery.attention.LatentRope;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.hyper.HeadCollapse;
import orrery.hyper.HyperConnection;
import orrery.hyper.Repeat;
import orrery.kernels.Scratch;
import orrery.model.Activations;
import orrery.model.BoundaryKv;
import orrery.model.Forward;
import orrery.model.KeepBoundary;
import orrery.moe.MixtureOfExperts;

/**
 * The forward pass of DeepSeek-V4 ({@code deepseek_v4}). A token has n residual streams; each
 * sublayer reads one mix of them and adds to all.
 *
 * <pre>
 *   X = embedding[token], n times
 *   each layer:  y = collapse(X);  X = expand(attention(norm(y)), X)
 *                y = collapse(X);  X = expand(experts(norm(y)), X)
 *   hidden = norm(headCollapse(X));  logits = head · hidden
 * </pre>
 *
 * <p>The MTP layer continues the streams X of row p, not the hidden state:
 *
 * <pre>
 *   X_j = e_proj · norm(embedding[token p+1]) + h_proj · norm(X_j)      for each stream j
 *   one layer, then its own headCollapse and norm, and the main head
 * </pre>
 */
final class DeepSeekV4Forward implements Forward {
  private final DeepSeekV4Config c;
  private final DeepSeekV4Weights w;
  private final LatentRope rope;
  private final LatentRope compressRope;
  private final LatentKv[] kv; // [layers, then the MTP layer if its rows are cached]
  private final BoundaryKv boundary; // null if the MTP layer's rows are not cached

  private final Buffer streams; // n residual streams of a row, one after the other
  private final Buffer y; // the streams' mix that a sublayer reads
  private final Buffer h; // normed
  private final Buffer out; // what a sublayer adds to the streams
  private final HyperConnection.Space hyper;
  private final LatentAttention.Space attention;
  private final MixtureOfExperts.Space experts;
  private final Buffer last; // streams of the rows that want logits
  private final Buffer collapsed; // this and the next two: of these rows
  private final Buffer hidden;
  private final HeadCollapse.Space collapse;
  private final Buffer logits;
  private final Buffer mtpInput; // this and the buffers below: null without MTP
  private final Buffer mtpNormed;
  private final Buffer mtpStreams;
  private final Buffer mtpLogits;

  DeepSeekV4Forward(
      DeepSeekV4Config c,
      DeepSeekV4Weights w,
      LatentRope rope,
      LatentRope compressRope,
      LatentKv[] kv,
      BoundaryKv boundary,
      int maxRows,
      int maxLogitRows) {
    this.c = c;
    this.w = w;
    this.rope = rope;
    this.compressRope = compressRope;
    this.kv = kv;
    this.boundary = boundary;
    RowCount rows = Step::rows;
    RowCount wanted = Step::logitRows;
    int most = Math.min(maxRows, maxLogitRows);
    int d = c.hidden();
    int all = c.streamsWidth();
    streams = new Buffer("streams", rows, maxRows, all);
    y = new Buffer("y", rows, maxRows, d);
    h = new Buffer("h", rows, maxRows, d);
    out = new Buffer("out", rows, maxRows, d);
    hyper = new HyperConnection.Space(rows, maxRows, c.residualStreams());
    boolean host = Arrays.stream(kv).anyMatch(layer -> layer.buffers() != null);
    attention = new LatentAttention.Space(AttentionWeights.kinds(c), rows, maxRows, host);
    experts =
        new MixtureOfExperts.Space(
            c.router(), rows, maxRows, d, c.intermediate(), c.intermediate());
    last = new Buffer("last", wanted, most, all);
    collapsed = new Buffer("collapsed", wanted, most, d);
    hidden = new Buffer("hidden", wanted, most, d);
    collapse = new HeadCollapse.Space(wanted, most, c.residualStreams());
    logits = new Buffer("logits", wanted, most, c.vocab());
    boolean mtp = boundary != null;
    mtpInput = mtp ? new Buffer("mtpInput", rows, maxRows, all) : null;
    mtpNormed = mtp ? new Buffer("mtpNormed", rows, maxRows, all) : null;
    mtpStreams = mtp ? new Buffer("mtpStreams", rows, maxRows, all) : null;
    mtpLogits = mtp ? new Buffer("mtpLogits", wanted, most, c.vocab()) : null;
  }

  /** What the buffers above and the rotary positions take. */
  static Activations activations(DeepSeekV4Config c, boolean mtp, int slots) {
    int n = c.residualStreams();
    long d = Buffer.bytes(c.hidden());
    long all = Buffer.bytes(c.streamsWidth());
    List<LatentAttention> kinds = AttentionWeights.kinds(c);
    long row =
        (mtp ? 4 : 1) * all
            + 3 * d
            + HyperConnection.Space.bytes(n)
            + LatentAttention.Space.bytes(kinds)
            + MixtureOfExperts.Space.bytes(
                c.router(), c.hidden(), c.intermediate(), c.intermediate());
    long logitRow =
        all + 2 * d + HeadCollapse.Space.bytes(n) + (mtp ? 2 : 1) * Buffer.bytes(c.vocab());
    return new Activations(
        row,
        logitRow,
        2L * slots * LatentRope.bytes(c.attention().rotaryDim()),
        LatentAttention.scratchBytes(kinds, c.window(), slots),
        Scratch.bytes(opScratch(c, kinds)),
        MixtureOfExperts.Space.listBytes(c.router()));
  }

  private static long opScratch(DeepSeekV4Config c, List<LatentAttention> kinds) {
    long hyper = HyperConnection.Space.opScratch(c.hidden(), c.residualStreams());
    long experts = MixtureOfExperts.Space.opScratch(c.hidden());
    return Math.max(LatentAttention.opScratch(kinds), Math.max(hyper, experts));
  }

  @Override
  public void main(Launcher g) {
    g.embed(w.embedding(), y);
    g.launch(new Repeat(y, streams));
    g.tap("streams.0", streams);
    for (int l = 0; l < c.layers(); l++) {
      boolean compresses = c.plans().get(l).attention().compresses();
      layer(g, w.layers()[l], streams, compresses ? compressRope : rope, kv[l], "router." + l);
      g.tap("streams." + (l + 1), streams);
    }
    if (boundary != null) {
      g.launch(new KeepBoundary(streams, boundary));
    }
    head(g);
    g.tap("hidden", hidden);
  }

  @Override
  public void head(Launcher g) {
    head(g, streams, w.collapse(), w.norm(), logits);
  }

  @Override
  public void mtp(Launcher g) {
    DeepSeekV4Weights.Mtp m = w.mtp();
    mtpStreams(g, m);
    layer(g, m.layer(), mtpStreams, rope, kv[c.layers()], "router." + c.layers());
    head(g, mtpStreams, m.collapse(), m.norm(), mtpLogits);
  }

  @Override
  public void mtpKv(Launcher g) {
    DeepSeekV4Weights.Mtp m = w.mtp();
    mtpStreams(g, m);
    m.layer().attentionHyper().collapse(g, mtpStreams, hyper, y);
    g.rmsNorm(y, m.layer().attentionNorm(), c.normEps(), h);
    m.layer().attention().writeKv(g, h, rope, kv[c.layers()], attention);
  }

  /** A token's embedding, projected and added to the projection of each stream before it. */
  private void mtpStreams(Launcher g, DeepSeekV4Weights.Mtp m) {
    g.embed(w.embedding(), y);
    g.rmsNorm(y, m.embeddingNorm(), c.normEps(), h);
    g.matmul(h, m.embeddingProjection(), out);
    g.headNorm(mtpInput, m.streamNorm(), c.normEps(), c.residualStreams(), mtpNormed);
    g.matmul(mtpNormed, m.streamProjections(), mtpStreams);
    g.launch(new Repeat(out, mtpNormed));
    g.add(mtpNormed, mtpStreams);
  }

  private void layer(
      Launcher g,
      DeepSeekV4Weights.Layer layer,
      Buffer x,
      LatentRope positions,
      LatentKv cached,
      String name) {
    layer.attentionHyper().collapse(g, x, hyper, y);
    g.rmsNorm(y, layer.attentionNorm(), c.normEps(), h);
    layer.attention().run(g, h, positions, cached, attention, out);
    layer.attentionHyper().expand(g, out, x, hyper);
    layer.expertsHyper().collapse(g, x, hyper, y);
    g.rmsNorm(y, layer.expertsNorm(), c.normEps(), h);
    layer.experts().run(g, h, experts, out, name);
    layer.expertsHyper().expand(g, out, x, hyper);
  }

  /** Only the rows that want logits go through the head. */
  private void head(Launcher g, Buffer x, HeadCollapse weights, float[] norm, Buffer result) {
    g.logitRows(x, last);
    weights.run(g, last, collapse, collapsed);
    g.rmsNorm(collapsed, norm, c.normEps(), hidden);
    g.matmul(hidden, w.head(), result);
  }

  @Override
  public Buffer states() {
    return streams;
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
    return mtpStreams;
  }

  @Override
  public Buffer mtpLogits() {
    return mtpLogits;
  }
}
