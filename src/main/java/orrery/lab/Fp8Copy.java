package orrery.lab;

import java.nio.file.Path;
import orrery.checkpoint.CheckpointException;
import orrery.engine.LoadedModel;
import orrery.quantization.layouts.Layouts;

/** A copy of a model with FP8 weights, in a directory that lives as long as the copy. */
final class Fp8Copy implements AutoCloseable {
  private static final String LAYOUT = "fp8"; // DeepSeek's: a scale for each block

  private final TemporaryDirectory directory = TemporaryDirectory.create("orrery-fp8");
  private LoadedModel loaded;

  /** Makes the copy, or says on the sheet why the model cannot have one. */
  Fp8Copy(Path model, Sheet sheet) {
    Path copy = directory.path().resolve("copy");
    try {
      Quantize.write(model, Layouts.of(LAYOUT, null), copy, (matrices, of) -> {});
      loaded = LoadedModel.load(copy);
    } catch (IllegalArgumentException | CheckpointException e) {
      sheet.text("FP8 weights are left out: " + e.getMessage());
    } catch (RuntimeException | Error e) {
      directory.close();
      throw e;
    }
  }

  /** The copy, or null. */
  LoadedModel loaded() {
    return loaded;
  }

  @Override
  public void close() {
    if (loaded != null) {
      loaded.close();
    }
    directory.close();
  }
}
