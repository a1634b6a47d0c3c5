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

  /** Every model with weights in floats; each has golden tensors. */
  public static List<Path> all() {
    return in(Path.of("tiny-models"));
  }

  /** Every model with quantised weights, of both architectures; each has golden tensors. */
  public static List<Path> quantised() {
    return in(Path.of("tiny-models", "quantised"));
  }

  /** One quantised model. */
  public static Path quantised(String name) {
    return Path.of("tiny-models", "quantised", name);
  }

  private static List<Path> in(Path folder) {
    try (Stream<Path> directories = Files.list(folder)) {
      return directories.filter(p -> Files.exists(p.resolve("config.json"))).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The models of GLM-4.5's architecture. */
  public static List<Path> classic() {
    return all().stream().filter(p -> !isV4(p)).toList();
  }

  /** The models of DeepSeek-V4's architecture. */
  public static List<Path> v4() {
    return all().stream().filter(TinyModels::isV4).toList();
  }

  /** The small classic ones, of 11,000 to 43,000 parameters: four random, one trained. */
  public static List<Path> specks() {
    return classic().stream().filter(TinyModels::isSpeck).toList();
  }

  /** The small ones of DeepSeek-V4: five random, one trained. */
  public static List<Path> v4Specks() {
    return v4().stream().filter(TinyModels::isSpeck).toList();
  }

  private static boolean isSpeck(Path model) {
    return model.getFileName().toString().startsWith("speck-");
  }

  private static boolean isV4(Path model) {
    return model.getFileName().toString().matches("(speck|storyteller)-v4.*");
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
