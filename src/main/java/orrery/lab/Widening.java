package orrery.lab;

import java.util.Optional;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.Tensor;
import orrery.checkpoint.TensorInfo;
import orrery.checkpoint.quantized.CodedTensor;
import orrery.checkpoint.quantized.CodedWeights;
import orrery.checkpoint.quantized.ScaleNames;
import orrery.lab.WidenedTensor.Fill;
import orrery.model.FeedForwardWidth;
import orrery.quantization.WeightFormat;

/**
 * Makes the tensors of a ballast twin. Of weights in codes, the grid of scales grows with the
 * codes: an added scale is 1. Added weights in a block that was cut off have the scale of that
 * block.
 *
 * @param checkpoint of the model
 * @param coded its matrices of codes
 * @param width which tensors are as wide as a feed-forward
 * @param factor how many times as wide
 */
record Widening(Checkpoint checkpoint, CodedWeights coded, FeedForwardWidth width, int factor) {

  /** Adds a tensor of the twin to a file. */
  void add(TensorInfo info, SafetensorsWriter writer) {
    Tensor tensor = checkpoint.tensor(info.name(), info.shape());
    String weight = ScaleNames.weightOf(info.name());
    int runs = width.runsOfRows(weight);
    if (runs == 0 && !width.isColumns(weight)) {
      writer.copy(tensor);
      return;
    }
    Optional<CodedTensor> codes = coded.whole(weight, Math.max(1, runs));
    if (codes.isEmpty()) {
      floats(tensor, runs).addTo(writer);
    } else if (codes.get().weights().name().equals(info.name())) {
      codes(codes.get(), runs).addTo(writer);
    } else {
      scales(codes.get(), tensor, runs, writer);
    }
  }

  private WidenedTensor floats(Tensor tensor, int runs) {
    int last = tensor.shape().length - 1;
    return runs > 0
        ? grown(tensor, last - 1, runs, factor, Fill.ZERO)
        : grown(tensor, last, 1, factor, Fill.MINUS_ZERO);
  }

  private WidenedTensor codes(CodedTensor codes, int runs) {
    if (runs == 0) {
      codes.requireScalesAboveZero();
    }
    return floats(codes.weights(), runs);
  }

  private void scales(CodedTensor codes, Tensor scales, int runs, SafetensorsWriter writer) {
    WeightFormat format = codes.stored();
    long[] shape = codes.weights().shape();
    int dimensions = scales.shape().length;
    boolean grid = scales.name().equals(codes.scales().name());
    if (runs > 0 && grid && format.blockRows() != WeightFormat.WHOLE) {
      int rows = Math.toIntExact(shape[shape.length - 2] / runs * factor);
      // [rows] of a scale for each row, [rows][cols], or ModelOpt's [rows][1][cols][1]
      int dimension = dimensions == 4 ? 0 : Math.max(0, dimensions - 2);
      new WidenedTensor(scales, dimension, runs, format.scaleRows(rows), Fill.ONE).addTo(writer);
    } else if (runs == 0 && grid && format.blockCols() != WeightFormat.WHOLE) {
      int cols = Math.multiplyExact(codes.in(), factor);
      int dimension = dimensions == 4 ? 2 : dimensions - 1;
      new WidenedTensor(scales, dimension, 1, format.scaleCols(cols), Fill.ONE).addTo(writer);
    } else {
      writer.copy(scales);
    }
  }

  private static WidenedTensor grown(Tensor t, int dimension, int runs, int factor, Fill fill) {
    long longer = Math.multiplyExact(t.shape()[dimension] / runs, (long) factor);
    return new WidenedTensor(t, dimension, runs, longer, fill);
  }
}
