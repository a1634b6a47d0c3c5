package orrery;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import orrery.EditedModel.Values;
import orrery.checkpoint.DType;
import orrery.numerics.Bf16;

/**
 * Small bf16 models whose matrices have 32 or 64 columns, or 96, so that groups of all layouts fit:
 * the shapes are those of shipped quantised models, the weights are drawn.
 */
public final class FloatModel {
  /** Of GLM-4.5's architecture, with an MTP layer. */
  public static final Path GLM = Path.of("tiny-models/quantised/glm-ct-mxfp4");

  /** Of DeepSeek-V4's, with an MTP layer; only its experts have whole groups of 32 columns. */
  public static final Path V4 = Path.of("tiny-models/quantised/v4-release");

  private FloatModel() {}

  /** Draws the matrices that are codes in a shipped model; one row in 16 has large weights. */
  public static EditedModel of(Path shapes, long seed) {
    Random random = new Random(seed);
    EditedModel model = Dequantised.of(shapes);
    for (String name : model.tensors.keySet()) {
      Values v = model.tensors.get(name);
      if (v.dtype() == DType.F32 && name.endsWith(".weight") && v.shape().length == 2) {
        float[] w = new float[v.floats().length];
        int in = (int) v.shape()[1];
        for (int i = 0; i < w.length; i++) {
          double large = i / in % 16 == 3 ? 3 : 1;
          w[i] = Bf16.decode(Bf16.encode((float) (large * 0.2 * random.nextGaussian())));
        }
        model.tensors.put(name, new Values(DType.BF16, v.shape(), w, null));
      }
    }
    return model;
  }

  /** Writes a model to a new directory. */
  public static Path write(EditedModel model, Path directory) {
    try {
      return model.writeTo(Files.createDirectories(directory));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
