package orrery.checkpoint.quantized;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.checkpoint.Tensor;
import orrery.checkpoint.TensorInfo;
import orrery.quantization.ActivationRounding;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * The matrices of a checkpoint that are stored in codes. Each is recognised by what is there: the
 * type of its tensor, and the scales beside it. The config adds the sizes of blocks. If the three
 * do not fit, or if more than one reading fits, the matrix is refused. Many threads may call this.
 */
public final class CodedWeights {
  private final Checkpoint checkpoint;
  private final QuantizationConfig config;
  private final Set<String> passedOver = new ConcurrentSkipListSet<>();
  private final AtomicBoolean anyCodes = new AtomicBoolean();

  public CodedWeights(Checkpoint checkpoint, QuantizationConfig config) {
    this.checkpoint = checkpoint;
    this.config = config;
  }

  /**
   * A matrix, if its weights are codes; empty if they are floats or not there at all. The
   * companions of the weights count as read.
   *
   * @param name of the tensor of weights, without {@code _packed}
   * @param slice where the matrix lies in it
   * @param rounded whether inputs of its products are rounded where activations are FP8
   * @throws CheckpointException naming the tensor, if codes, scales and config do not fit
   */
  public Optional<CodedTensor> find(String name, Slice slice, boolean rounded) {
    passOver(name);
    String stored = stored(name);
    Optional<TensorInfo> info = checkpoint.info(stored);
    if (info.isEmpty()) {
      return Optional.empty();
    }
    DType type = info.get().dtype();
    if (!CodedTensor.isCodes(type)) {
      refuseCompanions(name, stored);
      return Optional.empty();
    }
    anyCodes.set(true);
    return Optional.of(read(name, stored, type, slice, rounded));
  }

  /**
   * All codes of a tensor as one matrix, or the first matrix of a stack.
   *
   * @param parts matrices of one expert that a stack has one below the other
   */
  public Optional<CodedTensor> whole(String name, int parts) {
    Optional<TensorInfo> info = checkpoint.info(stored(name));
    if (info.isEmpty() || !CodedTensor.isCodes(info.get().dtype())) {
      return Optional.empty();
    }
    long[] shape = info.get().shape();
    int last = shape.length - 1;
    shape[last] *= isPairs(info.get().dtype()) ? 2 : 1;
    int out = Math.toIntExact(shape[last - 1] / parts);
    return find(name, new Slice(shape, 0, out, Math.toIntExact(shape[last])), false);
  }

  private String stored(String name) {
    String packed = ScaleNames.packed(name);
    return !checkpoint.has(name) && checkpoint.has(packed) ? packed : name;
  }

  static boolean isPairs(DType type) {
    return type == DType.U8 || type == DType.I8;
  }

  /** Floats with scales beside them are neither floats nor codes. */
  private void refuseCompanions(String name, String stored) {
    Tensor tensor = checkpoint.tensorOfAnyShape(stored);
    if (!stored.equals(name)) {
      throw bad(tensor, "bytes of two FP4 codes each (U8)", tensor.dtype().name());
    }
    companions(name)
        .findFirst()
        .ifPresent(
            there -> {
              String expected = "codes of 8 or 4 bits, since there is " + shown(there);
              throw bad(tensor, expected, tensor.dtype().name());
            });
  }

  private Stream<String> companions(String name) {
    return Stream.of(
            ScaleNames.scales(name),
            List.of(
                ScaleNames.tensorScale(name),
                ScaleNames.globalScale(name),
                ScaleNames.preScale(name)))
        .flatMap(List::stream)
        .filter(checkpoint::has);
  }

  private CodedTensor read(String name, String stored, DType type, Slice slice, boolean rounded) {
    boolean fp4 = isPairs(type);
    Tensor weights = checkpoint.tensorOfAnyShape(stored);
    if (checkpoint.has(ScaleNames.preScale(name))) {
      throw bad(
          checkpoint.tensorOfAnyShape(ScaleNames.preScale(name)),
          "weights without scales of inputs (AWQ)",
          "some");
    }
    if (fp4 && slice.in() % 2 != 0) {
      throw bad(weights, "rows of an even number of FP4 weights", "rows of " + slice.in());
    }
    weights.requireShape(slice.shapeWithColumns(fp4 ? slice.in() / 2 : slice.in()));
    Tensor scales = scales(name, weights);
    WeightFormat format =
        new SchemeChoice(config, weights, scales, slice).choose(ScaleNames.module(name));
    return new CodedTensor(
            weights,
            scales,
            slice,
            format,
            tensorScale(name, weights, format),
            rounded ? input(format) : ActivationRounding.NONE)
        .requireFinite();
  }

  /** The one tensor of scales of blocks. */
  private Tensor scales(String name, Tensor weights) {
    List<String> there = ScaleNames.scales(name).stream().filter(checkpoint::has).toList();
    if (there.size() != 1) {
      throw bad(
          weights, "one tensor of scales beside " + weights.dtype() + " codes", listed(there));
    }
    return checkpoint.tensorOfAnyShape(there.getFirst());
  }

  /** The scale of the whole tensor, which NVFP4 has, and which no other format has. */
  private float tensorScale(String name, Tensor weights, WeightFormat format) {
    List<String> there =
        Stream.of(ScaleNames.tensorScale(name), ScaleNames.globalScale(name))
            .filter(checkpoint::has)
            .toList();
    int expected = format.scales() == Scales.E4M3 ? 1 : 0;
    if (there.size() != expected) {
      throw bad(
          weights,
          (expected == 1 ? "one scale" : "no scale") + " of the whole tensor beside it",
          listed(there));
    }
    if (expected == 0) {
      return 1;
    }
    Tensor scale = checkpoint.tensorOfAnyShape(there.getFirst());
    if (scale.dtype() != DType.F32 || scale.info().elements() != 1) {
      throw bad(scale, "one F32 number", scale.info().elements() + " of " + scale.dtype());
    }
    float stored = scale.getFloat(0);
    float factor = there.getFirst().equals(ScaleNames.globalScale(name)) ? 1 / stored : stored;
    if (!Float.isFinite(stored) || !Float.isFinite(factor)) {
      throw bad(
          scale,
          "a finite scale",
          stored + (factor == stored ? "" : ", whose inverse is " + factor));
    }
    return factor;
  }

  /**
   * Blocks of inputs are as wide as those of FP8 weights. Products with FP4 weights have FP8 inputs
   * in blocks of 128, as in DeepSeek-V4.
   */
  private ActivationRounding input(WeightFormat format) {
    int block = format.codes() == Codes.E2M1 ? 128 : format.blockCols();
    return new ActivationRounding(block, config.powerOfTwo() || format.scales() == Scales.E8M0);
  }

  private void passOver(String name) {
    for (String other : ScaleNames.passedOver(name)) {
      if (checkpoint.has(other)) {
        Tensor scale = checkpoint.tensorOfAnyShape(other);
        for (long i = 0; i < scale.info().elements(); i++) {
          if (scale.getFloat(i) != 1) { // with 1 it makes no difference
            passedOver.add(other);
          }
        }
      }
    }
  }

  /** Adds notices of what was passed over, and may make a difference, to the checkpoint's. */
  public void tellPassedOver() {
    if (!passedOver.isEmpty()) {
      String kinds =
          passedOver.stream()
              .map(name -> name.substring(name.lastIndexOf('.') + 1))
              .collect(Collectors.toCollection(TreeSet::new))
              .stream()
              .collect(Collectors.joining(", "));
      checkpoint.notice(
          checkpoint.directory(),
          passedOver.size()
              + " scales of activations and of the KV cache ("
              + kinds
              + ") are not used; what is rounded gets scales of its own");
    }
    if (!anyCodes.get() && !config.schemes().isEmpty()) {
      checkpoint.notice(
          config.file(), "quantised weights are announced, but all are floats; loaded as they are");
    }
  }

  private static String listed(List<String> names) {
    return names.isEmpty()
        ? "none"
        : names.stream().map(CodedWeights::shown).collect(Collectors.joining(" and "));
  }

  private static String shown(String name) {
    return CheckpointException.shown(name);
  }

  static CheckpointException bad(Tensor tensor, String expected, String found) {
    return new CheckpointException(tensor.file(), tensor.item(), expected, found);
  }
}
