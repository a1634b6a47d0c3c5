package orrery;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import orrery.EditedModel.Values;
import orrery.checkpoint.DType;
import orrery.graph.ActivationDtype;

/**
 * The float32 model that a quantised checkpoint stands for, decoded by the oracles' own reader
 * ({@link NaiveTensors}).
 */
public final class Dequantised {
  private static final List<String> SCALES =
      List.of("weight_scale_inv", "weight_scale", "weight_global_scale", "scale");

  private Dequantised() {}

  /** Reads a quantised model; its matrices of codes become F32. */
  public static EditedModel of(Path model) {
    EditedModel edited = EditedModel.of(model);
    NaiveTensors naive = new NaiveTensors(model, ActivationDtype.F32);
    for (String name : new ArrayList<>(edited.tensors.keySet())) {
      Values codes = edited.tensors.get(name);
      String module = name.substring(0, name.lastIndexOf('.') + 1);
      String leaf = name.substring(module.length());
      boolean coded = codes != null && codes.dtype().bytes() == 1; // scales are removed on the way
      if (coded && (leaf.equals("weight") || leaf.equals("weight_packed"))) {
        boolean fp4 = codes.dtype() == DType.U8 || codes.dtype() == DType.I8;
        int out = (int) codes.shape()[0];
        int in = (int) codes.shape()[1] * (fp4 ? 2 : 1);
        edited.tensors.remove(name);
        SCALES.forEach(scale -> edited.tensors.remove(module + scale));
        float[] w = flat(naive.matrix(module + "weight", out, in));
        edited.tensors.put(module + "weight", new Values(DType.F32, new long[] {out, in}, w, null));
      }
    }
    edited.config.remove("quantization_config");
    edited.config.remove("expert_dtype");
    return edited;
  }

  private static float[] flat(float[][] rows) {
    float[] all = new float[rows.length * rows[0].length]; // [out][in]
    for (int o = 0; o < rows.length; o++) {
      System.arraycopy(rows[o], 0, all, o * rows[0].length, rows[0].length);
    }
    return all;
  }
}
