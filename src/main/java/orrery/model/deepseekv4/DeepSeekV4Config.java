package orrery.model.deepseekv4;

import java.util.List;
import java.util.Set;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Activations;
import orrery.model.FeedForwardWidth;
import orrery.model.ModelConfig;
import orrery.model.ModelInfo;
import orrery.model.QuantizedParts;
import orrery.moe.RouterSpec;
import orrery.quantization.WeightFormat;

/**
 * The configuration of a {@code deepseek_v4} model, as DeepSeek and as transformers write it.
 *
 * @param vocab {@code vocab_size}
 * @param hidden {@code hidden_size}: width of one residual stream
 * @param plans what each layer is: {@code compress_ratios} and {@code num_hash_layers}, or {@code
 *     layer_types}, {@code compress_rates} and {@code mlp_layer_types}
 * @param mtpLayers {@code num_nextn_predict_layers}: 0 or 1
 * @param mtpAnnounced whether the config itself says how many, and not its default
 * @param attention the sizes of all layers' attention
 * @param window {@code sliding_window}: how many of the newest tokens a token reads uncompressed,
 *     itself included
 * @param rope positions of layers that compress nothing, the MTP layer among them
 * @param compressRope positions of layers that compress
 * @param maxPositions {@code max_position_embeddings}
 * @param intermediate {@code moe_intermediate_size}: width of every expert, the shared one too
 * @param router how rows choose experts
 * @param swigluLimit {@code swiglu_limit}
 * @param residualStreams {@code hc_mult}
 * @param mixIterations {@code hc_sinkhorn_iters}
 * @param mixEps {@code hc_eps}
 * @param normEps {@code rms_norm_eps}
 * @param format how matrices are kept in memory, as far as {@code torch_dtype} tells
 * @param quantization how matrices may be stored in codes
 */
public record DeepSeekV4Config(
    int vocab,
    int hidden,
    List<LayerPlan> plans,
    int mtpLayers,
    boolean mtpAnnounced,
    AttentionShapes attention,
    int window,
    RopeSpec rope,
    RopeSpec compressRope,
    int maxPositions,
    int intermediate,
    RouterSpec router,
    float swigluLimit,
    int residualStreams,
    int mixIterations,
    float mixEps,
    float normEps,
    WeightFormat format,
    QuantizationConfig quantization)
    implements ModelConfig {

  /** {@code model_type} of these configs. */
  public static final String ARCHITECTURE = "deepseek_v4";

  public DeepSeekV4Config {
    plans = List.copyOf(plans);
  }

  /**
   * Reads a {@code config.json}. If a file omits a field that transformers allows it to omit, the
   * field gets transformers' default, but for sizes and for the kinds of the layers. Values that no
   * model can have are refused, and so are fields that contradict each other.
   *
   * @throws orrery.checkpoint.CheckpointException naming the field, what was expected and what was
   *     found
   */
  public static DeepSeekV4Config read(JsonConfig c) {
    return ConfigFields.read(c);
  }

  @Override
  public DeepSeekV4Model load(Checkpoint checkpoint) {
    return DeepSeekV4Model.load(this, checkpoint);
  }

  @Override
  public FeedForwardWidth feedForwardWidth() {
    return new FeedForwardWidth(
        Set.of("moe_intermediate_size", "intermediate_size"),
        TensorNames.FEED_FORWARD_ROWS,
        TensorNames.FEED_FORWARD_PAIRS,
        TensorNames.FEED_FORWARD_COLUMNS);
  }

  @Override
  public QuantizedParts quantizedParts() {
    return new QuantizedParts(
        TensorNames.QUANTIZED,
        List.of(List.of(".w1.weight", ".w3.weight")),
        ".ffn.experts.",
        "scale",
        true);
  }

  @Override
  public String architecture() {
    return ARCHITECTURE;
  }

  @Override
  public int layers() {
    return plans.size();
  }

  @Override
  public boolean hasMtp() {
    return mtpLayers > 0;
  }

  @Override
  public boolean hasStreams() {
    return true;
  }

  /** Floats of all residual streams of a token. */
  int streamsWidth() {
    return residualStreams * hidden;
  }

  @Override
  public KvLayout kvLayout(boolean mtp, KvDtype dtype) {
    if (mtp && !hasMtp()) {
      throw new IllegalArgumentException("MTP rows: this model has no MTP layer");
    }
    return CacheStreams.layout(this, mtp, dtype);
  }

  @Override
  public ModelInfo info() {
    return DeepSeekV4Info.of(
        this, DeepSeekV4Weights.read(quantizedParts().shapes(format, quantization), this));
  }

  @Override
  public Activations activations(boolean mtp, int slots) {
    return DeepSeekV4Forward.activations(this, mtp, slots);
  }

  /** The same config for a checkpoint without an MTP layer. */
  DeepSeekV4Config withoutMtp() {
    return new DeepSeekV4Config(
        vocab,
        hidden,
        plans,
        0,
        mtpAnnounced,
        attention,
        window,
        rope,
        compressRope,
        maxPositions,
        intermediate,
        router,
        swigluLimit,
        residualStreams,
        mixIterations,
        mixEps,
        normEps,
        format,
        quantization);
  }
}
