package orrery.model.deepseekv4;

import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import orrery.attention.LatentKv;
import orrery.attention.LatentRope;
import orrery.checkpoint.Checkpoint;
import orrery.kv.KvCache;
import orrery.model.BoundaryKv;
import orrery.model.CheckpointWeights;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelInfo;

/** A {@code deepseek_v4} model: hybrid attention, hyper-connections, hash routing and MTP. */
public final class DeepSeekV4Model implements Model {
  private static final Pattern MTP = Pattern.compile("mtp\\.\\d+\\..*");
  private static final Pattern MARKOV = Pattern.compile("mtp\\.\\d+\\.markov_head\\..*");

  private final DeepSeekV4Config config;
  private final DeepSeekV4Weights weights;

  private DeepSeekV4Model(DeepSeekV4Config config, DeepSeekV4Weights weights) {
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
  static DeepSeekV4Model load(DeepSeekV4Config config, Checkpoint checkpoint) {
    DeepSeekV4Config found = found(config, checkpoint);
    CheckpointWeights weights = new CheckpointWeights(checkpoint, config.quantization());
    NamedWeights named =
        new NamedWeights(weights, TensorNames.of(checkpoint.names()), found.router().experts());
    DeepSeekV4Weights loaded = DeepSeekV4Weights.read(named, found);
    weights.end();
    return new DeepSeekV4Model(found, loaded);
  }

  /**
   * The config of what the checkpoint has; its notices tell where the two differ. transformers
   * saves no MTP layer, though its config announces one: then the model is loaded without MTP.
   * Later releases have another drafter, DSpark, under the names of MTP layers; it is left out.
   */
  private static DeepSeekV4Config found(DeepSeekV4Config config, Checkpoint checkpoint) {
    Path file = checkpoint.directory().resolve("config.json");
    List<String> mtp =
        checkpoint.names().stream().filter(name -> MTP.matcher(name).matches()).toList();
    if (mtp.stream().anyMatch(name -> MARKOV.matcher(name).matches())) {
      List<String> left = checkpoint.passOver(mtp::contains);
      checkpoint.notice(
          checkpoint.directory(),
          left.size() + " tensors mtp.* are a DSpark drafter; loaded without it");
      return config.withoutMtp();
    }
    if (config.hasMtp() && mtp.isEmpty()) {
      if (config.mtpAnnounced()) {
        checkpoint.notice(
            file, "an MTP layer is announced, but there is no tensor mtp.0.*; loaded without one");
      }
      return config.withoutMtp();
    }
    return config;
  }

  @Override
  public DeepSeekV4Config config() {
    return config;
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    int rotary = config.attention().rotaryDim();
    LatentRope rope = config.rope().table(cache.maxSlots(), rotary);
    LatentRope compressRope = config.compressRope().table(cache.maxSlots(), rotary);
    LatentKv[] kv = CacheStreams.handles(config, cache);
    BoundaryKv boundary = cache.layout().boundary() >= 0 ? BoundaryKv.of(cache) : null;
    return maxRows ->
        new DeepSeekV4Forward(
            config, weights, rope, compressRope, kv, boundary, maxRows, maxLogitRows);
  }

  @Override
  public ModelInfo info() {
    return DeepSeekV4Info.of(config, weights);
  }
}
