package orrery.model.classic;

import orrery.attention.GroupedQueryAttention;
import orrery.kernels.PackedMatrix;
import orrery.model.CheckpointWeights;
import orrery.model.EveryLayer;
import orrery.model.Weights;
import orrery.moe.FeedForward;
import orrery.moe.MixtureOfExperts;

/**
 * The weights of a {@code glm4_moe} model, named as GLM-4.5's release names them.
 *
 * @param embedding [vocab][hidden]
 * @param layers the decoder layers
 * @param norm [hidden] final norm
 * @param head [vocab][hidden]; the embedding itself if tied
 * @param mtp the MTP layer, or null
 */
record ClassicWeights(
    PackedMatrix embedding, Layer[] layers, float[] norm, PackedMatrix head, Mtp mtp) {

  /**
   * A decoder layer; exactly one of {@code dense} and {@code experts} is there.
   *
   * @param inputNorm [hidden] before the attention
   * @param postNorm [hidden] before the feed-forward
   */
  record Layer(
      float[] inputNorm,
      GroupedQueryAttention attention,
      float[] postNorm,
      FeedForward dense,
      MixtureOfExperts experts) {}

  /**
   * The multi-token prediction layer.
   *
   * @param embedding [vocab][hidden], the main one unless the checkpoint has its own
   * @param embeddingNorm [hidden] {@code enorm}
   * @param hiddenNorm [hidden] {@code hnorm}
   * @param project [hidden][2*hidden] {@code eh_proj}
   * @param layer a decoder layer
   * @param norm [hidden] {@code shared_head.norm}
   * @param head [vocab][hidden], the main one unless the checkpoint has its own
   */
  record Mtp(
      PackedMatrix embedding,
      float[] embeddingNorm,
      float[] hiddenNorm,
      PackedMatrix project,
      Layer layer,
      float[] norm,
      PackedMatrix head) {}

  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  /**
   * Reads every tensor; a missing or ill-shaped one is refused by name.
   *
   * <p>If the config ties head and embedding, only one of them is needed, either one.
   */
  static ClassicWeights read(Weights w, ClassicConfig c) {
    boolean onlyHead = c.tied() && !w.has(EMBEDDING) && w.has(HEAD);
    PackedMatrix embedding = w.embedding(onlyHead ? HEAD : EMBEDDING, c.vocab(), c.hidden());
    Layer[] layers =
        EveryLayer.of(
            c.layers(), l -> layer(w, c, "model.layers." + l + ".", c.hasExperts(l)), Layer[]::new);
    PackedMatrix head = c.tied() ? embedding : w.matrix(HEAD, c.vocab(), c.hidden());
    Mtp mtp = c.hasMtp() ? mtp(w, c, embedding, head) : null;
    float[] norm = w.vector("model.norm.weight", c.hidden());
    return new ClassicWeights(embedding, layers, norm, head, mtp);
  }

  /** Whether the checkpoint has a head that differs from the embedding. */
  static boolean headDiffers(CheckpointWeights w, ClassicConfig c) {
    return w.has(EMBEDDING) && w.has(HEAD) && !w.same(EMBEDDING, HEAD, c.vocab(), c.hidden());
  }

  private static Mtp mtp(Weights w, ClassicConfig c, PackedMatrix embedding, PackedMatrix head) {
    String p = "model.layers." + c.layers() + ".";
    String ownEmbedding = p + "embed_tokens.weight";
    String ownHead = p + "shared_head.head.weight";
    return new Mtp(
        w.has(ownEmbedding) ? w.embedding(ownEmbedding, c.vocab(), c.hidden()) : embedding,
        w.vector(p + "enorm.weight", c.hidden()),
        w.vector(p + "hnorm.weight", c.hidden()),
        w.matrix(p + "eh_proj.weight", c.hidden(), 2 * c.hidden()),
        layer(w, c, p, c.hasExperts(c.layers())),
        w.vector(p + "shared_head.norm.weight", c.hidden()),
        w.has(ownHead) ? w.matrix(ownHead, c.vocab(), c.hidden()) : head);
  }

  private static Layer layer(Weights w, ClassicConfig c, String p, boolean experts) {
    return new Layer(
        w.vector(p + "input_layernorm.weight", c.hidden()),
        attention(w, c, p + "self_attn."),
        w.vector(p + "post_attention_layernorm.weight", c.hidden()),
        experts ? null : feedForward(w, c, p + "mlp.", c.intermediate()),
        experts ? mixture(w, c, p + "mlp.") : null);
  }

  private static GroupedQueryAttention attention(Weights w, ClassicConfig c, String p) {
    int q = c.heads() * c.headDim();
    int kv = c.kvHeads() * c.headDim();
    return new GroupedQueryAttention(
        w.matrix(p + "q_proj.weight", q, c.hidden()),
        w.matrix(p + "k_proj.weight", kv, c.hidden()),
        w.matrix(p + "v_proj.weight", kv, c.hidden()),
        w.matrix(p + "o_proj.weight", c.hidden(), q),
        c.attentionBias() ? w.vector(p + "q_proj.bias", q) : null,
        c.attentionBias() ? w.vector(p + "k_proj.bias", kv) : null,
        c.attentionBias() ? w.vector(p + "v_proj.bias", kv) : null,
        c.qkNorm() ? w.vector(p + "q_norm.weight", c.headDim()) : null,
        c.qkNorm() ? w.vector(p + "k_norm.weight", c.headDim()) : null,
        c.normEps());
  }

  private static FeedForward feedForward(Weights w, ClassicConfig c, String p, int intermediate) {
    return new FeedForward(
        w.matrix(p + "gate_proj.weight", intermediate, c.hidden()),
        w.matrix(p + "up_proj.weight", intermediate, c.hidden()),
        w.matrix(p + "down_proj.weight", c.hidden(), intermediate),
        0);
  }

  private static MixtureOfExperts mixture(Weights w, ClassicConfig c, String p) {
    int n = c.router().experts();
    // The router comes first: its shape proves the number of experts before it sizes an array.
    PackedMatrix router = w.matrix(p + "gate.weight", n, c.hidden());
    PackedMatrix[] gate = new PackedMatrix[n]; // [experts]
    PackedMatrix[] up = new PackedMatrix[n];
    PackedMatrix[] down = new PackedMatrix[n];
    for (int e = 0; e < n; e++) {
      FeedForward expert = feedForward(w, c, p + "experts." + e + ".", c.expertIntermediate());
      gate[e] = expert.gate();
      up[e] = expert.up();
      down[e] = expert.down();
    }
    return new MixtureOfExperts(
        c.router(),
        router,
        w.vector(p + "gate.e_score_correction_bias", n),
        null,
        gate,
        up,
        down,
        0,
        feedForward(w, c, p + "shared_experts.", c.expertIntermediate() * c.sharedExperts()));
  }
}
