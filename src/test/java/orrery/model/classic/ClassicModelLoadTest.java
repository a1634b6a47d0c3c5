package orrery.model.classic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.EditedModel.Values;
import orrery.Naive;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.engine.LoadedModel;
import orrery.kernels.ScalarKernels;
import orrery.kv.KvDtype;
import orrery.model.Model;
import orrery.model.Steps;

/** Checkpoints that are valid in unusual ways, and checkpoints that are not valid. */
class ClassicModelLoadTest {
  private static final String MTP_OF_GROUPS = "model.layers.2.";

  @TempDir Path directory;

  private static EditedModel speck(String name) {
    return EditedModel.of(TinyModels.speck(name));
  }

  private Model load(EditedModel edited) {
    return LoadedModel.load(edited.writeTo(directory)).model();
  }

  private Steps.Outcome outcome(EditedModel edited) {
    return outcome(load(edited));
  }

  private static Steps.Outcome outcome(Model model) {
    int[] ids = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
    return new Steps(model, new ScalarKernels(), 1, false, 16).run(ids, 5);
  }

  private static Steps.Outcome outcomeOf(String speck) {
    return outcome(LoadedModel.load(TinyModels.speck(speck)).model());
  }

  private List<String> notices(EditedModel edited) {
    try (LoadedModel loaded = LoadedModel.load(edited.writeTo(directory))) {
      return loaded.notices();
    }
  }

  private void assertRefused(EditedModel edited, String... named) {
    assertThatThrownBy(() -> load(edited))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(directory.toString())
        .hasMessageContainingAll(named);
  }

  @Test
  void aSingleFileInFloat32GivesTheBitsOfItsShardsInBfloat16() {
    EditedModel edited = speck("groups"); // bf16, three shards
    assertThat(edited.tensors.get("model.embed_tokens.weight").dtype()).isEqualTo(DType.BF16);
    edited.tensors.replaceAll((name, values) -> values.asF32());
    Steps.Outcome ours = outcome(edited);
    assertThat(ours.logits()).isDeepEqualTo(outcomeOf("groups").logits());
    assertThat(ours.mtpLogits()).isDeepEqualTo(outcomeOf("groups").mtpLogits());
  }

  @Test
  void anAnnouncedMtpLayerWithoutTensorsIsLeftOut() {
    EditedModel edited = speck("groups");
    edited.tensors.keySet().removeIf(name -> name.startsWith(MTP_OF_GROUPS));
    assertThat(edited.config.get("num_nextn_predict_layers").intValue()).isEqualTo(1);
    Model model = load(edited);
    assertThat(model.hasMtp()).isFalse();
    assertThat(notices(edited))
        .containsExactly(
            directory.resolve("config.json")
                + ": an MTP layer is announced, but there is no tensor model.layers.2.*;"
                + " loaded without one");
    assertThat(model.kvLayout(false, KvDtype.F32).streams()).hasSize(2 * model.layers());
    assertThat(outcome(model).logits()).isDeepEqualTo(outcomeOf("groups").logits());
  }

  @Test
  void anMtpLayerThatTheConfigDoesNotMentionIsLoaded() {
    EditedModel edited = speck("groups");
    edited.config.remove("num_nextn_predict_layers");
    assertThat(outcome(edited).mtpLogits()).isDeepEqualTo(outcomeOf("groups").mtpLogits());
  }

  @Test
  void tensorsOfAnMtpLayerThatTheConfigDeniesAreRefused() {
    EditedModel edited = speck("groups");
    edited.config.put("num_nextn_predict_layers", 0);
    assertRefused(edited, "model.safetensors: tensors", "also " + MTP_OF_GROUPS, "more");
  }

  @Test
  void anMtpLayerThatIsPartlyThereIsRefusedByItsMissingTensor() {
    for (String name : new String[] {"enorm.weight", "eh_proj.weight", "shared_head.norm.weight"}) {
      EditedModel edited = speck("groups");
      assertThat(edited.tensors.remove(MTP_OF_GROUPS + name)).isNotNull();
      assertRefused(
          edited, "tensor " + MTP_OF_GROUPS + name, "expected it to be in the checkpoint");
    }
  }

  @Test
  void theMtpLayerMayHaveAnEmbeddingAndAHeadOfItsOwn() {
    EditedModel edited = speck("mtp");
    int layer = edited.config.get("num_hidden_layers").intValue();
    String embedding = "model.layers." + layer + ".embed_tokens.weight";
    String head = "model.layers." + layer + ".shared_head.head.weight";
    edited.tensors.remove(embedding);
    edited.tensors.remove(head);
    Steps.Outcome shared = outcome(edited);
    Values own = edited.tensors.get("model.embed_tokens.weight").asF32();
    float[] changed = own.floats().clone();
    for (int i = 0; i < changed.length; i++) {
      changed[i] += i % 3 * 0.01f;
    }
    edited.tensors.put(embedding, new Values(DType.F32, own.shape(), changed, null));
    Steps.Outcome ownEmbedding = outcome(edited);
    assertThat(ownEmbedding.logits()).isDeepEqualTo(shared.logits());
    assertThat(Arrays.deepEquals(ownEmbedding.mtpLogits(), shared.mtpLogits())).isFalse();
    edited.tensors.put(head, new Values(DType.F32, own.shape(), changed, null));
    Steps.Outcome both = outcome(edited);
    assertThat(Arrays.deepEquals(both.mtpLogits(), ownEmbedding.mtpLogits())).isFalse();
    int[] ids = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
    assertThat(both.mtpLogits()).isDeepEqualTo(new Naive(directory).mtpLogits(ids));
  }

  @Test
  void aTiedHeadIsTheEmbeddingWhetherOrNotTheFileRepeatsIt() {
    EditedModel edited = speck("sharded");
    assertThat(edited.config.get("tie_word_embeddings").booleanValue()).isTrue();
    edited.tensors.remove("lm_head.weight");
    float[][] logits = outcome(edited).logits();
    edited.tensors.put("lm_head.weight", edited.tensors.get("model.embed_tokens.weight"));
    assertThat(outcome(edited).logits()).isDeepEqualTo(logits);
  }

  @Test
  void aTiedCheckpointMayHaveOnlyItsHead() {
    EditedModel edited = speck("sharded");
    edited.tensors.put("lm_head.weight", edited.tensors.remove("model.embed_tokens.weight"));
    assertThat(outcome(edited).logits()).isDeepEqualTo(outcomeOf("sharded").logits());
    assertThat(notices(edited)).isEmpty();
    edited.tensors.remove("lm_head.weight");
    assertRefused(edited, "tensor model.embed_tokens.weight", "to be in the checkpoint");
  }

  @Test
  void aHeadThatDiffersFromTheEmbeddingIsUsedWhateverTheConfigSays() {
    EditedModel edited = speck("sharded");
    assertThat(edited.config.get("tie_word_embeddings").booleanValue()).isTrue();
    Values embedding = edited.tensors.get("model.embed_tokens.weight");
    float[] other = embedding.floats().clone();
    other[other.length - 1] += 1;
    edited.tensors.put("lm_head.weight", new Values(DType.F32, embedding.shape(), other, null));
    float[][] logits = outcome(edited).logits();
    assertThat(notices(edited))
        .containsExactly(
            directory.resolve("config.json")
                + ": tie_word_embeddings: true, but lm_head.weight differs from"
                + " model.embed_tokens.weight; lm_head.weight is used, as by transformers 5");
    assertThat(Arrays.deepEquals(logits, outcomeOf("sharded").logits())).isFalse();
    int[] ids = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
    assertThat(logits).isDeepEqualTo(new Naive(directory).logits(ids));
    edited.config.put("tie_word_embeddings", false);
    assertThat(outcome(edited).logits()).isDeepEqualTo(logits);
    assertThat(notices(edited)).isEmpty();
  }

  @Test
  void theMtpLayerUsesTheHeadThatTheMainModelUses() {
    EditedModel edited = speck("groups"); // tied, and its MTP layer shares both
    Values embedding = edited.tensors.get("model.embed_tokens.weight").asF32();
    float[] other = embedding.floats().clone();
    other[0] += 1;
    edited.tensors.put("lm_head.weight", new Values(DType.F32, embedding.shape(), other, null));
    Steps.Outcome both = outcome(edited);
    int[] ids = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
    assertThat(both.mtpLogits()).isDeepEqualTo(new Naive(directory).mtpLogits(ids));
    assertThat(Arrays.deepEquals(both.mtpLogits(), outcomeOf("groups").mtpLogits())).isFalse();
  }

  @Test
  void copiesThatTheMtpLayerHasOfEmbeddingAndHeadChangeNothing() {
    EditedModel edited = speck("groups");
    Values embedding = edited.tensors.get("model.embed_tokens.weight");
    edited.tensors.put(MTP_OF_GROUPS + "embed_tokens.weight", embedding);
    edited.tensors.put(MTP_OF_GROUPS + "shared_head.head.weight", embedding.asF32());
    Steps.Outcome copies = outcome(edited);
    assertThat(copies.mtpLogits()).isDeepEqualTo(outcomeOf("groups").mtpLogits());
    assertThat(notices(edited)).isEmpty();
  }

  @Test
  void anUntiedHeadMustBeThereAndIsUsed() {
    EditedModel edited = speck("bias");
    Values head = edited.tensors.remove("lm_head.weight");
    assertRefused(edited, "tensor lm_head.weight", "expected it to be in the checkpoint");
    float[] doubled = head.floats().clone();
    for (int i = 0; i < doubled.length; i++) {
      doubled[i] *= 2;
    }
    edited.tensors.put("lm_head.weight", new Values(DType.F32, head.shape(), doubled, null));
    float[] first = outcome(edited).logits()[0];
    float[] plain = outcomeOf("bias").logits()[0];
    assertThat(first[0]).isEqualTo(2 * plain[0]);
  }

  @Test
  void inverseFrequenciesMakeANoticeOnlyIfTheyDifferFromTheConfigs() {
    EditedModel edited = speck("bias"); // 4 rotated columns, theta 10000
    float[] right = {1, 0.01f};
    String name = "model.layers.%d.self_attn.rotary_emb.inv_freq";
    for (int layer = 0; layer < 2; layer++) {
      edited.tensors.put(
          name.formatted(layer), new Values(DType.BF16, new long[] {2}, right, null));
    }
    assertThat(notices(edited)).isEmpty();
    float[] wrong = {1, 0.001f};
    for (int layer = 0; layer < 2; layer++) {
      edited.tensors.put(name.formatted(layer), new Values(DType.F32, new long[] {2}, wrong, null));
    }
    assertThat(notices(edited))
        .containsExactly(
            directory.resolve("model.safetensors")
                + ": tensor model.layers.0.self_attn.rotary_emb.inv_freq and 1 like it: not used,"
                + " since config.json gives other frequencies (rope_theta 10000.0, 4 rotated"
                + " columns)");
    assertThat(outcome(edited).logits()).isDeepEqualTo(outcomeOf("bias").logits());
  }

  @Test
  void aTensorThatNoLayerHasIsRefused() {
    EditedModel edited = speck("bias");
    Values four = new Values(DType.F32, new long[] {2}, new float[2], null);
    edited.tensors.put("model.layers.0.self_attn.sinks", four);
    assertRefused(
        edited,
        "model.safetensors: tensors: expected only those",
        "model.layers.0.self_attn.sinks");
  }

  @Test
  void aTensorOfAnotherShapeIsRefusedWithBothShapes() {
    EditedModel edited = speck("bias");
    Values q = edited.tensors.get("model.layers.1.self_attn.q_proj.weight");
    assertThat(q.shape()).containsExactly(24, 20);
    edited.tensors.put("model.layers.1.self_attn.q_proj.weight", q.shaped(20, 24));
    assertRefused(
        edited,
        "model.safetensors: tensor model.layers.1.self_attn.q_proj.weight",
        "expected shape [24, 20], found [20, 24]");
  }

  @Test
  void integersWhereWeightsBelongAreRefused() {
    for (String name : new String[] {"model.norm.weight", "model.embed_tokens.weight"}) {
      EditedModel edited = speck("bias");
      Values was = edited.tensors.get(name);
      edited.tensors.put(
          name, new Values(DType.I64, was.shape(), null, new long[was.floats().length]));
      assertRefused(edited, "tensor " + name, "expected F32, F16 or BF16 elements, found I64");
    }
  }

  @Test
  void everyMissingTensorIsNamed() {
    for (String name : speck("mtp").tensors.keySet()) {
      EditedModel edited = speck("mtp");
      edited.tensors.remove(name);
      boolean optional =
          name.endsWith("shared_head.head.weight") || name.contains("3.embed_tokens");
      if (!optional) {
        assertRefused(edited, "tensor " + name, "expected it to be in the checkpoint");
      }
    }
  }

  @Test
  void aConfigThatPromisesMoreThanTheCheckpointHasIsRefusedAtOnce() {
    String[] fields = {
      "num_hidden_layers",
      "n_routed_experts",
      "hidden_size",
      "vocab_size",
      "moe_intermediate_size",
      "num_attention_heads",
      "head_dim",
      "n_shared_experts",
      "intermediate_size"
    };
    for (String field : fields) {
      for (int value : new int[] {5_000, 1 << 24, 1 << 30, Integer.MAX_VALUE}) {
        EditedModel edited = speck("bias");
        edited.config.put(field, value);
        assertThatThrownBy(() -> load(edited))
            .as("%s = %d", field, value)
            .isInstanceOf(CheckpointException.class)
            .hasMessageStartingWith(directory.toString());
      }
    }
    EditedModel edited = speck("bias");
    edited.config.put("num_hidden_layers", 1 << 30);
    assertRefused(edited, "config.json: num_hidden_layers", "found 1073741824");
  }

  @Test
  void aWidthThatNoLayerUsesTakesNoMemory() {
    EditedModel edited = speck("sharded"); // no dense layer
    assertThat(edited.config.get("first_k_dense_replace").intValue()).isZero();
    edited.config.put("intermediate_size", 1 << 30);
    assertThat(outcome(edited).logits()).isDeepEqualTo(outcomeOf("sharded").logits());
  }
}
