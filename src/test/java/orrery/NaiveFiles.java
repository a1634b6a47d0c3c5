package orrery;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.IntToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The files of a checkpoint for the oracles: every tensor as it is stored, by its name. */
final class NaiveFiles {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern STACK =
      Pattern.compile("(.*\\.experts\\.)(gate_up_proj|down_proj)(_scale_inv)?");
  private static final String[] GATE_UP = {"gate_proj.weight", "up_proj.weight"};
  private static final String[] DOWN = {"down_proj.weight"};

  private NaiveFiles() {}

  /** A tensor as it is stored. */
  record Stored(String dtype, int[] shape, ByteBuffer bytes) {
    Stored {
      bytes.order(ByteOrder.LITTLE_ENDIAN); // a slice forgets it
    }

    int size() {
      int size = 1;
      for (int n : shape) {
        size *= n;
      }
      return size;
    }

    /** Its numbers, before any scale. */
    IntToDoubleFunction numbers() {
      return switch (dtype) {
        case "F32" -> i -> bytes.getFloat(4 * i);
        case "BF16" -> i -> Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
        case "F16" -> i -> Float.float16ToFloat(bytes.getShort(2 * i));
        case "F8_E4M3" -> i -> NaiveCodes.e4m3(bytes.get(i) & 0xFF);
        case "F8_E5M2" -> i -> NaiveCodes.e5m2(bytes.get(i) & 0xFF);
        case "F8_E8M0", "U8" -> i -> NaiveCodes.e8m0(bytes.get(i) & 0xFF);
        default -> throw new AssertionError("numbers of " + dtype);
      };
    }
  }

  static JsonNode json(Path file) {
    try {
      return JSON.readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The tensors of a directory; of a stack of experts, each expert's own. */
  static Map<String, Stored> read(Path model) {
    Map<String, Stored> tensors = new HashMap<>();
    for (Path file : files(model)) {
      try {
        read(file, tensors);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return tensors;
  }

  private static List<Path> files(Path model) {
    Path index = model.resolve("model.safetensors.index.json");
    if (!Files.exists(index)) {
      return List.of(model.resolve("model.safetensors"));
    }
    TreeSet<String> names = new TreeSet<>();
    json(index).get("weight_map").forEach(name -> names.add(name.asText()));
    return names.stream().map(model::resolve).toList();
  }

  private static void read(Path file, Map<String, Stored> tensors) throws IOException {
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int header = Math.toIntExact(all.getLong(0));
    JsonNode names = JSON.readTree(all.array(), 8, header);
    names
        .properties()
        .forEach(
            entry -> {
              if (!entry.getKey().equals("__metadata__")) {
                JsonNode at = entry.getValue().get("data_offsets");
                int from = 8 + header + at.get(0).asInt();
                ByteBuffer bytes = all.slice(from, at.get(1).asInt() - at.get(0).asInt());
                int[] shape = JSON.convertValue(entry.getValue().get("shape"), int[].class);
                String dtype = entry.getValue().get("dtype").asText();
                put(tensors, entry.getKey(), new Stored(dtype, shape, bytes));
              }
            });
  }

  /** Takes a tensor, or one of all experts in pieces, under the names of the experts' own. */
  private static void put(Map<String, Stored> tensors, String name, Stored stored) {
    Matcher stack = STACK.matcher(name);
    if (!stack.matches()) {
      tensors.put(name, stored);
      return;
    }
    String[] parts = stack.group(2).startsWith("down") ? DOWN : GATE_UP;
    int rows = stored.shape[1] / parts.length;
    int size = stored.bytes.capacity() / stored.shape[0] / parts.length;
    for (int i = 0; i < stored.shape[0] * parts.length; i++) {
      String expert = stack.group(1) + i / parts.length + "." + parts[i % parts.length];
      int[] shape = {rows, stored.shape[2]};
      ByteBuffer bytes = stored.bytes.slice(i * size, size);
      tensors.put(
          expert + Objects.requireNonNullElse(stack.group(3), ""),
          new Stored(stored.dtype, shape, bytes));
    }
  }
}
