package orrery.model.classic;

import java.nio.file.Path;
import java.util.function.IntFunction;
import orrery.attention.LayerKv;
import orrery.attention.RopeTable;
import orrery.checkpoint.Checkpoint;
import orrery.kernels.AttentionShape;
import orrery.kv.KvCache;
import orrery.model.BoundaryKv;
import orrery.model.CheckpointWeights;
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
   * Loads the weights that a config describes, as far as the checkpoint has them: see {@link
   * #found}.
   *
   * @throws orrery.checkpoint.CheckpointException naming file, tensor or field, what was expected
   *     and what was found
   */
  static ClassicModel load(ClassicConfig config, Checkpoint checkpoint) {
    CheckpointWeights weights = new CheckpointWeights(checkpoint, config.quantization());
    ClassicConfig found = found(config, checkpoint, weights);
    ClassicWeights loaded = ClassicWeights.read(weights, found);
    InverseFrequencies.compare(checkpoint, found);
    weights.end();
    return new ClassicModel(found, loaded);
  }

  /**
   * The config of what the checkpoint has; its notices tell where the two differ. A config may
   * announce an MTP layer of which the checkpoint has no tensor, as after saving with transformers:
   * then the model is loaded without MTP. A config may tie head and embedding although the
   * checkpoint has both and they differ: then they are not tied, as in transformers 5.
   */
  private static ClassicConfig found(
      ClassicConfig config, Checkpoint checkpoint, CheckpointWeights weights) {
    Path file = checkpoint.directory().resolve("config.json");
    int mtpLayers = config.mtpLayers();
    String mtp = "model.layers." + config.layers() + ".";
    if (checkpoint.names().stream().noneMatch(name -> name.startsWith(mtp))) {
      if (mtpLayers > 0 && config.mtpAnnounced()) {
        String what = "an MTP layer is announced, but there is no tensor " + mtp + "*";
        checkpoint.notice(file, what + "; loaded without one");
      }
      mtpLayers = 0;
    }
    boolean tied = config.tied() && !ClassicWeights.headDiffers(weights, config);
    if (config.tied() && !tied) {
      checkpoint.notice(
          file,
          "tie_word_embeddings: true, but lm_head.weight differs from model.embed_tokens.weight;"
              + " lm_head.weight is used, as by transformers 5");
    }
    return config.with(tied, mtpLayers);
  }

  @Override
  public ClassicConfig config() {
    return config;
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    AttentionShape shape = config.attention(cache.spanOf(0));
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
