package orrery.checkpoint;

import static orrery.checkpoint.QuantizationConfigEdits.neverAnother;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Stream;
import orrery.EditedModel;
import orrery.EditedModel.Values;
import orrery.checkpoint.CheckpointMutator.Edit;
import orrery.checkpoint.CheckpointMutator.Mutation;

/** Edits of codes and of their scales: missing, of another shape or type, NaN, one too many. */
final class ScaleEdits {
  static final List<Edit> ALL =
      List.of(
          ScaleEdits::missingScale,
          ScaleEdits::otherShape,
          ScaleEdits::shorter,
          ScaleEdits::otherType,
          ScaleEdits::nan,
          ScaleEdits::oneMore,
          ScaleEdits::renamed,
          ScaleEdits::floatsWithScales,
          ScaleEdits::codesWithoutMeaning,
          ScaleEdits::scaleOfActivations);

  private static final List<DType> BYTES =
      List.of(DType.F8_E4M3, DType.F8_E5M2, DType.F8_E8M0, DType.U8, DType.I8);

  private ScaleEdits() {}

  /** Whether it is a tensor of scales of weights, unlike those of activations and of streams. */
  private static boolean isScale(String name) {
    return name.contains("scale") && !name.matches(".*\\.([qkv]|input|input_global)_scale|.*hc.*");
  }

  private static boolean isCodes(EditedModel model, String name) {
    return BYTES.contains(model.tensors.get(name).dtype()) && !name.contains("scale");
  }

  private static String any(EditedModel model, Random random, Predicate<String> which) {
    List<String> names = model.tensors.keySet().stream().filter(which).toList();
    return names.get(random.nextInt(names.size()));
  }

  /** Writes the model in the place of the old one, as a single file. */
  private static void write(EditedModel model, Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        if (file.toString().matches(".*\\.safetensors(\\.index\\.json)?")) {
          Files.delete(file);
        }
      }
    }
    model.writeTo(directory);
  }

  private static Mutation missingScale(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name = any(model, random, ScaleEdits::isScale);
    model.tensors.remove(name);
    write(model, directory);
    return Mutation.refused("missing scale", name);
  }

  /** The same bytes under another shape. */
  private static Mutation otherShape(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name = any(model, random, n -> isScale(n) || isCodes(model, n));
    Values was = model.tensors.get(name);
    long all = Arrays.stream(was.shape()).reduce(1, (a, b) -> a * b);
    long[] turned = was.shape().clone();
    for (int d = 0; d < turned.length; d++) {
      turned[d] = was.shape()[turned.length - 1 - d];
    }
    long[][] shapes = {turned, {all}, {1, all}, {all, 1}, {all, 1, 1}};
    long[] shape = shapes[random.nextInt(shapes.length)];
    model.tensors.put(name, was.shaped(shape));
    write(model, directory);
    return neverAnother("other shape", name + " " + Arrays.toString(shape));
  }

  /** A row, a column or an element less. */
  private static Mutation shorter(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name = any(model, random, n -> isScale(n) || isCodes(model, n));
    Values was = model.tensors.get(name);
    long[] shape = was.shape().clone();
    if (shape.length == 0) {
      return null;
    }
    int d = random.nextInt(shape.length);
    shape[d]--;
    int all = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    float[] floats = was.floats() == null ? null : Arrays.copyOf(was.floats(), all);
    long[] longs = was.longs() == null ? null : Arrays.copyOf(was.longs(), all);
    model.tensors.put(name, new Values(was.dtype(), shape, floats, longs));
    write(model, directory);
    return Mutation.refused("shorter", name + " " + Arrays.toString(shape));
  }

  /** The same bytes as another type; bytes without a type may mean the same as before. */
  private static Mutation otherType(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name = any(model, random, n -> isScale(n) || isCodes(model, n));
    Values was = model.tensors.get(name);
    Values is =
        switch (was.dtype()) {
          case F32 -> new Values(DType.I32, was.shape(), null, bits(was.floats()));
          case BF16 -> new Values(DType.F16, was.shape(), was.floats(), null);
          default ->
              new Values(BYTES.get(random.nextInt(BYTES.size())), was.shape(), null, was.longs());
        };
    model.tensors.put(name, is);
    write(model, directory);
    return neverAnother("other type", name + " " + was.dtype() + " as " + is.dtype());
  }

  private static long[] bits(float[] floats) {
    long[] bits = new long[floats.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(floats[i]);
    }
    return bits;
  }

  private static Mutation nan(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name = any(model, random, n -> isScale(n) || isCodes(model, n));
    Values was = model.tensors.get(name);
    boolean scale = isScale(name);
    if (was.longs() == null) {
      was.floats()[random.nextInt(was.floats().length)] =
          random.nextBoolean() ? Float.NaN : Float.NEGATIVE_INFINITY;
    } else {
      boolean fp4 = (was.dtype() == DType.U8 || was.dtype() == DType.I8) && !scale;
      if (fp4) {
        return null; // FP4 has no NaN
      }
      boolean power = was.dtype() == DType.F8_E8M0 || was.dtype() == DType.U8;
      int[] codes = was.dtype() == DType.F8_E5M2 ? new int[] {0x7C, 0x7E, 0xFD} : new int[] {0x7F};
      int code = power ? 0xFF : codes[random.nextInt(codes.length)];
      was.longs()[random.nextInt(was.longs().length)] = (byte) code;
    }
    write(model, directory);
    return Mutation.refused("NaN", name);
  }

  private static Mutation oneMore(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String codes = any(model, random, n -> isCodes(model, n));
    String weight = codes.replaceFirst("_packed$", "");
    String[] ends = {
      "_scale_inv", "_scale", "_scale_2", "_global_scale", "_zero_point", "_shape", "_g_idx"
    };
    String more =
        random.nextInt(6) == 0
            ? weight.replaceFirst("\\.weight$", "") + ".pre_quant_scale"
            : weight + ends[random.nextInt(ends.length)];
    if (model.tensors.containsKey(more)) {
      return null;
    }
    model.tensors.put(more, new Values(DType.F32, new long[] {1}, new float[] {1}, null));
    write(model, directory);
    return Mutation.refused("one more", more);
  }

  /** The names of scales of blocks mean the same; another name means nothing. */
  private static Mutation renamed(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name = any(model, random, ScaleEdits::isScale);
    String module = name.replaceFirst("\\.(weight_)?[a-z_]*scale(_inv|_2)?$", "");
    String[] ends = {".weight_scale_inv", ".weight_scale", ".scale", ".qscale_weight", ".scales"};
    String other = module + ends[random.nextInt(ends.length)];
    if (module.equals(name) || model.tensors.containsKey(other)) {
      return null;
    }
    model.tensors.put(other, model.tensors.remove(name));
    write(model, directory);
    return neverAnother("renamed", name + " to " + other);
  }

  private static Mutation floatsWithScales(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name;
    if (random.nextBoolean()) {
      name = any(model, random, n -> isCodes(model, n));
      Values was = model.tensors.get(name);
      float[] floats = new float[was.longs().length];
      Arrays.fill(floats, 0.5f);
      DType type = random.nextBoolean() ? DType.BF16 : DType.F32;
      model.tensors.put(name, new Values(type, was.shape(), floats, null));
    } else {
      name = any(model, random, n -> n.endsWith("weight") && model.tensors.get(n).longs() == null);
      String scale = name + (random.nextBoolean() ? "_scale" : "_scale_inv");
      model.tensors.put(scale, new Values(DType.F32, new long[] {1}, new float[] {2}, null));
    }
    write(model, directory);
    return Mutation.refused("floats with scales", name);
  }

  /** A tensor of floats in the bytes of codes, which have no scales. */
  private static Mutation codesWithoutMeaning(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String name = any(model, random, n -> !isScale(n) && model.tensors.get(n).floats() != null);
    Values was = model.tensors.get(name);
    DType type = BYTES.get(random.nextInt(BYTES.size()));
    model.tensors.put(name, Values.codes(type, new byte[was.floats().length], was.shape()));
    write(model, directory);
    return name.matches(".*\\.([qkv]|input|input_global)_scale")
        ? neverAnother("codes alone", name + " as " + type)
        : Mutation.refused("codes alone", name + " as " + type);
  }

  private static Mutation scaleOfActivations(Path directory, Random random) throws IOException {
    EditedModel model = EditedModel.of(directory);
    String codes = any(model, random, n -> isCodes(model, n) && n.matches(".*weight(_packed)?"));
    String module = codes.replaceFirst("\\.weight(_packed)?$", "");
    String[] ends = {".input_scale", ".input_global_scale", ".k_scale", ".v_scale", ".q_scale"};
    String name = module + ends[random.nextInt(ends.length)];
    float value = 1 + random.nextInt(3);
    model.tensors.put(name, new Values(DType.F32, new long[] {1}, new float[] {value}, null));
    write(model, directory);
    return Mutation.harmless("scale of activations", name);
  }
}
