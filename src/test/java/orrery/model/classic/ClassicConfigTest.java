package orrery.model.classic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.moe.RouterSpec;
import orrery.quantization.WeightFormat;

class ClassicConfigTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path directory;

  private ClassicConfig read(String json) throws IOException {
    Path file = Files.writeString(directory.resolve("config.json"), json);
    return ClassicConfig.read(JsonConfig.read(file));
  }

  private static ObjectNode speck(String name) throws IOException {
    return (ObjectNode) JSON.readTree(TinyModels.speck(name).resolve("config.json").toFile());
  }

  /** As transformers 4 writes it: RoPE values at top level. */
  private static final String MINIMAL =
      """
      {"model_type": "glm4_moe", "vocab_size": 50, "hidden_size": 64, "num_hidden_layers": 2,
       "intermediate_size": 96, "moe_intermediate_size": 32, "num_attention_heads": 16,
       "n_routed_experts": 8, "num_experts_per_tok": 2, "max_position_embeddings": 512}
      """;

  @Test
  void omittedFieldsHaveTheDefaultsOfTransformers() throws IOException {
    assertThat(read(MINIMAL))
        .isEqualTo(
            new ClassicConfig(
                50,
                64,
                2,
                1,
                96,
                32,
                1,
                16,
                8,
                4,
                2,
                10_000,
                512,
                1e-5f,
                false,
                false,
                false,
                1,
                false,
                new RouterSpec(RouterSpec.Score.SIGMOID, 8, 2, 1, 1, true, 1f),
                WeightFormat.F32,
                QuantizationConfig.none(directory.resolve("config.json"))));
  }

  @Test
  void aFieldThatIsNullCountsAsOmitted() throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(MINIMAL);
    for (String field :
        new String[] {
          "head_dim",
          "rope_scaling",
          "rope_theta",
          "rope_parameters",
          "n_group",
          "use_qk_norm",
          "hidden_act",
          "tie_word_embeddings",
          "partial_rotary_factor",
          "rms_norm_eps"
        }) {
      config.putNull(field);
    }
    assertThat(read(config.toString())).isEqualTo(read(MINIMAL));
  }

  @Test
  void bothSpellingsOfTransformersGiveTheSameConfig() throws IOException {
    for (String name : new String[] {"groups", "mtp"}) { // written by transformers 5
      ObjectNode five = speck(name);
      ClassicConfig expected = read(five.toString());
      ObjectNode four = five.deepCopy();
      ObjectNode rope = (ObjectNode) four.remove("rope_parameters");
      four.set("rope_theta", rope.get("rope_theta"));
      four.set("partial_rotary_factor", rope.get("partial_rotary_factor"));
      four.putNull("rope_scaling");
      four.set("torch_dtype", four.remove("dtype"));
      assertThat(read(four.toString())).isEqualTo(expected);
    }
    for (String name : new String[] {"bias", "sharded"}) { // written by transformers 4
      ObjectNode four = speck(name);
      ClassicConfig expected = read(four.toString());
      ObjectNode five = four.deepCopy();
      five.remove("rope_scaling");
      five.putObject("rope_parameters")
          .put("rope_type", "default")
          .setAll((ObjectNode) five.deepCopy().retain("rope_theta", "partial_rotary_factor"));
      five.remove("rope_theta");
      five.remove("partial_rotary_factor");
      assertThat(read(five.toString())).isEqualTo(expected);
    }
  }

  @Test
  void theNameThatTransformersFiveGivesMtpLayersIsUnderstoodToo() throws IOException {
    ObjectNode config = speck("bias");
    config.remove("num_nextn_predict_layers");
    assertThat(read(config.put("num_mtp_layers", 0).toString()).mtpLayers()).isZero();
    assertThat(read(config.put("num_mtp_layers", 1).toString()).mtpLayers()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"0.25, 8, 2", "0.5, 8, 4", "1.0, 6, 6", "0.5, 6, 3", "0.3, 8, 2", "0.99, 8, 7"})
  void rotatedColumnsAreTheIntegerPartOfHeadDimTimesFactor(double factor, int dim, int rotated)
      throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(MINIMAL);
    config.put("head_dim", dim).put("partial_rotary_factor", factor);
    assertThat(read(config.toString()).rotaryDim()).isEqualTo(rotated);
  }

  /** field | value | message. Each line replaces one field of speck-groups. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "model_type | \"llama\" | model_type: expected glm4_moe, found \"llama\"",
        "model_type | null | model_type: expected glm4_moe, found null",
        "hidden_act | \"gelu\" | hidden_act: expected silu, found \"gelu\"",
        "vocab_size | 0 | vocab_size: expected a positive integer, found 0",
        "vocab_size | 1.5 | vocab_size: expected a positive integer, found 1.5",
        "hidden_size | \"24\" | hidden_size: expected a positive integer, found \"24\"",
        "hidden_size | 2147483648 | hidden_size: expected a positive integer, found 2147483648",
        "num_hidden_layers | -1 | num_hidden_layers: expected a positive integer, found -1",
        "num_attention_heads | [] | num_attention_heads: expected a positive integer",
        "num_key_value_heads | 3 | num_key_value_heads: expected a divisor of 4, found 3",
        "num_key_value_heads | 8 | num_key_value_heads: expected a divisor of 4, found 8",
        "num_attention_heads | 536870912 |"
            + " num_attention_heads: expected at most 357913941 with head_dim 6, found 536870912",
        "n_shared_experts | 357913942 |"
            + " n_shared_experts: expected at most 178956970 with moe_intermediate_size 12,"
            + " found 357913942",
        "head_dim | 0 | head_dim: expected a positive integer, found 0",
        "first_k_dense_replace | -1 |"
            + " first_k_dense_replace: expected a non-negative integer, found -1",
        "n_group | 3 | n_group: expected a divisor of 8, found 3",
        "n_group | 8 | n_group: expected groups of 2 or more experts, found 8",
        "topk_group | 5 | topk_group: expected at most n_group = 4, found 5",
        "num_experts_per_tok | 5 | num_experts_per_tok: expected at most the 4 experts that a"
            + " row may choose from, found 5",
        "num_experts_per_tok | 0 | num_experts_per_tok: expected a positive integer, found 0",
        "num_nextn_predict_layers | 2 | num_nextn_predict_layers: expected 0 or 1, found 2",
        "num_mtp_layers | 3 | num_mtp_layers: expected 1, as num_nextn_predict_layers says, found"
            + " 3",
        "rms_norm_eps | 0 | rms_norm_eps: expected a number above 0 and below 1, found 0",
        "rms_norm_eps | 1e-60 | rms_norm_eps: expected a number above 0 and below 1, found 1e-60",
        "rms_norm_eps | 1000 | rms_norm_eps: expected a number above 0 and below 1, found 1000",
        "rms_norm_eps | NaN | rms_norm_eps: expected a number within float32's range, found NaN",
        "routed_scaling_factor | 0 | routed_scaling_factor: expected a number above 0, found 0",
        "routed_scaling_factor | -2.5 |"
            + " routed_scaling_factor: expected a number above 0, found -2.5",
        "routed_scaling_factor | 1e-50 |"
            + " routed_scaling_factor: expected a number above 0, found 1e-50",
        "routed_scaling_factor | Infinity |"
            + " routed_scaling_factor: expected a number within float32's range, found Infinity",
        "num_local_experts | 9 |"
            + " num_local_experts: expected 8, as n_routed_experts says, found 9",
        "rope_theta | 500000 |"
            + " rope_parameters.rope_theta: expected 500000, as rope_theta says, found 500.0",
        "rope_scaling | {\"rope_theta\": 5} |"
            + " rope_scaling.rope_theta: expected 500.0, as rope_parameters.rope_theta says,"
            + " found 5",
        "partial_rotary_factor | 0.5 | rope_parameters.partial_rotary_factor: expected 0.5, as"
            + " partial_rotary_factor says, found 1.0",
        "rope_scaling | {\"factor\": 4.0} | rope_scaling.factor: expected none, found 4.0",
        "rope_scaling | {\"rope_type\": \"default\", \"type\": \"yarn\"} |"
            + " rope_scaling.type: expected default, found \"yarn\"",
        "rope_parameters | {\"full_attention\": {\"rope_theta\": 5e5}} |"
            + " rope_parameters.full_attention: expected none, found {\"rope_theta\":5e5}",
        "quantization_config | {\"quant_method\": \"gptq\"} | quantization_config.quant_method:"
            + " expected one of fp8, mxfp8, compressed-tensors, modelopt, found \"gptq\"",
        "final_logit_softcapping | 30.0 | final_logit_softcapping: expected none, found 30.0",
        "sliding_window | 64 |"
            + " sliding_window: expected none, or at least max_position_embeddings, found 64",
        "layer_types | [\"full_attention\", \"sliding_attention\"] |"
            + " layer_types: expected full_attention in every layer, found",
        "scoring_func | \"softmax\" | scoring_func: expected sigmoid, found \"softmax\"",
        "topk_method | \"greedy\" | topk_method: expected noaux_tc, found \"greedy\"",
        "mlp_bias | true | mlp_bias: expected false, found true",
        "moe_layer_freq | 2 | moe_layer_freq: expected 1, found 2",
        "rms_norm_eps | 1e99 | rms_norm_eps: expected a number within float32's range, found 1e99",
        "attention_bias | 1 | attention_bias: expected true or false, found 1",
        "use_qk_norm | \"yes\" | use_qk_norm: expected true or false, found \"yes\"",
        "tie_word_embeddings | 0.5 | tie_word_embeddings: expected true or false, found 0.5",
        "routed_scaling_factor | true |"
            + " routed_scaling_factor: expected a number within float32's range, found true",
        "rope_parameters | {\"rope_type\": \"yarn\"} |"
            + " rope_parameters.rope_type: expected default, found \"yarn\"",
        "rope_parameters | {\"rope_theta\": -1} |"
            + " rope_parameters.rope_theta: expected a number above 1, found -1.0",
        "rope_parameters | {\"partial_rotary_factor\": 1.5} |"
            + " rope_parameters.partial_rotary_factor: expected 1 to 6 rotated columns of head_dim"
            + " 6, found 1.5",
        "rope_parameters | {\"partial_rotary_factor\": 1e30} | found 1.0E30",
        "rope_parameters | {\"partial_rotary_factor\": 0.1} | found 0.1",
        "rope_parameters | {\"partial_rotary_factor\": -1} | found -1.0",
        "rope_parameters | 5 | rope_parameters: expected an object, found 5",
        "rope_scaling | {\"type\": \"linear\", \"factor\": 2} |"
            + " rope_scaling.type: expected default, found \"linear\"",
        "rope_scaling | {\"rope_type\": \"llama3\"} |"
            + " rope_scaling.rope_type: expected default, found \"llama3\"",
        "max_position_embeddings | 0 |"
            + " max_position_embeddings: expected a positive integer, found 0",
      })
  void aValueThatThisModelCannotHaveIsRefusedByFieldExpectedAndFound(
      String field, String value, String message) throws IOException {
    ObjectNode config = speck("groups");
    config.putRawValue(field, new RawValue(value));
    assertThatThrownBy(() -> read(config.toString()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(directory.resolve("config.json") + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void aFieldMayStandInSeveralPlacesWithOneValue() throws IOException {
    ObjectNode config = speck("groups");
    ClassicConfig expected = read(config.toString());
    config.putRawValue("rope_theta", new RawValue("5e2"));
    config.putRawValue("partial_rotary_factor", new RawValue("1"));
    config.set("rope_scaling", config.get("rope_parameters"));
    config.set("num_local_experts", config.get("n_routed_experts"));
    config.set("num_mtp_layers", config.get("num_nextn_predict_layers"));
    assertThat(read(config.toString())).isEqualTo(expected);
  }

  /** Values that other engines write, and that ask for exactly what this model computes. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "sliding_window | null",
        "sliding_window | 100000000",
        "layer_types | [\"full_attention\", \"full_attention\"]",
        "quantization_config | null",
        "rope_scaling | {}",
        "scoring_func | \"sigmoid\"",
        "topk_method | \"noaux_tc\"",
        "moe_layer_freq | 1",
        "mlp_bias | false",
        "something_new | {\"limit\": Infinity, \"other\": [NaN, \"x\"]}"
      })
  void aFieldThatChangesNothingIsNoReasonToRefuse(String field, String value) throws IOException {
    ObjectNode config = speck("groups");
    ClassicConfig expected = read(config.toString());
    config.putRawValue(field, new RawValue(value));
    assertThat(read(config.toString())).isEqualTo(expected);
  }

  @Test
  void aSlidingWindowThatIsSwitchedOffHidesNothing() throws IOException {
    ObjectNode config = speck("groups");
    config.put("sliding_window", 64);
    config.put("use_sliding_window", false);
    assertThat(read(config.toString())).isEqualTo(read(speck("groups").toString()));
  }

  @Test
  void anOddNumberOfRotatedColumnsNeedsRoomForItsLastPair() throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(MINIMAL);
    config.put("head_dim", 7).put("partial_rotary_factor", 1.0);
    assertThatThrownBy(() -> read(config.toString()))
        .hasMessageContaining("partial_rotary_factor: expected 1 to 7 rotated columns");
  }

  @ParameterizedTest
  @CsvSource({
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "intermediate_size",
    "moe_intermediate_size",
    "num_attention_heads",
    "n_routed_experts",
    "num_experts_per_tok",
    "max_position_embeddings"
  })
  void aShapeThatIsMissingIsNamed(String field) throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(MINIMAL);
    config.remove(field);
    assertThatThrownBy(() -> read(config.toString()))
        .hasMessageContaining(field + ": expected a positive integer, found no such field");
  }
}
