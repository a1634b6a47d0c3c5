package orrery.quantization.layouts;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import orrery.checkpoint.DType;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * FP8 in blocks of 128 x 128 with F32 scales, as DeepSeek-V3 introduced it (2024, §3.3) and as
 * Qwen3 and Kimi-K2 have it. The scale is called {@code weight_scale_inv}, and multiplies. For
 * DeepSeek-V4 it is the form of the {@code -Base} checkpoints, whose experts are FP8 too.
 *
 * <p>Names of matrices that stay are listed in {@code modules_to_not_convert}, as in Qwen3's files:
 * readers that turn every linear layer into FP8 would look for their scales. DeepSeek's own files
 * have no list; their readers know.
 */
final class DeepSeekBlocks implements Layout {
  private static final int BLOCK = 128;

  @Override
  public String name() {
    return "fp8";
  }

  @Override
  public Optional<StoredForm> form(Role role, QuantizedParts parts) {
    WeightFormat format = new WeightFormat(Codes.E4M3, Scales.F32, BLOCK, BLOCK);
    return role == Role.KEPT
        ? Optional.empty()
        : Optional.of(
            new StoredForm(
                format, ScaleRule.EXACT, "weight", DType.F8_E4M3, parts.blockScale(), DType.F32));
  }

  @Override
  public Map<String, Object> fields(QuantizedParts parts, Kept kept) {
    return parts.expertDtype()
        ? new Fields().put("expert_dtype", "fp8").put("quantization_config", config().done()).done()
        : new Fields()
            .put(
                "quantization_config",
                config().put("modules_to_not_convert", kept.matrices()).done())
            .done();
  }

  /** What the configs of all FP8 blocks of 128 x 128 have in common. */
  static Fields config() {
    return new Fields()
        .put("activation_scheme", "dynamic")
        .put("fmt", "e4m3")
        .put("quant_method", "fp8")
        .put("weight_block_size", List.of(BLOCK, BLOCK));
  }
}
