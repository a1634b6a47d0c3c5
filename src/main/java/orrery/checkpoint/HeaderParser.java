package orrery.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Reads the JSON header of one safetensors file, and trusts nothing in it: {@code {"name":
 * {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__": {"key":
 * "value"}}}.
 *
 * <p>It streams through the text once and keeps only the entries, so memory is bounded by the
 * header's own length. This class checks each entry by itself; {@link SafetensorsFile} checks how
 * all entries together lie in the file.
 */
final class HeaderParser {
  private final Path file;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<TensorInfo> tensors = new ArrayList<>();

  private HeaderParser(Path file) {
    this.file = file;
  }

  /** The header's entries in the order of the text, and its {@code __metadata__}. */
  record Header(List<TensorInfo> tensors, Map<String, String> metadata) {}

  /**
   * @throws CheckpointException naming the file, and the tensor and field where there is one
   */
  static Header parse(Path file, ByteBuffer utf8) {
    HeaderParser parser = new HeaderParser(file);
    try {
      if (!utf8.hasRemaining() || utf8.get(0) != '{') {
        throw parser.bad("header", "a JSON object", "no '{' at its start");
      }
      try (JsonParser json = JsonText.parser(text(utf8))) {
        parser.readAll(json);
      }
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file, "header: expected UTF-8 text, found other bytes", e);
    } catch (JsonProcessingException e) {
      String found = JsonFault.of(e, text(utf8)).getMessage();
      throw new CheckpointException(file, "header: expected valid JSON, found " + found, e);
    } catch (IOException e) {
      throw new CheckpointException(file, "header: cannot be read", e);
    }
    return new Header(List.copyOf(parser.tensors), Map.copyOf(parser.metadata));
  }

  /**
   * The text is decoded while it is parsed, so an error at the start of a 100 MB header costs
   * nothing.
   */
  private static Reader text(ByteBuffer utf8) {
    return new InputStreamReader(new Bytes(utf8.slice()), StandardCharsets.UTF_8.newDecoder());
  }

  private void readAll(JsonParser json) throws IOException {
    Set<String> names = new HashSet<>();
    json.nextToken();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      if (!names.add(name)) {
        throw bad(Tensor.item(name), "one entry", "a second");
      }
      expectObject(json, name);
      if (name.equals("__metadata__")) {
        readMetadata(json);
      } else {
        tensors.add(readTensor(json, name));
      }
    }
    if (json.nextToken() != null) {
      throw bad("header", "nothing after the JSON object", "more text");
    }
  }

  private void readMetadata(JsonParser json) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      String item = "__metadata__." + CheckpointException.shown(key);
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw bad(item, "a string", found(json));
      }
      if (metadata.put(key, json.getText()) != null) {
        throw bad(item, "one entry", "a second");
      }
    }
  }

  private TensorInfo readTensor(JsonParser json, String name) throws IOException {
    String item = Tensor.item(name);
    String dtype = null;
    long[] shape = null;
    long[] offsets = null;
    Set<String> fields = new HashSet<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      if (!fields.add(field)) {
        throw bad(item + ": " + CheckpointException.shown(field), "one value", "a second");
      }
      switch (field) {
        case "dtype" -> dtype = readString(json, item + ": dtype");
        case "shape" -> shape = readSizes(json, item + ": shape");
        case "data_offsets" -> offsets = readSizes(json, item + ": data_offsets");
        default ->
            throw bad(item, "the fields dtype, shape and data_offsets", "field " + quoted(field));
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      String missing = dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets";
      throw bad(item, "the fields dtype, shape and data_offsets", "no " + missing);
    }
    return entry(item, name, dtype, shape, offsets);
  }

  private TensorInfo entry(String item, String name, String dtype, long[] shape, long[] offsets) {
    DType type =
        DType.named(dtype)
            .orElseThrow(
                () ->
                    new CheckpointException(
                        file,
                        item
                            + ": stored as "
                            + CheckpointException.shown(dtype)
                            + ", this reader takes "
                            + DType.all()));
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw bad(item + ": data_offsets", "[begin, end] with begin <= end", shown(offsets));
    }
    long bytes = offsets[1] - offsets[0];
    OptionalLong needed = byteSize(type, shape);
    if (needed.isEmpty()) {
      throw bad(item + ": shape", "a size of less than 2^63 bytes", shown(shape));
    }
    if (needed.getAsLong() != bytes) {
      throw bad(
          item,
          needed.getAsLong() + " bytes for " + type + shown(shape),
          bytes + " bytes at data_offsets " + shown(offsets));
    }
    return new TensorInfo(name, type, shape, offsets[0], bytes);
  }

  private static OptionalLong byteSize(DType type, long[] shape) {
    long bytes = type.bytes();
    try {
      for (long size : shape) {
        bytes = Math.multiplyExact(bytes, size);
      }
    } catch (ArithmeticException overflow) {
      return OptionalLong.empty();
    }
    return OptionalLong.of(bytes);
  }

  private String readString(JsonParser json, String item) throws IOException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw bad(item, "a string", found(json));
    }
    return json.getText();
  }

  private long[] readSizes(JsonParser json, String item) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw bad(item, "an array of non-negative integers", found(json));
    }
    long[] sizes = new long[4];
    int count = 0;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      boolean whole =
          json.currentToken() == JsonToken.VALUE_NUMBER_INT
              && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER
              && json.getLongValue() >= 0;
      if (!whole) {
        throw bad(item, "non-negative integers below 2^63", found(json));
      }
      sizes = count == sizes.length ? Arrays.copyOf(sizes, 2 * count) : sizes;
      sizes[count++] = json.getLongValue();
    }
    return Arrays.copyOf(sizes, count);
  }

  private void expectObject(JsonParser json, String name) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw bad(Tensor.item(name), "an object", found(json));
    }
  }

  private String found(JsonParser json) throws IOException {
    JsonToken token = json.currentToken();
    if (token == JsonToken.START_OBJECT || token == JsonToken.START_ARRAY) {
      return token == JsonToken.START_OBJECT ? "an object" : "an array";
    }
    String text = CheckpointException.shown(json.getText());
    return token == JsonToken.VALUE_STRING ? '"' + text + '"' : text;
  }

  private static String shown(long[] values) {
    return CheckpointException.shown(Arrays.toString(values));
  }

  private static String quoted(String text) {
    return '"' + CheckpointException.shown(text) + '"';
  }

  private CheckpointException bad(String item, String expected, String found) {
    return new CheckpointException(file, item, expected, found);
  }

  /** The header's bytes as a stream. */
  private static final class Bytes extends InputStream {
    private final ByteBuffer bytes;

    Bytes(ByteBuffer bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return bytes.hasRemaining() ? bytes.get() & 0xFF : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      int count = Math.min(length, bytes.remaining());
      bytes.get(into, offset, count);
      return count == 0 && length > 0 ? -1 : count;
    }
  }
}
