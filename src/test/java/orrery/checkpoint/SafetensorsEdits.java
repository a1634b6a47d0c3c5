package orrery.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import orrery.checkpoint.CheckpointMutator.Edit;
import orrery.checkpoint.CheckpointMutator.Mutation;
import orrery.checkpoint.CheckpointMutator.Outcome;

/** Edits of safetensors files: their bytes, and their headers as JSON. */
final class SafetensorsEdits {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String[] NUMBERS = {
    "-1",
    "1.5",
    "1e2",
    "1e400",
    "9223372036854775807",
    "9223372036854775808",
    "4611686018427387904",
    "1" + "0".repeat(5_000),
    "NaN",
    "null",
    "\"8\"",
    "true",
    "[]",
    "{}",
    "-0.0"
  };

  static final List<Edit> ALL =
      List.of(
          SafetensorsEdits::flipDataBit,
          SafetensorsEdits::flipHeaderBits,
          SafetensorsEdits::lieAboutHeaderLength,
          SafetensorsEdits::truncate,
          SafetensorsEdits::extend,
          SafetensorsEdits::offsets,
          SafetensorsEdits::swapOffsets,
          SafetensorsEdits::shape,
          SafetensorsEdits::dtype,
          SafetensorsEdits::name,
          SafetensorsEdits::dropTensor,
          SafetensorsEdits::duplicateKey,
          SafetensorsEdits::nesting,
          SafetensorsEdits::surroundings,
          SafetensorsEdits::metadata,
          SafetensorsEdits::rewriteHeader,
          SafetensorsEdits::invalidUtf8);

  private SafetensorsEdits() {}

  /** A file taken apart: header object and data bytes. */
  private record Parts(Path file, ObjectNode header, byte[] data) {
    static Parts any(Path directory, Random random) throws IOException {
      Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
      byte[] all = Files.readAllBytes(file);
      int length = (int) ByteBuffer.wrap(all).order(LITTLE_ENDIAN).getLong();
      ObjectNode header = (ObjectNode) JSON.readTree(all, 8, length);
      return new Parts(file, header, Arrays.copyOfRange(all, 8 + length, all.length));
    }

    List<String> names() {
      List<String> names = new ArrayList<>();
      header.fieldNames().forEachRemaining(names::add);
      names.remove("__metadata__");
      return names;
    }

    String anyName(Random random) {
      return names().get(random.nextInt(names().size()));
    }

    ObjectNode entry(String name) {
      return (ObjectNode) header.get(name);
    }

    boolean isEmpty(String name) {
      return entry(name).get("shape").toString().startsWith("[0,");
    }

    void write() throws IOException {
      write(header.toString());
    }

    void write(String text) throws IOException {
      write(text.getBytes(UTF_8));
    }

    void write(byte[] text) throws IOException {
      ByteBuffer all = ByteBuffer.allocate(8 + text.length + data.length).order(LITTLE_ENDIAN);
      Files.write(file, all.putLong(text.length).put(text).put(data).array());
    }
  }

  private static Mutation flipDataBit(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    int bit = random.nextInt(8 * parts.data.length);
    parts.data[bit / 8] ^= (byte) (1 << bit % 8);
    parts.write();
    // Any weights are weights: without a checksum in the format this cannot be noticed.
    return new Mutation(
        "data bit", "bit " + bit, EnumSet.of(Outcome.SAME_CONTENT, Outcome.OTHER_CONTENT));
  }

  private static Mutation flipHeaderBits(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    byte[] header = parts.header.toString().getBytes(UTF_8);
    int flips = 1 + random.nextInt(3);
    for (int i = 0; i < flips; i++) {
      header[random.nextInt(header.length)] ^= (byte) (1 << random.nextInt(8));
    }
    parts.write(header);
    return new Mutation(
        "header bits",
        new String(header, UTF_8),
        EnumSet.of(Outcome.SAME_CONTENT, Outcome.REFUSED));
  }

  private static Mutation lieAboutHeaderLength(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
    byte[] all = Files.readAllBytes(file);
    ByteBuffer buffer = ByteBuffer.wrap(all).order(LITTLE_ENDIAN);
    long truth = buffer.getLong(0);
    long[] lies = {
      0,
      1,
      2,
      truth - 1,
      truth + 1,
      truth - 8,
      truth + 8,
      all.length,
      all.length - 8,
      99_999_999,
      100_000_001,
      Integer.MAX_VALUE,
      1L << 31,
      Long.MAX_VALUE,
      Long.MIN_VALUE,
      -1,
      random.nextLong()
    };
    long lie = lies[random.nextInt(lies.length)];
    buffer.putLong(0, lie);
    Files.write(file, all);
    return Mutation.refused("header length", truth + " said to be " + lie);
  }

  private static Mutation truncate(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
    byte[] all = Files.readAllBytes(file);
    int length = random.nextInt(all.length);
    Files.write(file, Arrays.copyOf(all, length));
    return Mutation.refused("truncated", all.length + " to " + length);
  }

  private static Mutation extend(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".safetensors", random);
    byte[] all = Files.readAllBytes(file);
    int more = 1 + random.nextInt(100);
    Files.write(file, Arrays.copyOf(all, all.length + more));
    return Mutation.refused("extended", more + " bytes");
  }

  private static Mutation offsets(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String name = parts.anyName(random);
    ArrayNode offsets = (ArrayNode) parts.entry(name).get("data_offsets");
    int which = random.nextInt(2);
    switch (random.nextInt(5)) {
      case 0 -> offsets.set(which, offsets.get(which).longValue() + 1 + random.nextInt(64));
      case 1 -> offsets.set(which, offsets.get(which).longValue() - 1 - random.nextInt(64));
      case 2 -> offsets.add(offsets.remove(0)); // end before begin
      case 3 -> offsets.remove(which);
      default -> offsets.set(which, raw(random));
    }
    parts.write();
    String what = name + " at " + offsets;
    // A tensor without data may lie between any two others.
    return parts.isEmpty(name) ? Mutation.any("offsets", what) : Mutation.refused("offsets", what);
  }

  private static Mutation swapOffsets(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String one = parts.anyName(random);
    String other = parts.anyName(random);
    ArrayNode kept = (ArrayNode) parts.entry(one).get("data_offsets");
    parts.entry(one).set("data_offsets", parts.entry(other).get("data_offsets"));
    parts.entry(other).set("data_offsets", kept);
    parts.write();
    return Mutation.any("swapped offsets", one + " and " + other);
  }

  private static Mutation shape(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String name = parts.anyName(random);
    ArrayNode shape = (ArrayNode) parts.entry(name).get("shape");
    int which = shape.isEmpty() ? 0 : random.nextInt(shape.size());
    int what = shape.isEmpty() ? 0 : random.nextInt(5);
    switch (what) {
      case 0 -> shape.add(1);
      case 1 -> shape.set(which, shape.get(which).longValue() + 1 + random.nextInt(1000));
      case 2 -> shape.remove(which);
      case 3 -> shape.add(0);
      default -> shape.set(which, raw(random));
    }
    parts.write();
    return Mutation.refused("shape", name + " " + shape);
  }

  private static Mutation dtype(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String name = parts.anyName(random);
    String[] types = {
      "F64", "I32", "F8_E4M3", "BOOL", "f32", "", "F32 ", "F16", "BF16", "F32", "I64"
    };
    String was = parts.entry(name).get("dtype").textValue();
    String type = types[random.nextInt(types.length)];
    parts.entry(name).put("dtype", type);
    if (random.nextInt(4) == 0) {
      parts.entry(name).set("dtype", raw(random));
    }
    parts.write();
    String what = name + " " + parts.entry(name).get("dtype");
    boolean sameSize = type.endsWith("F16") && was.endsWith("F16");
    boolean unchanged = type.equals(was);
    boolean empty = parts.isEmpty(name); // of whatever type
    return sameSize || unchanged || empty
        ? Mutation.any("dtype", what)
        : Mutation.refused("dtype", what);
  }

  private static Mutation name(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String old = parts.anyName(random);
    String[] names = {
      "",
      "x",
      "../../etc/passwd",
      "\u001b[31mred",
      "n".repeat(200),
      "n".repeat(60_000),
      old + " ",
      old.toUpperCase(),
      "__metadata__ ",
      "\u0000",
      "\uD800"
    };
    String name = names[random.nextInt(names.length)];
    ObjectNode entry = (ObjectNode) parts.header.remove(old);
    parts.header.set(name, entry);
    parts.write();
    return Mutation.refused("name", old + " to one of " + name.length() + " characters");
  }

  private static Mutation dropTensor(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String name = parts.anyName(random);
    if (random.nextBoolean()) {
      parts.header.remove(name);
    } else {
      String[] fields = {"dtype", "shape", "data_offsets"};
      parts.entry(name).remove(fields[random.nextInt(3)]);
    }
    parts.write();
    return Mutation.refused("dropped", name);
  }

  private static Mutation duplicateKey(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String name = parts.anyName(random);
    String entry = JSON.writeValueAsString(name) + ":" + parts.entry(name);
    String field = "\"dtype\":" + parts.entry(name).get("dtype");
    String text = parts.header.toString();
    parts.write(
        random.nextBoolean()
            ? text.replace(entry, entry + "," + entry)
            : text.replace(entry, entry.replace(field, field + "," + field)));
    return Mutation.refused("duplicate key", name);
  }

  private static Mutation nesting(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    int depth = 1 + random.nextInt(100_000);
    String open = random.nextBoolean() ? "[" : "{\"a\":";
    String deep = open.repeat(depth) + "1" + (open.equals("[") ? "]" : "}").repeat(depth);
    String name = parts.anyName(random);
    String field = new String[] {"shape", "dtype", "data_offsets", "other"}[random.nextInt(4)];
    parts.entry(name).putRawValue(field, new RawValue(deep));
    parts.write();
    return Mutation.refused("nesting", name + "." + field + " " + depth + " deep");
  }

  private static Mutation surroundings(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String text = parts.header.toString();
    String[] texts = {
      " " + text,
      "\uFEFF" + text,
      text + "{}",
      text + "x",
      "[" + text + "]",
      "null",
      "",
      "{",
      text.substring(1),
      text.substring(0, text.length() - 1),
      text + "\u0000",
      text + ","
    };
    String chosen = texts[random.nextInt(texts.length)];
    parts.write(chosen);
    return Mutation.refused("around the header", chosen);
  }

  private static Mutation metadata(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    ObjectNode metadata = parts.header.putObject("__metadata__");
    if (random.nextBoolean()) {
      metadata.put("format", "pt").put("n", "x".repeat(random.nextInt(5_000)));
      parts.write();
      return Mutation.harmless("metadata string", metadata.toString());
    }
    String[] wrong = {"1", "null", "{}", "[\"a\"]", "true"};
    String value = wrong[random.nextInt(wrong.length)];
    if (random.nextBoolean()) {
      metadata.putRawValue("k", new RawValue(value));
    } else {
      parts.header.putRawValue("__metadata__", new RawValue(value.equals("{}") ? "[]" : value));
    }
    parts.write();
    return Mutation.refused("metadata value", value);
  }

  private static Mutation rewriteHeader(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    String blanks = " ".repeat(random.nextInt(20)) + (random.nextBoolean() ? "\n\t" : "");
    parts.write(parts.header.toPrettyString() + blanks);
    return Mutation.harmless("reformatted header", blanks.length() + " blanks");
  }

  private static Mutation invalidUtf8(Path directory, Random random) throws IOException {
    Parts parts = Parts.any(directory, random);
    parts.header.putObject("__metadata__").put("k", "????");
    byte[] text = parts.header.toString().getBytes(UTF_8);
    int at = parts.header.toString().indexOf("????");
    byte[][] bad = {
      {(byte) 0xFF}, {(byte) 0xC0, (byte) 0x80}, {(byte) 0xED, (byte) 0xA0, (byte) 0x80}
    };
    byte[] chosen = bad[random.nextInt(bad.length)];
    System.arraycopy(chosen, 0, text, at, chosen.length);
    parts.write(text);
    return Mutation.refused("invalid UTF-8", Arrays.toString(chosen));
  }

  private static JsonNode raw(Random random) {
    return JSON.getNodeFactory()
        .rawValueNode(new RawValue(NUMBERS[random.nextInt(NUMBERS.length)]));
  }
}
