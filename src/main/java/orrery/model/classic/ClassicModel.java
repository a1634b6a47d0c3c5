package orrery.model.classic;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.JsonConfig;
import orrery.graph.LayerKv;
import orrery.graph.RopeTable;
import orrery.kernels.AttentionShape;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelInfo;

/**
 * A {@code glm4_moe} model, everything a reader knows from Llama plus mixture of experts and MTP.
 */
public final class ClassicModel implements Model {
  private final ClassicConfig config;
  private final ClassicWeights weights;

  private ClassicModel(ClassicConfig config, ClassicWeights weights) {
    this.config = config;
    this.weights = weights;
  }

  /**
   * Loads the weights that a config describes. A checkpoint that announces an MTP layer but has no
   * tensor of one, as transformers saves it, loads without.
   *
   * @throws orrery.checkpoint.CheckpointException naming file, tensor or field, expected and found
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
      config = config.withMtpLayers(0);
    }
    return new ClassicModel(config, ClassicWeights.load(checkpoint, config));
  }

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

  /** Streams 2l and 2l + 1 are the keys and values of layer l; the MTP layer comes last. */
  @Override
  public KvLayout kvLayout() {
    List<Stream> streams = new ArrayList<>();
    for (int l = 0; l < config.layers() + config.mtpLayers(); l++) {
      streams.add(Stream.whole("layers." + l + ".key", shape(1).keyWidth()));
      streams.add(Stream.whole("layers." + l + ".value", shape(1).valueWidth()));
    }
    return new KvLayout(streams);
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache) {
    AttentionShape shape = shape(cache.pageTokens());
    RopeTable rope = RopeTable.of(cache.maxSlots(), config.rotaryDim(), config.ropeTheta(), false);
    LayerKv[] kv = new LayerKv[config.layers() + config.mtpLayers()];
    for (int l = 0; l < kv.length; l++) {
      kv[l] = LayerKv.of(cache, shape, 2 * l, 2 * l + 1, l < config.layers() ? 0 : 1);
    }
    return maxRows -> new ClassicForward(config, weights, rope, kv, maxRows);
  }

  @Override
  public ModelInfo info() {
    return ClassicInfo.of(config, weights);
  }
}
