package orrery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import orrery.EditedModel.Values;
import orrery.checkpoint.DType;
import orrery.checkpoint.JsonConfig;
import orrery.numerics.Bf16;

/**
 * Small random DeepSeek-V4 models of odd shapes. No number has a value that hides a formula: norms
 * are not 1, sinks, biases and tables not 0, and the clamp, the window, the indexer and YaRN have
 * something to do within a few dozen tokens.
 */
public enum RandomV4 {
  /** All kinds of layers, 4 streams, one layer that routes by token; pages are multiples of 8. */
  MIXED(
      8,
      """
      "compress_ratios": [0, 4, 8, 4, 0], "num_hash_layers": 1, "hc_mult": 4,
      "sliding_window": 6, "index_n_heads": 17, "index_topk": 3
      """),
  /** One stream, ratios 2 and 6; so few index heads that scores often tie at 0. */
  ONE_STREAM(
      6,
      """
      "layer_types": ["heavily_compressed_attention", "compressed_sparse_attention",
                      "sliding_attention", "compressed_sparse_attention"],
      "compress_rates": {"compressed_sparse_attention": 2, "heavily_compressed_attention": 6},
      "mlp_layer_types": ["moe", "hash_moe", "moe", "moe"], "hc_mult": 1,
      "sliding_window": 3, "index_n_heads": 2, "index_topk": 2
      """),
  /** Two streams, bf16 matrices, the tensor names of transformers; ratios 8 and 6. */
  TWO_STREAMS(
      24,
      """
      "layer_types": ["compressed_sparse_attention", "heavily_compressed_attention",
                      "compressed_sparse_attention"], "torch_dtype": "bfloat16",
      "compress_rates": {"compressed_sparse_attention": 8, "heavily_compressed_attention": 6},
      "mlp_layer_types": ["hash_moe", "hash_moe", "hash_moe"], "hc_mult": 2,
      "sliding_window": 8, "index_n_heads": 16, "index_topk": 1
      """),
  /** Windows of 2 tokens and nothing else; three streams. */
  WINDOWS(
      1,
      """
      "compress_ratios": [0, 0, 0], "num_hash_layers": 0, "hc_mult": 3,
      "sliding_window": 2, "index_n_heads": 1, "index_topk": 1
      """),
  /** Rows of 84 columns: an FP8 row has two blocks, of which one is cut off, and its tail. */
  WIDE(
      8,
      """
      "compress_ratios": [4, 8, 0], "num_hash_layers": 0, "hc_mult": 2, "head_dim": 84,
      "sliding_window": 5, "index_n_heads": 9, "index_topk": 2, "index_head_dim": 70
      """);

  private static final String SIZES =
      """
      "model_type": "deepseek_v4", "vocab_size": 61, "hidden_size": 20,
      "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 12, "qk_rope_head_dim": 4,
      "q_lora_rank": 10, "o_groups": 2, "o_lora_rank": 6, "moe_intermediate_size": 14,
      "n_routed_experts": 5, "n_shared_experts": 1, "num_experts_per_tok": 2,
      "routed_scaling_factor": 1.5, "swiglu_limit": 0.6, "index_head_dim": 6,
      "hc_sinkhorn_iters": 5, "hc_eps": 1e-6, "rms_norm_eps": 1e-6, "rope_theta": 100,
      "compress_rope_theta": 1600, "rope_scaling": {"type": "yarn", "factor": 4,
      "original_max_position_embeddings": 16, "beta_fast": 4, "beta_slow": 1},
      "max_position_embeddings": 256, "num_nextn_predict_layers": 1
      """;

  private static final JsonMapper JSON = new JsonMapper();

  /** The least page: tokens that all ratios divide. */
  public final int unit;

  private final String fields;

  RandomV4(int unit, String fields) {
    this.unit = unit;
    this.fields = fields;
  }

  /** A new directory with the model; it goes when the program ends. */
  public Path directory() {
    try {
      Path directory = Files.createTempDirectory("random-v4");
      directory.toFile().deleteOnExit();
      for (String file : new String[] {"config.json", "model.safetensors"}) {
        directory.resolve(file).toFile().deleteOnExit(); // deleted before its directory
      }
      return model().writeTo(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The model, for tests that change it. */
  public EditedModel model() {
    try {
      ObjectNode json = (ObjectNode) JSON.readTree("{" + SIZES + "," + fields + "}");
      int layers = json.get(json.has("layer_types") ? "layer_types" : "compress_ratios").size();
      json.put("num_hidden_layers", json.has("layer_types") ? layers : layers - 1);
      Path file = Files.writeString(Files.createTempFile("random-v4", ".json"), json.toString());
      NaiveV4Config config = NaiveV4Config.read(JsonConfig.read(file));
      Files.delete(file);
      EditedModel model = new EditedModel(json);
      new Tensors(model, config, new Random(100 + ordinal()), this == TWO_STREAMS).fill();
      return model;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fills a model. */
  private record Tensors(EditedModel model, NaiveV4Config c, Random r, boolean transformers) {
    void fill() {
      matrix("embed.weight", 1, c.vocab(), c.hidden());
      for (int l = 0; l <= c.layers(); l++) {
        layer(l < c.layers() ? "layers." + l + "." : "mtp.0.", l);
      }
      matrix("mtp.0.e_proj.weight", 0.3, c.hidden(), c.hidden());
      matrix("mtp.0.h_proj.weight", 0.3, c.hidden(), c.hidden());
      for (String norm : new String[] {"mtp.0.enorm", "mtp.0.hnorm", "mtp.0.norm", "norm"}) {
        vector(norm + ".weight", 1, c.hidden());
      }
      for (String p : new String[] {"", "mtp.0."}) {
        hyper(p + "hc_head_", c.mix(), 1);
      }
      matrix("head.weight", 0.4, c.vocab(), c.hidden());
    }

    private void layer(String p, int l) {
      hyper(p + "hc_attn_", (2 + c.mix()) * c.mix(), 3);
      hyper(p + "hc_ffn_", (2 + c.mix()) * c.mix(), 3);
      vector(p + "attn_norm.weight", 1, c.hidden());
      vector(p + "ffn_norm.weight", 1, c.hidden());
      attention(p + "attn.", l);
      matrix(p + "ffn.gate.weight", 0.4, c.experts(), c.hidden());
      if (c.hashed()[l]) {
        hashTable(p + "ffn.gate.tid2eid");
      } else {
        vector(p + "ffn.gate.bias", 0, c.experts());
      }
      feedForward(p + "ffn.shared_experts.");
      IntStream.range(0, c.experts()).forEach(e -> feedForward(p + "ffn.experts." + e + "."));
    }

    private void hyper(String p, int out, int scales) {
      floats(p + "fn", 0.3, 0, out, c.mix() * c.hidden());
      vector(p + "base", 0, out);
      vector(p + "scale", 1, scales);
    }

    private void attention(String p, int l) {
      int d = c.headDim();
      matrix(p + "wq_a.weight", 0.3, c.queryRank(), c.hidden());
      vector(p + "q_norm.weight", 1, c.queryRank());
      matrix(p + "wq_b.weight", 0.3, c.heads() * d, c.queryRank());
      matrix(p + "wkv.weight", 0.3, d, c.hidden());
      vector(p + "kv_norm.weight", 1, d);
      matrix(p + "wo_a.weight", 0.3, c.outGroups() * c.outRank(), c.heads() * d / c.outGroups());
      matrix(p + "wo_b.weight", 0.3, c.hidden(), c.outGroups() * c.outRank());
      floats(p + "attn_sink", 1, 0, c.heads());
      if (c.ratios()[l] > 0) {
        compressor(p + "compressor.", l, d);
      }
      if (c.overlap()[l]) {
        compressor(p + "indexer.compressor.", l, c.indexDim());
        matrix(p + "indexer.wq_b.weight", 0.4, c.indexHeads() * c.indexDim(), c.queryRank());
        matrix(p + "indexer.weights_proj.weight", 0.4, c.indexHeads(), c.hidden());
      }
    }

    private void compressor(String p, int l, int dim) {
      int width = c.overlap()[l] ? 2 * dim : dim;
      matrix(p + "wkv.weight", 0.3, width, c.hidden());
      matrix(p + "wgate.weight", 0.3, width, c.hidden());
      floats(p + "ape", 0.5, 0, c.ratios()[l], width);
      vector(p + "norm.weight", 1, dim);
    }

    private void feedForward(String p) {
      matrix(p + "w1.weight", 0.3, c.intermediate(), c.hidden());
      matrix(p + "w3.weight", 0.3, c.intermediate(), c.hidden());
      matrix(p + "w2.weight", 0.3, c.hidden(), c.intermediate());
    }

    /** Each token's experts, all different. */
    private void hashTable(String name) {
      long[] table = new long[c.vocab() * c.topK()]; // [vocab][topK]
      for (int t = 0; t < c.vocab(); t++) {
        int first = r.nextInt(c.experts());
        for (int i = 0; i < c.topK(); i++) {
          table[t * c.topK() + i] = (first + i * (1 + t % 2)) % c.experts();
        }
      }
      DType type = transformers ? DType.I64 : DType.I32;
      put(name, new Values(type, new long[] {c.vocab(), c.topK()}, null, table));
    }

    private void matrix(String name, double scale, int out, int in) {
      floats(name, scale, 0, out, in);
      if (transformers) {
        Values v = model.tensors.get(saved(name));
        for (int i = 0; i < v.floats().length; i++) {
          v.floats()[i] = Bf16.decode(Bf16.encode(v.floats()[i]));
        }
        put(name, new Values(DType.BF16, v.shape(), v.floats(), null));
      }
    }

    private void vector(String name, double mean, int n) {
      floats(name, 0.3, mean, n);
    }

    private void floats(String name, double scale, double mean, long... shape) {
      float[] values = new float[(int) (shape[0] * (shape.length > 1 ? shape[1] : 1))];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (mean + scale * r.nextGaussian());
      }
      put(name, new Values(DType.F32, shape, values, null));
    }

    private void put(String name, Values values) {
      model.tensors.put(saved(name), values);
    }

    /** What {@code save_pretrained} calls a tensor; it knows no MTP layer. */
    private String saved(String name) {
      if (!transformers || name.startsWith("mtp.") || name.equals("head.weight")) {
        return name;
      }
      String other = name.replace("embed.", "embed_tokens.").replace("hc_head_", "hc_head.hc_");
      return "model." + other.replace(".attn.kv_norm.", ".attn.norm.");
    }
  }
}
