package orrery;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import orrery.checkpoint.SafetensorsFile;

/** The model directories that ship with Orrery, and their golden tensors. */
public final class TinyModels {
  private TinyModels() {}

  /** Every model; each has golden tensors. */
  public static List<Path> all() {
    try (Stream<Path> directories = Files.list(Path.of("tiny-models"))) {
      return directories.filter(p -> Files.exists(p.resolve("config.json"))).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The small ones, of 11,000 to 43,000 parameters: four random, one trained. */
  public static List<Path> specks() {
    return all().stream().filter(p -> p.getFileName().toString().startsWith("speck-")).toList();
  }

  /** One speck. */
  public static Path speck(String name) {
    return Path.of("tiny-models", "speck-" + name);
  }

  /** The golden tensors of a model. */
  public static SafetensorsFile golden(Path model) {
    return SafetensorsFile.open(
        Path.of("tiny-models", "golden", model.getFileName() + ".safetensors"));
  }

  /** An I64 tensor as ints, row-major. */
  public static int[] ints(SafetensorsFile file, String name) {
    return Arrays.stream(file.tensor(name).longs()).mapToInt(Math::toIntExact).toArray();
  }

  /** The ids that the golden tensors of a model were computed for. */
  public static int[] ids(Path model) {
    try (SafetensorsFile golden = golden(model)) {
      return ints(golden, "ids");
    }
  }
}
