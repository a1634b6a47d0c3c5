package orrery.model.classic;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import orrery.attention.GroupedQueryAttention;
import orrery.attention.LayerKv;
import orrery.attention.RopeTable;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.JsonConfig;
import orrery.kernels.AttentionShape;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Activations;
import orrery.model.BoundaryKv;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelInfo;

/** A {@code glm4_moe} model: the parts of Llama, mixture of experts and MTP. */
public final class ClassicModel implements Model {
  private final ClassicConfig config;
  private final ClassicWeights weights;

  private ClassicModel(ClassicConfig config, ClassicWeights weights) {
    this.config = config;
    this.weights = weights;
  }

  /**
   * Loads the weights that a config describes. A config may announce an MTP layer of which the
   * checkpoint has no tensor, as after saving with transformers. Then the model loads without MTP,
   * and the checkpoint's notices say so.
   *
   * @throws orrery.checkpoint.CheckpointException naming file, tensor or field, what was expected
   *     and what was found
   */
  public static ClassicModel load(JsonConfig json, Checkpoint checkpoint) {
    ClassicConfig config = ClassicConfig.read(json);
    int tensors = checkpoint.names().size();
    if (config.layers() > tensors) {
      throw json.bad(
          "num_hidden_layers",
          "no more layers than the checkpoint has tensors, " + tensors,
          "" + config.layers());
    }
    String mtpPrefix = "model.layers." + config.layers() + ".";
    if (checkpoint.names().stream().noneMatch(name -> name.startsWith(mtpPrefix))) {
      if (config.mtpLayers() > 0 && ClassicConfig.mtpLayers(json).isPresent()) {
        String what = "an MTP layer is announced, but there is no tensor " + mtpPrefix + "*";
        checkpoint.notice(json.file(), what + "; loaded without one");
      }
      config = config.withMtpLayers(0);
    }
    return new ClassicModel(config, ClassicWeights.load(checkpoint, config));
  }

  /** The configuration, with as many MTP layers as were loaded. */
  public ClassicConfig config() {
    return config;
  }

  @Override
  public String architecture() {
    return ClassicConfig.ARCHITECTURE;
  }

  @Override
  public int vocab() {
    return config.vocab();
  }

  @Override
  public int hidden() {
    return config.hidden();
  }

  @Override
  public int layers() {
    return config.layers();
  }

  @Override
  public int maxPositions() {
    return config.maxPositions();
  }

  @Override
  public boolean hasMtp() {
    return weights.mtp() != null;
  }

  private AttentionShape shape(int pageTokens) {
    float scale = (float) (1 / Math.sqrt(config.headDim()));
    return new AttentionShape(
        config.heads(), config.kvHeads(), config.headDim(), config.headDim(), pageTokens, scale);
  }

  /**
   * Streams 2l and 2l + 1 are the keys and values of layer l. Last come the streams of the MTP
   * layer: keys, values, and its inputs at page ends.
   */
  @Override
  public KvLayout kvLayout(boolean mtp) {
    if (mtp && !hasMtp()) {
      throw new IllegalArgumentException("MTP rows: this model has no MTP layer");
    }
    List<Stream> streams = new ArrayList<>();
    for (int l = 0; l < config.layers() + (mtp ? 1 : 0); l++) {
      streams.add(Stream.whole("layers." + l + ".key", shape(1).keyWidth()));
      streams.add(Stream.whole("layers." + l + ".value", shape(1).valueWidth()));
    }
    if (mtp) {
      streams.add(Stream.boundary("mtp.boundary", config.hidden()));
    }
    return new KvLayout(streams);
  }

  @Override
  public Activations activations(boolean mtp) {
    return new Activations(
        ClassicForward.rowBytes(config, shape(1), mtp),
        ClassicForward.logitRowBytes(config, mtp),
        RopeTable.bytes(config.rotaryDim()),
        GroupedQueryAttention.scratchBytes(shape(1)));
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    AttentionShape shape = shape(cache.spanOf(0));
    RopeTable rope = RopeTable.of(cache.maxSlots(), config.rotaryDim(), config.ropeTheta(), false);
    boolean mtp = cache.layout().boundary() >= 0;
    LayerKv[] kv = new LayerKv[config.layers() + (mtp ? 1 : 0)];
    for (int l = 0; l < kv.length; l++) {
      kv[l] = LayerKv.of(cache, shape, 2 * l, 2 * l + 1, l < config.layers() ? 0 : 1);
    }
    BoundaryKv boundary = mtp ? BoundaryKv.of(cache) : null;
    return maxRows ->
        new ClassicForward(config, weights, rope, kv, boundary, maxRows, maxLogitRows);
  }

  @Override
  public ModelInfo info() {
    return ClassicInfo.of(config, weights);
  }
}
