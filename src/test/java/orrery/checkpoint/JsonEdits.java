package orrery.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import orrery.checkpoint.CheckpointMutator.Edit;
import orrery.checkpoint.CheckpointMutator.Mutation;

/** Edits of the index, of config files, and of the directory itself. */
final class JsonEdits {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String INDEX = "index.json";
  private static final String[] VALUES = {
    "\"abc\"",
    "-1",
    "0",
    "1.5",
    "1e99",
    "1e400",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "[[1]]",
    "2147483648",
    "9223372036854775808",
    "1" + "0".repeat(2_000),
    "\"\\u001b[2J\"",
    "\"\\ud800\"",
    "[".repeat(5_000) + "]".repeat(5_000)
  };

  static final List<Edit> ALL =
      List.of(
          JsonEdits::configValue,
          JsonEdits::configBits,
          JsonEdits::configText,
          JsonEdits::shardName,
          JsonEdits::indexEntry,
          JsonEdits::totalSize,
          JsonEdits::missingFile);

  private JsonEdits() {}

  private static Mutation configValue(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, "config.json", random);
    if (file == null) {
      return null;
    }
    ObjectNode root = read(file);
    String field = anyField(root, random);
    String value = VALUES[random.nextInt(VALUES.length)];
    if (random.nextInt(8) == 0) {
      root.remove(field);
    } else {
      root.putRawValue(field, new RawValue(value));
    }
    Files.writeString(file, root.toString());
    return Mutation.any("config value", file.getFileName() + " " + field + " = " + value);
  }

  private static Mutation configBits(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, ".json", random);
    if (file == null || file.endsWith("tokenizer.json")) {
      return null;
    }
    byte[] bytes = Files.readAllBytes(file);
    bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    Files.write(file, bytes);
    return Mutation.any("json bit", file.getFileName() + " " + new String(bytes, UTF_8));
  }

  private static Mutation configText(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, "config.json", random);
    if (file == null || !file.endsWith("config.json")) {
      return null;
    }
    String text = Files.readString(file);
    String[] texts = {
      "",
      "[]",
      "null",
      "5",
      text + "x",
      text + text,
      "[" + text + "]",
      text.substring(1),
      text.substring(0, text.length() / 2),
      text.replaceFirst("\\{", "{\"a\":1,\"a\":2,"),
      "{\"a\":".repeat(3_000) + "1" + "}".repeat(3_000)
    };
    String chosen = texts[random.nextInt(texts.length)];
    Files.writeString(file, chosen);
    return Mutation.refused("config text", chosen);
  }

  private static Mutation shardName(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, INDEX, random);
    if (file == null) {
      return null;
    }
    ObjectNode root = read(file);
    ObjectNode map = (ObjectNode) root.get("weight_map");
    String tensor = anyField(map, random);
    String shard = map.get(tensor).textValue();
    String[] names = {
      "\"../" + shard + "\"",
      "\"" + directory.resolve(shard) + "\"",
      "\"./" + shard + "\"",
      "\"..\\\\" + shard + "\"",
      "\"C:" + shard + "\"",
      "\"missing.safetensors\"",
      "\"\"",
      "\"..\"",
      "\"config.json\"",
      "\"a\\u0000.safetensors\"",
      "1",
      "null",
      "[]",
      "\"ü.safetensors\""
    };
    String name = names[random.nextInt(names.length)];
    map.putRawValue(tensor, new RawValue(name));
    Files.writeString(file, root.toString());
    return Mutation.refused("shard name", tensor + " in " + name);
  }

  private static Mutation indexEntry(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, INDEX, random);
    if (file == null) {
      return null;
    }
    ObjectNode root = read(file);
    ObjectNode map = (ObjectNode) root.get("weight_map");
    String tensor = anyField(map, random);
    String shard = map.get(tensor).textValue();
    switch (random.nextInt(5)) {
      case 0 -> map.remove(tensor);
      case 1 -> map.put("phantom", shard);
      case 2 -> map.put(tensor, map.get(otherShard(map, shard)).textValue());
      case 3 -> root.putRawValue("weight_map", new RawValue("[]"));
      default -> root.remove("weight_map");
    }
    Files.writeString(file, root.toString());
    return Mutation.refused("index entry", root.toString());
  }

  private static String otherShard(ObjectNode map, String shard) {
    for (String name : fields(map)) {
      if (!map.get(name).textValue().equals(shard)) {
        return name;
      }
    }
    throw new AssertionError("one shard only");
  }

  private static Mutation totalSize(Path directory, Random random) throws IOException {
    Path file = CheckpointMutator.anyFile(directory, INDEX, random);
    if (file == null) {
      return null;
    }
    ObjectNode root = read(file);
    root.putObject("metadata").put("total_size", random.nextLong());
    Files.writeString(file, root.toString());
    return Mutation.harmless("total_size", root.get("metadata").toString());
  }

  private static Mutation missingFile(Path directory, Random random) throws IOException {
    boolean weights = random.nextBoolean();
    Path file =
        CheckpointMutator.anyFile(directory, weights ? ".safetensors" : "config.json", random);
    if (file == null) {
      return null;
    }
    Files.delete(file);
    String what = "deleted ";
    if (random.nextBoolean()) {
      Files.createDirectory(file);
      what = "a directory for ";
    }
    boolean needed = weights || file.endsWith("config.json");
    return needed
        ? Mutation.refused("missing file", what + file.getFileName())
        : Mutation.any("missing file", what + file.getFileName());
  }

  private static ObjectNode read(Path file) throws IOException {
    return (ObjectNode) JSON.readTree(file.toFile());
  }

  private static String anyField(ObjectNode object, Random random) {
    List<String> names = fields(object);
    return names.get(random.nextInt(names.size()));
  }

  private static List<String> fields(ObjectNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
