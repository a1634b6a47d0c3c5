package orrery.lab;

import java.util.Arrays;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.Tensor;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.layouts.StoredForm;

/**
 * A matrix of a model that is to be quantised.
 *
 * @param tensor [out][in], its name ends in {@code .weight}
 * @param form how it will be stored
 */
record QuantizeJob(Tensor tensor, StoredForm form) {
  private static final long MOST_WEIGHTS = Integer.MAX_VALUE - 16; // of one Java array
  private static final String WEIGHT = ".weight";

  /**
   * @throws CheckpointException naming the tensor, if it is no matrix that can be stored so
   */
  QuantizeJob {
    if (tensor.shape().length != 2 || tensor.info().elements() == 0) {
      throw bad(tensor, "a matrix", "shape " + Arrays.toString(tensor.shape()));
    }
    if (tensor.info().elements() > MOST_WEIGHTS) {
      throw bad(tensor, "at most " + MOST_WEIGHTS + " weights", "" + tensor.info().elements());
    }
    if (!form.fits((int) tensor.rowLength())) {
      int group = form.format().blockCols();
      throw bad(
          tensor,
          "a multiple of " + group + " columns, since " + group + " codes share a scale",
          tensor.rowLength() + " columns");
    }
  }

  private static CheckpointException bad(Tensor tensor, String expected, String found) {
    return new CheckpointException(tensor.file(), tensor.item(), expected, found);
  }

  /** The name of a module or tensor as configs list it: without {@code .weight}. */
  static String module(String tensor) {
    boolean weight = tensor.endsWith(WEIGHT);
    return weight ? tensor.substring(0, tensor.length() - WEIGHT.length()) : tensor;
  }

  int out() {
    return (int) tensor.rows();
  }

  int in() {
    return (int) tensor.rowLength();
  }

  long size() {
    return tensor.info().elements();
  }

  /** Bytes of codes and scales. */
  long bytes() {
    return form.format().bytes(out(), in());
  }

  /**
   * [out][in] finite numbers.
   *
   * @throws CheckpointException naming tensor and place, if a weight is NaN or infinite
   */
  float[] weights() {
    float[] w = tensor.floats();
    for (int i = 0; i < w.length; i++) {
      if (!Float.isFinite(w[i])) {
        String place = " at [" + i / in() + ", " + i % in() + "]";
        throw new CheckpointException(
            tensor.file(), tensor.item() + place, "a finite weight", Float.toString(w[i]));
      }
    }
    return w;
  }

  /** The largest magnitude. */
  float amax() {
    float amax = 0;
    for (float weight : weights()) {
      amax = Math.max(amax, Math.abs(weight));
    }
    return amax;
  }

  /**
   * Adds codes and scales to a file.
   *
   * @param tensorAmax decides the tensor scale, if the form has one
   */
  QuantizedMatrix run(SafetensorsWriter writer, float tensorAmax) {
    float[] w = weights(); // [out][in]
    try {
      BlockQuantizer quantizer = new BlockQuantizer(form.format(), form.rule());
      ArrayMatrix coded = quantizer.quantize(w, out(), in(), tensorAmax);
      form.addTo(writer, module(tensor.name()), coded, tensorAmax);
      return QuantizedMatrix.of(tensor.name(), w, coded, tensor.info().bytes());
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(tensor.file(), tensor.item() + ", " + e.getMessage(), e);
    }
  }
}
