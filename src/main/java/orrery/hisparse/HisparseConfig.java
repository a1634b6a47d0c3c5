package orrery.hisparse;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.options.Options;

/**
 * How large the device buffers are. Users write it as JSON, with the keys of SGLang's {@code
 * --hisparse-config}:
 *
 * <pre>
 *   {"top_k": 32, "device_buffer_size": 64}
 * </pre>
 *
 * <p>SGLang's {@code host_to_device_ratio} is refused: it sizes the rows on the host, which here
 * are those of {@code max-total-tokens}.
 *
 * @param topK entries that a row reads, if the user says so; 0 for the model's number. Any other
 *     number is refused: it would make another model
 * @param deviceBufferSize slots of a sequence's buffer in each layer; 0 for twice as many as the
 *     rows of a decode step may read
 */
public record HisparseConfig(int topK, int deviceBufferSize) {
  /** Everything as the model and the engine decide. */
  public static final HisparseConfig UNSAID = new HisparseConfig(0, 0);

  private static final int MOST_SLOTS = 1 << 24;
  static final String NAME = "hisparse-config";
  private static final String TOP_K = "top_k";
  private static final String SIZE = "device_buffer_size";
  private static final String RATIO = "host_to_device_ratio";

  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public HisparseConfig {
    Options.check(topK >= 0, NAME, TOP_K + " of at least 1", topK);
    Options.check(
        deviceBufferSize >= 0 && deviceBufferSize <= MOST_SLOTS,
        NAME,
        SIZE + " from 1 to " + MOST_SLOTS,
        deviceBufferSize);
  }

  /**
   * Reads what a user wrote.
   *
   * @throws IllegalArgumentException saying what was expected and what was found, if it is no JSON
   *     object of these keys with whole numbers of at least 1
   */
  public static HisparseConfig parse(String json) {
    Object value;
    try {
      value = JsonText.value(json);
    } catch (JsonFault e) {
      throw new IllegalArgumentException("expected JSON, found " + e.getMessage(), e);
    }
    if (!(value instanceof Map<?, ?> fields)) {
      throw new IllegalArgumentException("expected a JSON object, found " + json.strip());
    }
    for (Object key : fields.keySet()) {
      requireKnown((String) key);
    }
    return new HisparseConfig(number(fields, TOP_K), number(fields, SIZE));
  }

  private static void requireKnown(String key) {
    if (key.equals(RATIO)) {
      throw new IllegalArgumentException(
          "expected no " + RATIO + ", since max-total-tokens sizes the host, found one");
    }
    if (!key.equals(TOP_K) && !key.equals(SIZE)) {
      throw new IllegalArgumentException(
          "expected the keys " + TOP_K + " and " + SIZE + ", found \"" + key + '"');
    }
  }

  private static int number(Map<?, ?> fields, String key) {
    Object value = fields.get(key);
    if (value == null) {
      return 0;
    }
    if (value instanceof JsonText.Num number && number.isInt() && number.toInt() >= 1) {
      return number.toInt();
    }
    String found = value instanceof JsonText.Num number ? number.text() : value.toString();
    throw new IllegalArgumentException(
        "expected a whole number of at least 1 for " + key + ", found " + found);
  }

  /** As a user writes it. */
  @Override
  public String toString() {
    List<String> fields = new ArrayList<>();
    if (topK > 0) {
      fields.add("\"" + TOP_K + "\": " + topK);
    }
    if (deviceBufferSize > 0) {
      fields.add("\"" + SIZE + "\": " + deviceBufferSize);
    }
    return "{" + String.join(", ", fields) + "}";
  }
}
