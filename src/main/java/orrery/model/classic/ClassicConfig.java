package orrery.model.classic;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import orrery.attention.GroupedQueryAttention;
import orrery.attention.RopeTable;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.kernels.AttentionShape;
import orrery.kernels.Scratch;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Activations;
import orrery.model.FeedForwardWidth;
import orrery.model.ModelConfig;
import orrery.model.ModelInfo;
import orrery.model.QuantizedParts;
import orrery.moe.FeedForward;
import orrery.moe.MixtureOfExperts;
import orrery.moe.RouterSpec;
import orrery.options.Options;
import orrery.quantization.WeightFormat;

/**
 * The configuration of a {@code glm4_moe} model (GLM-4.5), as transformers 4 and 5 write it.
 *
 * @param vocab {@code vocab_size}
 * @param hidden {@code hidden_size}
 * @param layers {@code num_hidden_layers}
 * @param denseLayers {@code first_k_dense_replace}: how many layers, from the first on, have a
 *     dense feed-forward
 * @param intermediate {@code intermediate_size} of dense layers
 * @param expertIntermediate {@code moe_intermediate_size}
 * @param sharedExperts {@code n_shared_experts}; they are fused to one expert of as many times the
 *     width
 * @param heads {@code num_attention_heads}
 * @param kvHeads {@code num_key_value_heads}
 * @param headDim {@code head_dim}
 * @param rotaryDim columns of a head that are rotated: head_dim · {@code partial_rotary_factor}
 * @param ropeTheta {@code rope_theta}
 * @param maxPositions {@code max_position_embeddings}
 * @param normEps {@code rms_norm_eps}
 * @param attentionBias q, k and v projections have a bias
 * @param qkNorm heads of q and k are normed
 * @param tied {@code tie_word_embeddings}: the output head is the embedding, unless the checkpoint
 *     has a head that differs from it
 * @param mtpLayers {@code num_nextn_predict_layers}: 0 or 1
 * @param mtpAnnounced whether the config itself says how many, and not its default
 * @param router how rows choose experts
 * @param format how matrices are kept in memory, as far as {@code dtype} tells
 * @param quantization how matrices may be stored in codes
 */
public record ClassicConfig(
    int vocab,
    int hidden,
    int layers,
    int denseLayers,
    int intermediate,
    int expertIntermediate,
    int sharedExperts,
    int heads,
    int kvHeads,
    int headDim,
    int rotaryDim,
    double ropeTheta,
    int maxPositions,
    float normEps,
    boolean attentionBias,
    boolean qkNorm,
    boolean tied,
    int mtpLayers,
    boolean mtpAnnounced,
    RouterSpec router,
    WeightFormat format,
    QuantizationConfig quantization)
    implements ModelConfig {

  /** {@code model_type} of these configs. */
  public static final String ARCHITECTURE = "glm4_moe";

  /**
   * Reads a {@code config.json}. If a file omits a field that transformers allows it to omit, the
   * field gets transformers' default. Values that no model can have are refused, and so are fields
   * that contradict each other.
   *
   * @throws orrery.checkpoint.CheckpointException naming the field, what was expected and what was
   *     found
   */
  public static ClassicConfig read(JsonConfig c) {
    return ConfigFields.read(c);
  }

  @Override
  public ClassicModel load(Checkpoint checkpoint) {
    return ClassicModel.load(this, checkpoint);
  }

  @Override
  public FeedForwardWidth feedForwardWidth() {
    return new FeedForwardWidth(
        Set.of("intermediate_size", "moe_intermediate_size"),
        List.of(".gate_proj.weight", ".up_proj.weight"),
        List.of(),
        List.of(".down_proj.weight"));
  }

  /** As in GLM-4.5-Air-FP8: every matrix of attention and feed-forwards, also of the MTP layer. */
  @Override
  public QuantizedParts quantizedParts() {
    return new QuantizedParts(
        List.of(
            ".q_proj.weight",
            ".k_proj.weight",
            ".v_proj.weight",
            ".o_proj.weight",
            ".gate_proj.weight",
            ".up_proj.weight",
            ".down_proj.weight"),
        List.of(
            List.of(".q_proj.weight", ".k_proj.weight", ".v_proj.weight"),
            List.of(".gate_proj.weight", ".up_proj.weight")),
        ".mlp.experts.",
        "weight_scale_inv",
        false);
  }

  @Override
  public String architecture() {
    return ARCHITECTURE;
  }

  @Override
  public boolean hasMtp() {
    return mtpLayers > 0;
  }

  AttentionShape attention(int pageTokens) {
    float scale = (float) (1 / Math.sqrt(headDim));
    return new AttentionShape(heads, kvHeads, headDim, headDim, pageTokens, scale);
  }

  /**
   * Streams 2l and 2l + 1 are the keys and values of layer l. Last come the streams of the MTP
   * layer: keys, values, and its inputs at page ends. FP8 keys and values have one scale for each
   * token and key/value head.
   */
  @Override
  public KvLayout kvLayout(boolean mtp, KvDtype dtype) {
    if (mtp && !hasMtp()) {
      throw new IllegalArgumentException("MTP rows: this model has no MTP layer");
    }
    AttentionShape shape = attention(1);
    List<Stream> streams = new ArrayList<>();
    for (int l = 0; l < layers + (mtp ? 1 : 0); l++) {
      streams.add(
          Stream.whole("layers." + l + ".key", shape.keyWidth(), dtype.format(shape.headDim(), 0)));
      streams.add(
          Stream.whole(
              "layers." + l + ".value", shape.valueWidth(), dtype.format(shape.valueStride(), 0)));
    }
    if (mtp) {
      streams.add(Stream.boundary("mtp.boundary", hidden));
    }
    return new KvLayout(streams);
  }

  @Override
  public ModelInfo info() {
    return ClassicInfo.of(
        this, ClassicWeights.read(quantizedParts().shapes(format, quantization), this));
  }

  @Override
  public Activations activations(boolean mtp, int slots) {
    return new Activations(
        ClassicForward.rowBytes(this, attention(1), mtp),
        ClassicForward.logitRowBytes(this, mtp),
        slots * RopeTable.bytes(rotaryDim),
        slots * GroupedQueryAttention.scratchBytes(attention(1)),
        Scratch.bytes(opScratch()),
        anyExperts() ? MixtureOfExperts.Space.listBytes(router) : 0);
  }

  private long opScratch() {
    long most = GroupedQueryAttention.opScratch(hidden, attention(1));
    most = anyDense() ? Math.max(most, FeedForward.Space.opScratch(hidden)) : most;
    return anyExperts() ? Math.max(most, MixtureOfExperts.Space.opScratch(hidden)) : most;
  }

  /** Whether any layer has a dense feed-forward, the MTP layer included. */
  boolean anyDense() {
    return denseLayers > 0;
  }

  /** Whether any layer has experts, the MTP layer included. */
  boolean anyExperts() {
    return denseLayers < layers + mtpLayers;
  }

  /** Whether a layer has experts; the MTP layer (index {@link #layers}) has. */
  boolean hasExperts(int layer) {
    return layer >= denseLayers;
  }

  /** The same config for a checkpoint that has another head or another number of MTP layers. */
  ClassicConfig with(boolean tied, int mtpLayers) {
    return Options.with(this, new String[] {"tied", "mtpLayers"}, tied, mtpLayers);
  }
}
