package orrery.model.deepseekv4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.EditedModel.Values;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.engine.LoadedModel;
import orrery.kernels.VectorKernels;
import orrery.model.Steps;

/** Checkpoints of the toy in every way of names, whole and broken. */
class DeepSeekV4LoadTest {
  private static final Path TOY = Path.of("src/test/resources/deepseek-v4-toy");
  private static final int[] IDS = IntStream.range(20, 50).toArray();

  /** Names that save_pretrained of transformers 5.17 wrote, beside those of the release. */
  private static final String[][] SAVED = {
    {"embed.weight", "model.embed_tokens.weight"},
    {"hc_head_base", "model.hc_head.hc_base"},
    {"layers.0.attn.kv_norm.weight", "model.layers.0.attn.norm.weight"},
    {"layers.1.attn.compressor.norm.weight", "model.layers.1.attn.compressor.norm.weight"},
    {"layers.1.attn.indexer.wq_b.weight", "model.layers.1.attn.indexer.wq_b.weight"},
    {"layers.0.ffn.gate.tid2eid", "model.layers.0.ffn.gate.tid2eid"},
    {"norm.weight", "model.norm.weight"},
    {"head.weight", "head.weight"},
  };

  /** Names in the state_dict of transformers 5.17. */
  private static final String[][] STATE = {
    {"embed.weight", "model.embed_tokens.weight"},
    {"head.weight", "lm_head.weight"},
    {"hc_head_fn", "model.hc_head.hc_fn"},
    {"layers.2.attn_norm.weight", "model.layers.2.input_layernorm.weight"},
    {"layers.2.hc_ffn_scale", "model.layers.2.ffn_hc.scale"},
    {"layers.2.attn.wq_a.weight", "model.layers.2.self_attn.q_a_proj.weight"},
    {"layers.2.attn.q_norm.weight", "model.layers.2.self_attn.q_a_norm.weight"},
    {"layers.2.attn.kv_norm.weight", "model.layers.2.self_attn.kv_norm.weight"},
    {"layers.2.attn.attn_sink", "model.layers.2.self_attn.sinks"},
    {"layers.2.attn.compressor.ape", "model.layers.2.self_attn.compressor.position_bias"},
    {
      "layers.1.attn.indexer.weights_proj.weight",
      "model.layers.1.self_attn.compressor.indexer.scorer.weights_proj.weight"
    },
    {
      "layers.1.attn.indexer.compressor.norm.weight",
      "model.layers.1.self_attn.compressor.indexer.kv_norm.weight"
    },
    {"layers.1.ffn.gate.bias", "model.layers.1.mlp.gate.e_score_correction_bias"},
    {"layers.1.ffn.shared_experts.w2.weight", "model.layers.1.mlp.shared_experts.down_proj.weight"},
  };

  @TempDir Path directory;

  private LoadedModel load(EditedModel edited) {
    return LoadedModel.load(edited.writeTo(directory));
  }

  private Steps.Outcome outcome(EditedModel edited) {
    try (LoadedModel loaded = load(edited)) {
      return new Steps(loaded.model(), new VectorKernels(), 1, false, 8).run(IDS, 30);
    }
  }

  private void assertRefused(EditedModel edited, String... parts) {
    assertThatThrownBy(() -> load(edited))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(parts);
  }

  private static EditedModel renamed(TensorNames names) {
    EditedModel edited = EditedModel.of(TOY);
    Map<String, Values> tensors = new TreeMap<>(edited.tensors);
    edited.tensors.clear();
    tensors.forEach((name, values) -> edited.tensors.put(names.of(name), values));
    return edited;
  }

  /** Puts the experts of each layer into two tensors. */
  private static EditedModel fused() {
    EditedModel edited = renamed(TensorNames.STATE);
    for (int l = 0; l < 4; l++) {
      String p = "model.layers." + l + ".mlp.experts.";
      float[] pairs = new float[6 * 2 * 48 * 64]; // [experts][2 · width][hidden]
      float[] down = new float[6 * 64 * 48]; // [experts][hidden][width]
      for (int e = 0; e < 6; e++) {
        copy(edited.tensors.remove(p + e + ".w1.weight"), pairs, 2 * e);
        copy(edited.tensors.remove(p + e + ".w3.weight"), pairs, 2 * e + 1);
        copy(edited.tensors.remove(p + e + ".w2.weight"), down, e);
      }
      put(edited, p + "gate_up_proj", pairs, 6, 96, 64);
      put(edited, p + "down_proj", down, 6, 64, 48);
    }
    return edited;
  }

  private static void copy(Values matrix, float[] stack, int place) {
    int size = matrix.floats().length;
    System.arraycopy(matrix.floats(), 0, stack, place * size, size);
  }

  private static void put(EditedModel edited, String name, float[] values, long... shape) {
    edited.tensors.put(name, new Values(DType.F32, shape, values, null));
  }

  @Test
  void tensorsAreCalledAsTransformersCallsThem() {
    for (String[] pair : SAVED) {
      assertThat(TensorNames.SAVED.of(pair[0])).isEqualTo(pair[1]);
    }
    for (String[] pair : STATE) {
      assertThat(TensorNames.STATE.of(pair[0])).isEqualTo(pair[1]);
    }
  }

  @Test
  void threeWaysOfNamesAreOneModel() {
    Steps.Outcome expected = outcome(EditedModel.of(TOY));
    for (EditedModel edited : List.of(renamed(TensorNames.SAVED), fused())) {
      Steps.Outcome other = outcome(edited);
      assertThat(other.logits()).isDeepEqualTo(expected.logits());
      assertThat(other.mtpLogits()).isDeepEqualTo(expected.mtpLogits());
    }
  }

  @Test
  void errorsNameATensorAsItsFileDoes() {
    EditedModel release = EditedModel.of(TOY);
    release.tensors.remove("layers.1.attn.kv_norm.weight");
    assertRefused(release, "tensor layers.1.attn.kv_norm.weight", "expected it to be in");
    EditedModel saved = renamed(TensorNames.SAVED);
    saved.tensors.remove("model.layers.1.attn.norm.weight");
    assertRefused(saved, "tensor model.layers.1.attn.norm.weight", "expected it to be in");
    saved.tensors.remove("model.embed_tokens.weight"); // the one that tells most about the names
    assertRefused(saved, "tensor model.embed_tokens.weight", "expected it to be in");
    EditedModel state = fused();
    String experts = "model.layers.3.mlp.experts.gate_up_proj";
    state.tensors.put(experts, state.tensors.get(experts).shaped(6, 64, 96));
    assertRefused(state, "tensor " + experts, "expected shape [6, 96, 64], found [6, 64, 96]");
  }

  @Test
  void aTensorThatNoLayerReadsIsRefused() {
    EditedModel edited = EditedModel.of(TOY);
    edited.tensors.put(
        "layers.0.attn.compressor.ape", edited.tensors.get("layers.1.attn.compressor.ape"));
    assertRefused(edited, "also layers.0.attn.compressor.ape");
  }

  @Test
  void aHashTableOf32BitsIsTheSameAndOneOutOfRangeIsRefused() {
    Steps.Outcome expected = outcome(EditedModel.of(TOY));
    EditedModel edited = EditedModel.of(TOY);
    String name = "layers.0.ffn.gate.tid2eid";
    Values table = edited.tensors.get(name);
    edited.tensors.put(name, new Values(DType.I32, table.shape(), null, table.longs()));
    assertThat(outcome(edited).logits()).isDeepEqualTo(expected.logits());
    for (DType type : List.of(DType.I32, DType.I64)) {
      for (long bad : new long[] {6, -1}) {
        long[] values = table.longs().clone();
        values[2 * 41 + 1] = bad;
        edited.tensors.put(name, new Values(type, table.shape(), null, values));
        assertRefused(edited, "tensor " + name + " at [41, 1]: expected 0 to 5, found " + bad);
      }
    }
    edited.tensors.put(
        name, new Values(DType.F32, table.shape(), new float[table.longs().length], null));
    assertRefused(edited, "tensor " + name, "expected I32 or I64 elements, found F32");
  }

  @Test
  void withoutItsTensorsTheMtpLayerIsLeftOutAndSaysSo() {
    EditedModel edited = EditedModel.of(TOY);
    edited.tensors.keySet().removeIf(name -> name.startsWith("mtp."));
    try (LoadedModel loaded = load(edited)) {
      assertThat(loaded.model().hasMtp()).isFalse();
      assertThat(loaded.notices()).singleElement().asString().contains("no tensor mtp.0.*");
    }
    edited.config.put("num_nextn_predict_layers", 0);
    try (LoadedModel loaded = load(edited)) {
      assertThat(loaded.notices()).isEmpty();
    }
  }

  @Test
  void aDSparkDrafterIsLeftOutAndSaysSo() {
    EditedModel edited = EditedModel.of(TOY);
    put(edited, "mtp.2.markov_head.markov_w1", new float[12], 3, 4);
    edited.tensors.keySet().removeIf(name -> name.matches("mtp.0.(enorm|hnorm|e_proj|h_proj).*"));
    long left = edited.tensors.keySet().stream().filter(name -> name.startsWith("mtp.")).count();
    try (LoadedModel loaded = load(edited)) {
      assertThat(loaded.model().hasMtp()).isFalse();
      assertThat(loaded.notices())
          .singleElement()
          .asString()
          .contains(left + " tensors mtp.* are a DSpark drafter");
    }
  }
}
