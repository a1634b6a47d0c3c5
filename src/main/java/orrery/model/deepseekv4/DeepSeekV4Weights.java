package orrery.model.deepseekv4;

import java.util.Arrays;
import orrery.attention.LatentAttention;
import orrery.hyper.HeadCollapse;
import orrery.hyper.HyperConnection;
import orrery.kernels.PackedMatrix;
import orrery.model.EveryLayer;
import orrery.model.Weights;
import orrery.moe.FeedForward;
import orrery.moe.MixtureOfExperts;

/**
 * The weights of a {@code deepseek_v4} model, by the names of DeepSeek's release.
 *
 * @param embedding [vocab][hidden]
 * @param layers the decoder layers
 * @param collapse from the streams behind the last layer to one vector
 * @param norm [hidden] final norm
 * @param head [vocab][hidden]
 * @param mtp the MTP layer, or null
 */
record DeepSeekV4Weights(
    PackedMatrix embedding,
    Layer[] layers,
    HeadCollapse collapse,
    float[] norm,
    PackedMatrix head,
    Mtp mtp) {

  /**
   * A decoder layer: two sublayers, each with its connection to the streams.
   *
   * @param attentionHyper between the streams and the attention
   * @param attentionNorm [hidden] before the attention
   * @param expertsHyper between the streams and the experts
   * @param expertsNorm [hidden] before the experts
   */
  record Layer(
      HyperConnection attentionHyper,
      float[] attentionNorm,
      LatentAttention attention,
      HyperConnection expertsHyper,
      float[] expertsNorm,
      MixtureOfExperts experts) {}

  /**
   * The multi-token prediction layer. It has the embedding and the head of the main model.
   *
   * @param embeddingNorm [hidden] {@code enorm}
   * @param streamNorm [hidden] {@code hnorm}, of each stream
   * @param embeddingProjection [hidden][hidden] {@code e_proj}
   * @param streamProjections [streams], all the same one: {@code h_proj} [hidden][hidden]
   * @param layer a decoder layer
   * @param collapse from its streams to one vector
   * @param norm [hidden] before the head
   */
  record Mtp(
      float[] embeddingNorm,
      float[] streamNorm,
      PackedMatrix embeddingProjection,
      PackedMatrix[] streamProjections,
      Layer layer,
      HeadCollapse collapse,
      float[] norm) {}

  /** Reads every tensor; a missing or ill-shaped one is refused by name. */
  static DeepSeekV4Weights read(Weights w, DeepSeekV4Config c) {
    PackedMatrix embedding = w.embedding("embed.weight", c.vocab(), c.hidden());
    Layer[] layers =
        EveryLayer.of(
            c.layers(), l -> layer(w, c, "layers." + l + ".", c.plans().get(l)), Layer[]::new);
    return new DeepSeekV4Weights(
        embedding,
        layers,
        collapse(w, c, ""),
        w.vector("norm.weight", c.hidden()),
        w.matrix("head.weight", c.vocab(), c.hidden()),
        c.hasMtp() ? mtp(w, c, "mtp.0.") : null);
  }

  private static Mtp mtp(Weights w, DeepSeekV4Config c, String p) {
    int d = c.hidden();
    PackedMatrix[] streams = new PackedMatrix[c.residualStreams()];
    Arrays.fill(streams, w.matrix(p + "h_proj.weight", d, d));
    return new Mtp(
        w.vector(p + "enorm.weight", d),
        w.vector(p + "hnorm.weight", d),
        w.matrix(p + "e_proj.weight", d, d),
        streams,
        layer(w, c, p, LayerPlan.WINDOW),
        collapse(w, c, p),
        w.vector(p + "norm.weight", d));
  }

  private static Layer layer(Weights w, DeepSeekV4Config c, String p, LayerPlan plan) {
    return new Layer(
        hyper(w, c, p + "hc_attn_"),
        w.vector(p + "attn_norm.weight", c.hidden()),
        AttentionWeights.read(w, c, p + "attn.", plan),
        hyper(w, c, p + "hc_ffn_"),
        w.vector(p + "ffn_norm.weight", c.hidden()),
        experts(w, c, p + "ffn.", plan));
  }

  private static HyperConnection hyper(Weights w, DeepSeekV4Config c, String p) {
    int n = c.residualStreams();
    int out = (2 + n) * n;
    return new HyperConnection(
        w.float32(p + "fn", out, c.streamsWidth()),
        w.vector(p + "base", out),
        w.vector(p + "scale", 3),
        n,
        c.hidden(),
        c.mixIterations(),
        c.mixEps(),
        c.normEps());
  }

  private static HeadCollapse collapse(Weights w, DeepSeekV4Config c, String p) {
    int n = c.residualStreams();
    return new HeadCollapse(
        w.float32(p + "hc_head_fn", n, c.streamsWidth()),
        w.vector(p + "hc_head_base", n),
        w.vector(p + "hc_head_scale", 1),
        n,
        c.hidden(),
        c.mixEps(),
        c.normEps());
  }

  private static MixtureOfExperts experts(Weights w, DeepSeekV4Config c, String p, LayerPlan plan) {
    int n = c.router().experts();
    // The router comes first: its shape proves the number of experts before it sizes an array.
    PackedMatrix router = w.matrix(p + "gate.weight", n, c.hidden());
    PackedMatrix[] gate = new PackedMatrix[n]; // [experts]
    PackedMatrix[] up = new PackedMatrix[n]; // [experts]
    PackedMatrix[] down = new PackedMatrix[n]; // [experts]
    for (int e = 0; e < n; e++) {
      FeedForward expert = feedForward(w, c, p + "experts." + e + ".");
      gate[e] = expert.gate();
      up[e] = expert.up();
      down[e] = expert.down();
    }
    return new MixtureOfExperts(
        c.router(),
        router,
        plan.hashed() ? null : w.vector(p + "gate.bias", n),
        plan.hashed() ? w.indices(p + "gate.tid2eid", c.vocab(), c.router().topK(), n) : null,
        gate,
        up,
        down,
        c.swigluLimit(),
        feedForward(w, c, p + "shared_experts."));
  }

  private static FeedForward feedForward(Weights w, DeepSeekV4Config c, String p) {
    return new FeedForward(
        w.matrix(p + "w1.weight", c.intermediate(), c.hidden()),
        w.matrix(p + "w3.weight", c.intermediate(), c.hidden()),
        w.matrix(p + "w2.weight", c.hidden(), c.intermediate()),
        c.swigluLimit());
  }
}
