package orrery.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import orrery.checkpoint.CheckpointMutator.Edit;
import orrery.checkpoint.CheckpointMutator.Mutation;

/** Edits of what a safetensors header says: offsets, shapes, types, names, metadata. */
final class HeaderEdits {
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
          HeaderEdits::offsets,
          HeaderEdits::swapOffsets,
          HeaderEdits::shape,
          HeaderEdits::dtype,
          HeaderEdits::name,
          HeaderEdits::dropTensor,
          HeaderEdits::metadata);

  private HeaderEdits() {}

  private static Mutation offsets(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
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
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    String one = parts.anyName(random);
    String other = parts.anyName(random);
    ArrayNode kept = (ArrayNode) parts.entry(one).get("data_offsets");
    parts.entry(one).set("data_offsets", parts.entry(other).get("data_offsets"));
    parts.entry(other).set("data_offsets", kept);
    parts.write();
    return Mutation.any("swapped offsets", one + " and " + other);
  }

  private static Mutation shape(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
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
    // One scale, and a scale for each row, are told whatever the rank.
    return parts.hasCodes() && name.contains("scale")
        ? QuantizationConfigEdits.neverAnother("shape", name + " " + shape)
        : Mutation.refused("shape", name + " " + shape);
  }

  private static Mutation dtype(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
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
    boolean sameSize =
        type.endsWith("F16") && was.endsWith("F16") || type.equals("I32") && was.equals("F32");
    boolean unchanged = type.equals(was);
    if (parts.hasCodes() && name.contains("scale")) {
      return QuantizationConfigEdits.neverAnother("dtype", what);
    }
    boolean empty = parts.isEmpty(name); // of whatever type
    return sameSize || unchanged || empty
        ? Mutation.any("dtype", what)
        : Mutation.refused("dtype", what);
  }

  private static Mutation name(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
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
    ObjectNode entry = (ObjectNode) parts.header().remove(old);
    parts.header().set(name, entry);
    parts.write();
    return Mutation.refused("name", old + " to one of " + name.length() + " characters");
  }

  private static Mutation dropTensor(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    String name = parts.anyName(random);
    if (random.nextBoolean()) {
      parts.header().remove(name);
    } else {
      String[] fields = {"dtype", "shape", "data_offsets"};
      parts.entry(name).remove(fields[random.nextInt(3)]);
    }
    parts.write();
    return Mutation.refused("dropped", name);
  }

  private static Mutation metadata(Path directory, Random random) throws IOException {
    SafetensorsParts parts = SafetensorsParts.any(directory, random);
    ObjectNode metadata = parts.header().putObject("__metadata__");
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
      parts.header().putRawValue("__metadata__", new RawValue(value.equals("{}") ? "[]" : value));
    }
    parts.write();
    return Mutation.refused("metadata value", value);
  }

  private static JsonNode raw(Random random) {
    return JsonNodeFactory.instance.rawValueNode(
        new RawValue(NUMBERS[random.nextInt(NUMBERS.length)]));
  }
}
