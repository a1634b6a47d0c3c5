package orrery.checkpoint.quantized;

import java.util.ArrayList;
import java.util.List;
import orrery.checkpoint.JsonConfig;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * A {@code quantization_config} of {@code quant_method} fp8 or mxfp8, as DeepSeek and transformers
 * write it. Without {@code weight_block_size}, a scale is for a row or for a whole matrix.
 *
 * <p>DeepSeek-V4 has its experts in FP4 beside it, which {@code expert_dtype} tells, at top level
 * or inside. NVIDIA's conversion of it has them in NVFP4 ({@code moe_quant_algo}).
 */
final class Fp8Fields {
  private static final String BLOCK = "weight_block_size";
  private static final String EXPERTS = "re:.*\\.experts\\.";

  private Fp8Fields() {}

  static List<Scheme> read(JsonConfig c, JsonConfig q, boolean fp4Experts) {
    Codes codes = codes(q, "e4m3", "e5m2");
    List<Scheme> schemes = new ArrayList<>();
    if (q.has("moe_quant_algo")) {
      q.oneOf("moe_quant_algo", "NVFP4");
      schemes.add(new Scheme(WeightFormat.NVFP4, only(q, "re:(.*\\.)?layers\\..*\\.experts\\.")));
    }
    if (fp4Experts(c, q, fp4Experts)) {
      schemes.add(new Scheme(WeightFormat.MXFP4, only(q, EXPERTS)));
    }
    ModuleList all = only(q, ModuleList.LINEAR);
    if (q.has(BLOCK)) {
      int[] block = block(q);
      // DeepSeek-V4 stores powers of two as such; other releases, and its base model, do not.
      Scales scales = schemes.isEmpty() || !powerOfTwo(q) ? Scales.F32 : Scales.E8M0;
      schemes.add(new Scheme(new WeightFormat(codes, scales, block[0], block[1]), all));
    } else {
      int whole = WeightFormat.WHOLE;
      schemes.add(new Scheme(new WeightFormat(codes, Scales.F32, whole, whole), all));
      schemes.add(new Scheme(new WeightFormat(codes, Scales.F32, 1, whole), all));
    }
    return schemes;
  }

  static Scheme readMx(JsonConfig q) {
    codes(q, "e4m3");
    if (q.has(BLOCK)) {
      int[] block = block(q);
      if (block[0] != 1 || block[1] != WeightFormat.MXFP8.blockCols()) {
        throw q.bad(BLOCK, "[1, 32] with quant_method mxfp8", q.shown(BLOCK));
      }
    }
    return new Scheme(WeightFormat.MXFP8, only(q, ModuleList.LINEAR));
  }

  private static Codes codes(JsonConfig q, String... formats) {
    if (q.has("activation_scheme")) {
      q.oneOf("activation_scheme", "dynamic", "static");
    }
    return q.has("fmt") && q.oneOf("fmt", formats).equals("e5m2") ? Codes.E5M2 : Codes.E4M3;
  }

  /** Whether {@code scale_fmt} asks for powers of two as scales of activations. */
  static boolean powerOfTwo(JsonConfig q) {
    return q.has("scale_fmt") && q.oneOf("scale_fmt", "ue8m0", "float").equals("ue8m0");
  }

  private static boolean fp4Experts(JsonConfig c, JsonConfig q, boolean fallback) {
    String field = "expert_dtype";
    boolean fp4 = fallback;
    for (JsonConfig place : List.of(c, q)) {
      if (place.has(field)) {
        fp4 = place.oneOf(field, "fp4", "fp8").equals("fp4");
      }
    }
    if (c.has(field) && q.has(field) && !c.string(field).equals(q.string(field))) {
      String expected = c.shown(field) + ", as " + c.name(field) + " says";
      throw q.bad(field, expected, q.shown(field));
    }
    return fp4;
  }

  /** Rows and columns of a block. */
  static int[] block(JsonConfig q) {
    return block(q, BLOCK);
  }

  static int[] block(JsonConfig q, String field) {
    int[] block = q.ints(field);
    if (block.length != 2 || block[0] < 1 || block[1] < 1) {
      throw q.bad(field, "the rows and the columns of a block", q.shown(field));
    }
    return block;
  }

  private static ModuleList only(JsonConfig q, String entry) {
    return new ModuleList(q.file(), List.of(entry));
  }
}
