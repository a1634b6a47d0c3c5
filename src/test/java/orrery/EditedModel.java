package orrery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.DType;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.Tensor;
import orrery.numerics.Fp16;

/**
 * A copy of a model in memory. A test changes it and writes it to another directory as a single
 * file.
 */
public final class EditedModel {
  /**
   * Values of one tensor; {@code longs} instead of {@code floats} if it is I64 or I32, or if it
   * holds codes of one byte.
   */
  public record Values(DType dtype, long[] shape, float[] floats, long[] longs) {
    /** The same values under another shape. */
    public Values shaped(long... other) {
      return new Values(dtype, other, floats, longs);
    }

    /** A tensor of codes of one byte. */
    public static Values codes(DType dtype, byte[] codes, long... shape) {
      long[] values = IntStream.range(0, codes.length).mapToLong(i -> codes[i]).toArray();
      return new Values(dtype, shape, null, values);
    }

    /** The codes of a tensor of one byte each. */
    public byte[] bytes() {
      byte[] bytes = new byte[longs.length]; // [elements]
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) longs[i];
      }
      return bytes;
    }

    /** As float32, which holds every value exactly. */
    public Values asF32() {
      return new Values(DType.F32, shape, floats, null);
    }
  }

  private static final JsonMapper JSON = new JsonMapper();

  /** {@code config.json}. */
  public final ObjectNode config;

  /** All tensors by name. */
  public final Map<String, Values> tensors = new LinkedHashMap<>();

  /** A model without tensors yet. */
  public EditedModel(ObjectNode config) {
    this.config = config;
  }

  /** Reads a model. */
  public static EditedModel of(Path model) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      EditedModel edited =
          new EditedModel((ObjectNode) JSON.readTree(model.resolve("config.json").toFile()));
      for (String name : checkpoint.names()) {
        edited.tensors.put(name, values(checkpoint, name));
      }
      return edited;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Values values(Checkpoint checkpoint, String name) {
    long[] shape =
        checkpoint.infos().stream()
            .filter(info -> info.name().equals(name))
            .findFirst()
            .orElseThrow()
            .shape();
    Tensor tensor = checkpoint.tensor(name, shape);
    return switch (tensor.dtype()) {
      case I64 -> new Values(DType.I64, shape, null, tensor.longs());
      case I32 ->
          new Values(DType.I32, shape, null, Arrays.stream(tensor.ints()).asLongStream().toArray());
      case F32, F16, BF16 -> new Values(tensor.dtype(), shape, tensor.floats(), null);
      case F8_E8M0, F8_E4M3, F8_E5M2, I8, U8 -> Values.codes(tensor.dtype(), bytes(tensor), shape);
    };
  }

  private static byte[] bytes(Tensor tensor) {
    int length = (int) tensor.rowLength();
    byte[] all = new byte[(int) tensor.info().elements()]; // [elements]
    for (int row = 0; row < tensor.rows(); row++) {
      tensor.copyRowBytes(row, all, row * length);
    }
    return all;
  }

  /** Writes {@code config.json} and {@code model.safetensors} to an existing directory. */
  public Path writeTo(Path directory) {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String name : new TreeSet<>(tensors.keySet())) {
      Values v = tensors.get(name);
      switch (v.dtype()) {
        case F32 -> writer.floats(name, v.floats(), v.shape());
        case BF16 -> writer.bf16(name, codes(v.floats(), false), v.shape());
        case F16 -> writer.f16(name, codes(v.floats(), true), v.shape());
        case I32 -> writer.ints(name, ints(v.longs()), v.shape());
        case I64 -> writer.longs(name, v.longs(), v.shape());
        case F8_E8M0, F8_E4M3, F8_E5M2, I8, U8 ->
            writer.codes(name, v.dtype(), v.bytes(), v.shape());
      }
    }
    writer.write(directory.resolve("model.safetensors"));
    try {
      Files.writeString(directory.resolve("config.json"), config.toPrettyString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return directory;
  }

  private static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  private static short[] codes(float[] values, boolean half) {
    short[] codes = new short[values.length];
    for (int i = 0; i < codes.length; i++) {
      codes[i] =
          half ? Fp16.encode(values[i]) : (short) (Float.floatToRawIntBits(values[i]) >>> 16);
    }
    return codes;
  }
}
