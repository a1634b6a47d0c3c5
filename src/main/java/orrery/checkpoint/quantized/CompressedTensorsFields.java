package orrery.checkpoint.quantized;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import orrery.checkpoint.JsonConfig;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * A {@code quantization_config} of {@code quant_method} compressed-tensors, as llm-compressor
 * writes it: groups of modules, each with its way to store weights.
 *
 * <pre>
 *   num_bits 8, strategy tensor | channel | block     FP8; a scale for all, for a row, for a block
 *   num_bits 8, strategy group                        FP8; a scale for group_size columns of a row
 *   num_bits 4, strategy group, group_size 32         MXFP4
 *   num_bits 4, strategy tensor_group, group_size 16  NVFP4
 * </pre>
 */
final class CompressedTensorsFields {
  private static final String[] FORMATS = {
    "float-quantized",
    "naive-quantized",
    "mxfp8-quantized",
    "mxfp4-pack-quantized",
    "nvfp4-pack-quantized",
    "mixed-precision"
  };

  private CompressedTensorsFields() {}

  static List<Scheme> read(JsonConfig q) {
    if (q.has("format")) {
      q.oneOf("format", FORMATS);
    }
    if (q.has("quantization_status")) {
      q.oneOf("quantization_status", "compressed");
    }
    refuseUnlessEmpty(q, "sparsity_config");
    refuseUnlessEmpty(q, "transform_config");
    JsonConfig groups = q.object("config_groups");
    List<Scheme> schemes = new ArrayList<>();
    for (String name : groups.fields()) {
      JsonConfig group = groups.object(name);
      if (group.has("format")) {
        group.oneOf("format", FORMATS);
      }
      Optional<JsonConfig> weights = group.optionalObject("weights");
      if (weights.isPresent()) { // else the group tells of activations alone
        schemes.add(new Scheme(format(weights.get()), ModuleList.read(group, "targets")));
      }
    }
    return schemes;
  }

  /** Such objects change the weights: rotations before products, or weights that are left out. */
  private static void refuseUnlessEmpty(JsonConfig q, String field) {
    Optional<JsonConfig> there = q.optionalObject(field);
    if (there.isPresent()
        && !there.get().fields().isEmpty()
        && !there.get().stringOr("format", "").equals("dense")) {
      throw q.bad(field, "none", q.shown(field));
    }
  }

  private static WeightFormat format(JsonConfig w) {
    w.oneOf("type", "float");
    if (!w.boolOr("symmetric", true)) {
      throw w.bad("symmetric", "true", "false");
    }
    if (w.boolOr("dynamic", false)) {
      throw w.bad("dynamic", "false, since weights are stored", "true");
    }
    w.requireAbsent("actorder");
    int bits = w.positiveInt("num_bits");
    return switch (bits) {
      case 8 -> fp8(w);
      case 4 -> fp4(w);
      default -> throw w.bad("num_bits", "8 or 4", "" + bits);
    };
  }

  private static WeightFormat fp8(JsonConfig w) {
    return switch (w.oneOf("strategy", "tensor", "channel", "block", "group")) {
      case "tensor" -> Scheme.TENSOR;
      case "channel" -> Scheme.CHANNEL;
      case "block" -> {
        int[] block = Fp8Fields.block(w, "block_structure");
        yield Scheme.fp8(block[0], block[1]);
      }
      default -> {
        int group = w.positiveInt("group_size");
        boolean mx = group == WeightFormat.MXFP8.blockCols();
        yield new WeightFormat(Codes.E4M3, mx ? Scales.E8M0 : Scales.F32, 1, group);
      }
    };
  }

  private static WeightFormat fp4(JsonConfig w) {
    WeightFormat format =
        w.oneOf("strategy", "group", "tensor_group").equals("group")
            ? WeightFormat.MXFP4
            : WeightFormat.NVFP4;
    if (w.positiveInt("group_size") != format.blockCols()) {
      String expected = format.blockCols() + " with strategy " + w.string("strategy");
      throw w.bad("group_size", expected, w.shown("group_size"));
    }
    return format;
  }
}
