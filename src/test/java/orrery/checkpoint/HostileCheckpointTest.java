package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.checkpoint.CheckpointMutator.Outcome;
import orrery.checkpoint.CheckpointMutator.Report;
import orrery.numerics.Bf16;
import orrery.numerics.Fp16;

/** Thousands of broken checkpoints: each one is loaded or refused by name, without other harm. */
class HostileCheckpointTest {
  private static final int HIDDEN = 4;
  private static final int VOCAB = 6;
  private static final String CONFIG =
      """
      {"model_type": "probe", "hidden_size": 4, "vocab_size": 6, "rms_norm_eps": 1e-5,
       "tie": false, "eos_token_id": [1, 2], "rope_parameters": {"rope_theta": 10000.0}}\
      """;

  @TempDir Path valid;
  @TempDir Path scratch;

  /**
   * Loads as a model does: first the config, then every tensor by name and shape; other tensors are
   * refused.
   */
  private static Map<String, Object> load(Path directory) {
    Map<String, Object> content = new LinkedHashMap<>();
    JsonConfig config = JsonConfig.read(directory.resolve("config.json"));
    int hidden = config.positiveInt("hidden_size");
    int vocab = config.positiveInt("vocab_size");
    content.put("eps", config.number("rms_norm_eps"));
    content.put("tie", config.bool("tie"));
    content.put("type", config.oneOf("model_type", "probe"));
    content.put("eos", Arrays.toString(config.ints("eos_token_id")));
    content.put("theta", config.object("rope_parameters").numberOr("rope_theta", 1));
    try (Checkpoint weights = Checkpoint.open(directory)) {
      content.put("embed", Arrays.toString(weights.tensor("embed", vocab, hidden).floats()));
      content.put("norm", Arrays.toString(weights.tensor("norm", hidden).floats()));
      content.put("proj", Arrays.toString(weights.tensor("proj", hidden, hidden).floats()));
      content.put("half", Arrays.toString(weights.tensor("half", hidden, hidden).floats()));
      content.put("table", Arrays.toString(weights.tensor("table", vocab).longs()));
      content.put("scale", weights.tensor("scale").getFloat(0));
      content.put("none", weights.tensor("none", 0, hidden).floats().length);
      weights.refuseUnread();
    }
    return content;
  }

  private static SafetensorsWriter firstShard(Random random) {
    return new SafetensorsWriter()
        .floats("norm", floats(random, HIDDEN), HIDDEN)
        .floats("scale", floats(random, 1))
        .longs("table", random.longs(VOCAB).toArray(), VOCAB)
        .floats("none", new float[0], 0, HIDDEN);
  }

  private static SafetensorsWriter secondShard(SafetensorsWriter writer, Random random) {
    return writer
        .bf16("embed", codes(random, VOCAB * HIDDEN, false), VOCAB, HIDDEN)
        .bf16("proj", codes(random, HIDDEN * HIDDEN, false), HIDDEN, HIDDEN)
        .f16("half", codes(random, HIDDEN * HIDDEN, true), HIDDEN, HIDDEN);
  }

  private static float[] floats(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static short[] codes(Random random, int count, boolean half) {
    short[] codes = new short[count];
    for (int i = 0; i < count; i++) {
      float value = (float) random.nextGaussian();
      codes[i] = half ? Fp16.encode(value) : Bf16.encode(value);
    }
    return codes;
  }

  private void check(String what, long seed, int mutations) throws IOException {
    Report report =
        new CheckpointMutator(valid, scratch, HostileCheckpointTest::load).run(seed, mutations);
    System.out.printf("%d mutations of %s, seed %d:%n%s%n", mutations, what, seed, report);
    assertThat(report.count(Outcome.REFUSED)).isGreaterThan(mutations / 2);
    assertThat(report.count(Outcome.SAME_CONTENT)).isPositive();
    assertThat(report.count(Outcome.OTHER_CONTENT)).isPositive();
    assertThat(report.worstCpuMillis()).isLessThan(300);
    assertThat(report.worstBytes()).isLessThan(32 << 20);
  }

  @Test
  void twoThousandMutationsOfASingleFileAreLoadedOrRefusedByName() throws IOException {
    Random random = new Random(1);
    secondShard(firstShard(random), random).write(valid.resolve("model.safetensors"));
    Files.writeString(valid.resolve("config.json"), CONFIG);
    check("a single file", 1, 2_000);
  }

  @Test
  void aThousandMutationsOfAShardedCheckpointAreLoadedOrRefusedByName() throws IOException {
    Random random = new Random(2);
    firstShard(random).write(valid.resolve("model-00001-of-00002.safetensors"));
    secondShard(new SafetensorsWriter(), random)
        .write(valid.resolve("model-00002-of-00002.safetensors"));
    StringBuilder map = new StringBuilder("{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
    for (String name : new String[] {"norm", "scale", "table", "none"}) {
      map.append('"').append(name).append("\": \"model-00001-of-00002.safetensors\", ");
    }
    for (String name : new String[] {"embed", "proj", "half"}) {
      map.append('"').append(name).append("\": \"model-00002-of-00002.safetensors\", ");
    }
    String index = map.substring(0, map.length() - 2) + "}}";
    Files.writeString(valid.resolve("model.safetensors.index.json"), index);
    Files.writeString(valid.resolve("config.json"), CONFIG);
    check("a sharded checkpoint", 2, 1_000);
  }
}
