package orrery.openai;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;

/**
 * Reads how long the blocks of a request are kept, by TensorRT-LLM's names:
 *
 * <pre>
 *   kv_cache_retention_config
 *     token_range_retention_configs   [{token_start, token_end, priority, duration_ms} ..]
 *     decode_retention_priority
 *     decode_duration_ms
 * </pre>
 */
public final class RetentionFields {
  /** The field of a body. */
  public static final String FIELD = "kv_cache_retention_config";

  private static final String RANGES = "token_range_retention_configs";

  private RetentionFields() {}

  /**
   * What a body says.
   *
   * @throws FieldException naming the field, what was expected and what was found
   */
  public static RetentionConfig read(Fields body) {
    return body.has(FIELD) ? of(body.object(FIELD)) : RetentionConfig.NONE;
  }

  /**
   * What the object of the field says.
   *
   * @throws FieldException naming the field, what was expected and what was found
   */
  public static RetentionConfig of(Fields config) {
    List<TokenRange> ranges = new ArrayList<>();
    if (config.has(RANGES)) {
      for (Object item : config.list(RANGES, "a list of token ranges")) {
        ranges.add(range(Fields.of(config.item(RANGES, ranges.size()), item)));
      }
    }
    Optional<Retention> decode =
        retention(config, "decode_retention_priority", "decode_duration_ms");
    config.requireNothingElse();
    try {
      return new RetentionConfig(ranges, decode);
    } catch (IllegalArgumentException e) {
      throw FieldException.at(config.path(RANGES), e.getMessage().split(": ", 2)[1]);
    }
  }

  private static TokenRange range(Fields range) {
    range.value("token_start", "the first token of the range");
    range.value("priority", "a priority from 0 to 100");
    int start = range.intOr("token_start", 0);
    if (start < 0) {
      range.fail("token_start", "a number of at least 0");
    }
    int end = range.intOr("token_end", Integer.MAX_VALUE);
    if (end <= start) {
      range.fail("token_end", "a number above token_start (" + start + ")");
    }
    Retention retention = retention(range, "priority", "duration_ms").orElseThrow();
    range.requireNothingElse();
    boolean open = !range.has("token_end");
    return new TokenRange(start, open ? OptionalInt.empty() : OptionalInt.of(end), retention);
  }

  private static Optional<Retention> retention(Fields of, String priority, String duration) {
    OptionalLong millis = of.longOrNone(duration);
    if (!of.has(priority)) {
      return millis.isEmpty() ? Optional.empty() : of.fail(duration, "together with " + priority);
    }
    int p =
        SamplingFields.between(of, priority, Retention.USUAL, Retention.LOWEST, Retention.HIGHEST);
    if (millis.isEmpty()) {
      return Optional.of(new Retention(p));
    }
    long most = Retention.LONGEST.toMillis();
    if (millis.getAsLong() < 1 || millis.getAsLong() > most) {
      of.fail(duration, "milliseconds from 1 to " + most);
    }
    return Optional.of(new Retention(p).lasting(Duration.ofMillis(millis.getAsLong())));
  }
}
