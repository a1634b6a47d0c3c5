package orrery.quantization.layouts;

import java.util.List;

/** All layouts, by the words of the command line. */
public final class Layouts {
  private static final List<Layout> ALL =
      List.of(
          new DeepSeekBlocks(),
          new Channels(),
          new Mxfp8(),
          new Mxfp4(),
          new Nvfp4(),
          new DeepSeekV4Release());

  /** Those of FP8 and of FP4 that one config of compressed-tensors can have side by side. */
  private static final List<String> FP8 = List.of("fp8-channel");

  private static final List<String> FP4 = List.of("mxfp4", "nvfp4");

  private Layouts() {}

  /** The words for all layouts. */
  public static List<String> names() {
    return ALL.stream().map(Layout::name).toList();
  }

  /** The words for the layouts that experts can have apart. */
  public static List<String> expertNames() {
    return FP4;
  }

  /**
   * The layout of a command line.
   *
   * @param format of all quantised matrices; null if only experts are quantised
   * @param experts of routed experts; null if they have no other than the rest
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public static Layout of(String format, String experts) {
    if (format == null && experts == null) {
      throw new IllegalArgumentException(
          "format: expected " + words(names()) + ", or experts in a format, found neither");
    }
    if (experts == null) {
      return named("format", format, names());
    }
    CompressedTensors apart = (CompressedTensors) named("experts", experts, FP4);
    return new ExpertsApart(format == null ? null : beside(format, experts), apart);
  }

  private static Layout named(String option, String name, List<String> allowed) {
    return ALL.stream()
        .filter(layout -> layout.name().equals(name) && allowed.contains(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    option + ": expected " + words(allowed) + ", found " + name));
  }

  /** The layout of the matrices beside experts in FP4. */
  private static CompressedTensors beside(String format, String experts) {
    named("format", format, names());
    if (!FP8.contains(format)) {
      throw new IllegalArgumentException(
          "format: expected "
              + words(FP8)
              + " or none beside experts in "
              + experts
              + ", found "
              + format
              + why(format));
    }
    return (CompressedTensors) named("format", format, FP8);
  }

  private static String why(String name) {
    return switch (name) {
      case "fp8" -> "; the published layout of FP8 blocks and FP4 experts is v4";
      case "mxfp8" -> ", a layout that describes all matrices of a model";
      default -> ", which has experts in FP4 already";
    };
  }

  private static String words(List<String> words) {
    return String.join(", ", words);
  }
}
