package orrery.checkpoint.quantized;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.checkpoint.Tensor;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * Chooses the scheme of the config that fits a tensor of codes and its scales.
 *
 * @param weights codes, whose shape is right
 * @param scales of any type and shape
 * @param slice where a matrix lies in the tensor of codes
 */
record SchemeChoice(QuantizationConfig config, Tensor weights, Tensor scales, Slice slice) {
  /**
   * The format of the tensor.
   *
   * @param module which decides between schemes that fit equally well
   * @throws CheckpointException if no scheme fits, or if several do and the module does not decide
   */
  WeightFormat choose(String module) {
    List<Scheme> same =
        config.schemes().stream().filter(s -> s.format().codes() == codes()).toList();
    if (same.isEmpty()) {
      String described = config.schemes().isEmpty() ? "no quantization_config" : "other codes";
      throw CodedWeights.bad(
          weights,
          "floats, or codes that the config describes",
          weights.dtype() + " codes, and " + described + " in " + config.file().getFileName());
    }
    List<Scheme> typed = same.stream().filter(this::fitsType).toList();
    if (typed.isEmpty()) {
      String types = fp4() ? "F8_E8M0 for MXFP4 or F8_E4M3 for NVFP4" : "F32, BF16 or F8_E8M0";
      throw CodedWeights.bad(
          scales, "scales as the config describes them (" + types + ")", "" + scales.dtype());
    }
    refuseRagged(typed);
    List<Scheme> fitting = typed.stream().filter(this::fitsShape).toList();
    if (fitting.isEmpty()) {
      String shapes =
          typed.stream()
              .map(s -> Arrays.toString(slice.scaleShapes(s.format()).getFirst()))
              .distinct()
              .collect(Collectors.joining(" or "));
      throw CodedWeights.bad(
          scales,
          "shape " + shapes + " for weights " + Arrays.toString(slice.shape()),
          CheckpointException.shown(Arrays.toString(scales.shape())));
    }
    return only(fitting, module);
  }

  private WeightFormat only(List<Scheme> fitting, String module) {
    Map<List<Long>, WeightFormat> readings = readings(fitting);
    if (readings.size() > 1) {
      readings = readings(fitting.stream().filter(s -> s.targets().has(module)).toList());
    }
    if (readings.size() != 1) {
      throw CodedWeights.bad(
          scales, "scales that fit one way to divide the weights into blocks", "several ways");
    }
    return readings.values().iterator().next();
  }

  /** Formats by the blocks that they make of this matrix. */
  private Map<List<Long>, WeightFormat> readings(List<Scheme> schemes) {
    Map<List<Long>, WeightFormat> readings = new LinkedHashMap<>();
    long rows = slice.shape()[slice.shape().length - 2];
    for (Scheme scheme : schemes) {
      WeightFormat f = scheme.format();
      WeightFormat stored = new WeightFormat(codes(), storedScales(), f.blockRows(), f.blockCols());
      readings.putIfAbsent(
          List.of(
              Math.min(rows, stored.blockRows()), (long) Math.min(slice.in(), stored.blockCols())),
          stored);
    }
    return readings;
  }

  private boolean fp4() {
    return CodedWeights.isPairs(weights.dtype());
  }

  private Codes codes() {
    return fp4() ? Codes.E2M1 : weights.dtype() == DType.F8_E5M2 ? Codes.E5M2 : Codes.E4M3;
  }

  private Scales storedScales() {
    return switch (scales.dtype()) {
      case F32 -> Scales.F32;
      case BF16 -> Scales.BF16;
      case F8_E4M3 -> Scales.E4M3;
      default -> Scales.E8M0;
    };
  }

  /** The scales of FP4 tell which of the two forms it is. FP8 has scales of any type. */
  private boolean fitsType(Scheme scheme) {
    return switch (scales.dtype()) {
      case F8_E8M0 -> !scheme.fp4() || scheme.powersInBytes();
      case U8 -> scheme.powersInBytes();
      case F8_E4M3 -> scheme.fp4() && !scheme.powersInBytes();
      case F32, BF16 -> !scheme.fp4();
      default -> false;
    };
  }

  private void refuseRagged(List<Scheme> schemes) {
    int group = schemes.getFirst().format().blockCols();
    if (fp4() && slice.in() % group != 0) {
      throw CodedWeights.bad(
          weights, "rows of whole groups of " + group + " FP4 weights", "rows of " + slice.in());
    }
  }

  /** One scale is that of the whole tensor, whatever its shape. */
  private boolean fitsShape(Scheme scheme) {
    boolean one = scales.info().elements() == 1;
    return one && onlyBlock(scheme.format())
        || slice.scaleShapes(scheme.format()).stream()
            .anyMatch(shape -> Arrays.equals(shape, scales.shape()));
  }

  private boolean onlyBlock(WeightFormat format) {
    return slice.scaleShapes(format).stream()
        .anyMatch(shape -> Arrays.stream(shape).allMatch(size -> size == 1));
  }
}
