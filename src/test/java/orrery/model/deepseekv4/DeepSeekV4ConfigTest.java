package orrery.model.deepseekv4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.attention.YarnFrequencies;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.kv.KvDtype;
import orrery.model.deepseekv4.LayerPlan.Attention;

class DeepSeekV4ConfigTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Path RELEASE = Path.of("src/test/resources/deepseek-v4-toy/config.json");

  /** What transformers 5.17 made of the toy's numbers, with other ratios. */
  private static final String SAVED =
      """
      {"layer_types": ["sliding_attention", "compressed_sparse_attention",
        "heavily_compressed_attention", "compressed_sparse_attention"],
       "compress_rates": {"compressed_sparse_attention": 2, "heavily_compressed_attention": 6},
       "mlp_layer_types": ["hash_moe", "moe", "moe", "hash_moe"],
       "compress_rope_theta": 160000.0, "rope_theta": 10000.0, "partial_rotary_factor": 0.25,
       "qk_rope_head_dim": 8,
       "rope_parameters": {
         "compress": {"attention_factor": 1.0, "beta_fast": 32, "beta_slow": 1, "factor": 4.0,
           "original_max_position_embeddings": 64, "partial_rotary_factor": 0.25,
           "rope_theta": 40000.0, "rope_type": "yarn"},
         "main": {"partial_rotary_factor": 0.25, "rope_theta": 500.0, "rope_type": "default"}}}
      """;

  @TempDir Path directory;

  private static ObjectNode release() throws IOException {
    return (ObjectNode) JSON.readTree(RELEASE.toFile());
  }

  private static ObjectNode saved() throws IOException {
    ObjectNode config = release();
    config.remove(List.of("compress_ratios", "num_hash_layers", "rope_scaling"));
    config.setAll((ObjectNode) JSON.readTree(SAVED));
    return config;
  }

  private DeepSeekV4Config read(JsonNode config) throws IOException {
    Path file = Files.writeString(directory.resolve("config.json"), config.toString());
    return DeepSeekV4Config.read(JsonConfig.read(file));
  }

  private void assertRefused(JsonNode config, String field) {
    assertThatThrownBy(() -> read(config))
        .as("%s", config)
        .isInstanceOf(CheckpointException.class)
        .hasMessageMatching("(?s).*config.json: " + field + ": expected .+, found .+");
  }

  @Test
  void deepSeeksFieldsGiveKindsAndRatios() throws IOException {
    DeepSeekV4Config c = read(release());
    assertThat(c.plans())
        .containsExactly(
            new LayerPlan(Attention.SWA, 0, true),
            new LayerPlan(Attention.CSA, 4, false),
            new LayerPlan(Attention.HCA, 8, false),
            new LayerPlan(Attention.CSA, 4, false));
    assertThat(c.rope()).isEqualTo(new RopeSpec(10_000, null, 1));
    assertThat(c.compressRope())
        .isEqualTo(new RopeSpec(160_000, new YarnFrequencies(4, 64, 32, 1), 1));
    assertThat(c.attention().rotaryDim()).isEqualTo(8);
    assertThat(c.mtpLayers()).isEqualTo(1);
  }

  @Test
  void transformersFieldsGiveKindsWithAnyRatioAndTheirOwnPositions() throws IOException {
    DeepSeekV4Config c = read(saved());
    assertThat(c.plans())
        .containsExactly(
            new LayerPlan(Attention.SWA, 0, true),
            new LayerPlan(Attention.CSA, 2, false),
            new LayerPlan(Attention.HCA, 6, false),
            new LayerPlan(Attention.CSA, 2, true));
    assertThat(c.rope().theta()).isEqualTo(500);
    assertThat(c.compressRope().theta()).isEqualTo(40_000);
  }

  @Test
  void ratiosForWhichNoPageIsLongEnoughAreRefused() throws IOException {
    ObjectNode config = saved();
    ObjectNode rates = (ObjectNode) config.get("compress_rates");
    rates.put("compressed_sparse_attention", 4096).put("heavily_compressed_attention", 4095);
    assertThat(read(config).kvLayout(false, KvDtype.F32).unit()).isEqualTo(4096 * 4095);
    rates.put("heavily_compressed_attention", 4097);
    assertRefused(config, "compress_rates");
  }

  @Test
  void yarnWithoutAFactorHasTheOneThatTransformersTakes() throws IOException {
    ObjectNode config = saved();
    ((ObjectNode) config.at("/rope_parameters/compress")).remove("attention_factor");
    assertThat(read(config).compressRope().factor()).isEqualTo((float) (0.1 * Math.log(4) + 1));
    ObjectNode flat = release();
    flat.set("rope_parameters", flat.remove("rope_scaling"));
    assertThat(read(flat)).isEqualTo(read(release()));
  }

  @Test
  void theSameLayersMayBeSaidInBothWaysButNotDifferentOnes() throws IOException {
    ObjectNode config = saved();
    config.putArray("compress_ratios").add(0).add(4).add(8).add(4);
    assertRefused(config, "compress_rates");
    ObjectNode rates = (ObjectNode) config.get("compress_rates");
    rates.put("compressed_sparse_attention", 4).put("heavily_compressed_attention", 8);
    assertThat(read(config).plans().get(2).ratio()).isEqualTo(8);
    config.put("num_hash_layers", 1);
    assertRefused(config, "num_hash_layers");
  }

  @Test
  void aModelWithFewerLayersThanHashLayersHasHashLayersOnly() throws IOException {
    ObjectNode config = release();
    assertThat(read(config).plans()).extracting(LayerPlan::hashed).containsOnlyOnce(true);
    config.put("num_hash_layers", 9);
    assertThat(read(config).plans()).extracting(LayerPlan::hashed).containsOnly(true);
  }

  @Test
  void withoutAScheduleNoneIsMadeUp() throws IOException {
    ObjectNode config = release();
    config.remove("compress_ratios");
    assertRefused(config, "layer_types");
  }

  @Test
  void aRatioForAnMtpLayerMayBeMissingButNotCompress() throws IOException {
    ObjectNode config = release();
    config.putArray("compress_ratios").add(0).add(4).add(8).add(4);
    assertThat(read(config)).isEqualTo(read(release()));
    config.withArray("compress_ratios").add(4);
    assertRefused(config, "compress_ratios");
    config.putArray("compress_ratios").add(0).add(4).add(8);
    assertRefused(config, "compress_ratios");
  }

  @Test
  void ratiosBehindTheLayersMeanNothingWithoutAnMtpLayer() throws IOException {
    ObjectNode config = release();
    config.put("num_nextn_predict_layers", 0);
    DeepSeekV4Config expected = read(config);
    config.putArray("compress_ratios").add(0).add(4).add(8).add(4).add(4).add(8);
    assertThat(read(config)).isEqualTo(expected);
  }

  @Test
  void aConfigOfADSparkDrafterHasNoMtpLayer() throws IOException {
    ObjectNode config = release();
    config.put("dspark_block_size", 5).put("num_nextn_predict_layers", 3);
    config.withArray("compress_ratios").add(0).add(0);
    assertThat(read(config).hasMtp()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "num_attention_heads, 0, num_attention_heads",
    "num_attention_heads, 3, o_groups",
    "num_attention_heads, 1073741824, num_attention_heads",
    "num_key_value_heads, 2, num_key_value_heads",
    "n_shared_experts, 2, n_shared_experts",
    "head_dim, 1, qk_rope_head_dim",
    "head_dim, 536870912, (head_dim|num_attention_heads)",
    "qk_rope_head_dim, 7, qk_rope_head_dim",
    "qk_rope_head_dim, 34, qk_rope_head_dim",
    "index_head_dim, 4, index_head_dim",
    "index_topk, 0, index_topk",
    "num_experts_per_tok, 7, num_experts_per_tok",
    "n_routed_experts, 1000001, n_routed_experts",
    "num_hash_layers, -1, num_hash_layers",
    "swiglu_limit, 0, swiglu_limit",
    "sliding_window, 1, sliding_window",
    "hc_mult, 0, hc_mult",
    "hc_sinkhorn_iters, 0, hc_sinkhorn_iters",
    "hc_sinkhorn_iters, 2147483647, hc_sinkhorn_iters",
    "hc_eps, 0, hc_eps",
    "rms_norm_eps, 0, rms_norm_eps",
    "num_nextn_predict_layers, 2, num_nextn_predict_layers",
    "norm_topk_prob, false, norm_topk_prob",
    "tie_word_embeddings, true, tie_word_embeddings",
    "attention_bias, true, attention_bias",
    "scoring_func, '\"sigmoid\"', scoring_func",
    "topk_method, '\"greedy\"', topk_method",
    "hidden_act, '\"gelu\"', hidden_act",
    "n_group, 2, n_group",
    "kv_lora_rank, 512, kv_lora_rank",
    "rope_theta, 1, rope_theta",
    "partial_rotary_factor, 0.5, partial_rotary_factor",
    "intermediate_size, 49, intermediate_size",
    "'compress_ratios', '[0,4,100000,4]', compress_ratios",
    "'compress_ratios', '[0,4,65521,257]', compress_ratios",
    "rope_scaling, '{\"type\": \"linear\", \"factor\": 2}', rope_scaling.type",
    "rope_scaling, '{\"factor\": 2}', rope_scaling.factor",
    "rope_scaling, '{\"type\": \"yarn\", \"factor\": 0.5}', rope_scaling.factor",
  })
  void aValueThatNoModelHasIsRefusedByItsName(String field, String value, String named)
      throws IOException {
    ObjectNode config = release();
    config.set(field, JSON.readTree(value));
    assertRefused(config, named);
  }
}
