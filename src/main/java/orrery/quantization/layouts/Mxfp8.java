package orrery.quantization.layouts;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import orrery.checkpoint.DType;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/**
 * MXFP8 ("OCP Microscaling Formats", 2023): FP8 with a power of two for 32 weights of a row, as
 * MiniMax-M3 has it. compressed-tensors has the same bytes as {@code weight_scale}. MiniMax's
 * spelling was taken because transformers (5.17) loads it for models with experts, and cannot load
 * the other.
 *
 * <p>Scales are rounded up, so that nothing saturates: the error is 2.66 % on the shipped models,
 * where OCP's rule (down) gives 2.97 %.
 */
final class Mxfp8 implements Layout {
  private static final StoredForm FORM =
      new StoredForm(
          WeightFormat.MXFP8,
          ScaleRule.CEIL,
          "weight",
          DType.F8_E4M3,
          "weight_scale_inv",
          DType.U8);

  @Override
  public String name() {
    return "mxfp8";
  }

  @Override
  public Optional<StoredForm> form(Role role, QuantizedParts parts) {
    return role == Role.KEPT ? Optional.empty() : Optional.of(FORM);
  }

  @Override
  public Map<String, Object> fields(QuantizedParts parts, Kept kept) {
    return new Fields()
        .put(
            "quantization_config",
            new Fields()
                .put("activation_scheme", "dynamic")
                .put("fmt", "e4m3")
                .put("ignored_layers", kept.matrices())
                .put("quant_method", "mxfp8")
                .put("weight_block_size", List.of(1, FORM.format().blockCols()))
                .done())
        .done();
  }
}
