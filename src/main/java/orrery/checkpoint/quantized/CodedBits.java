package orrery.checkpoint.quantized;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.TensorInfo;

/**
 * The bits that a weight of a tensor of codes takes.
 *
 * @param codes the type of the codes: E4M3, E5M2 or E2M1
 * @param scales the tensors of its scales
 * @param bits of a weight and of its part of the scales
 * @param scaleBits of the scales alone
 */
public record CodedBits(String codes, List<TensorInfo> scales, double bits, double scaleBits) {
  public CodedBits {
    scales = List.copyOf(scales);
  }

  /** The bits of a tensor; empty if it is no tensor of codes with scales beside it. */
  public static Optional<CodedBits> of(Checkpoint checkpoint, TensorInfo tensor) {
    if (!CodedTensor.isCodes(tensor.dtype())) {
      return Optional.empty();
    }
    String weight = ScaleNames.weightOf(tensor.name());
    List<TensorInfo> scales = infos(checkpoint, ScaleNames.scales(weight).stream());
    boolean isScale = scales.contains(tensor);
    if (scales.isEmpty() || isScale) {
      return Optional.empty();
    }
    List<TensorInfo> whole =
        infos(
            checkpoint, Stream.of(ScaleNames.tensorScale(weight), ScaleNames.globalScale(weight)));
    boolean fp4 = CodedWeights.isPairs(tensor.dtype());
    double weights = fp4 ? 2.0 * tensor.bytes() : tensor.bytes();
    double scaleBytes =
        Stream.of(scales, whole).flatMap(List::stream).mapToLong(TensorInfo::bytes).sum();
    return Optional.of(
        new CodedBits(
            fp4 ? "E2M1" : tensor.dtype().name().substring("F8_".length()),
            scales,
            8 * (tensor.bytes() + scaleBytes) / weights,
            8 * scaleBytes / weights));
  }

  private static List<TensorInfo> infos(Checkpoint checkpoint, Stream<String> names) {
    return names.map(checkpoint::info).flatMap(Optional::stream).toList();
  }

  /** For example {@code E4M3, F32 scales [5, 12]: 8.002 bits a weight, 0.002 of them scales}. */
  @Override
  public String toString() {
    TensorInfo scale = scales.getFirst();
    return String.format(
        Locale.ROOT,
        "%s, %s scales %s: %.3f bits a weight, %.3f of them scales",
        codes,
        scale.dtype(),
        Arrays.toString(scale.shape()),
        bits,
        scaleBits);
  }
}
