package orrery.prefix;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a request says about how long its blocks are kept: TensorRT-LLM's {@code
 * KvCacheRetentionConfig}. Ranges speak of tokens of the prompt. A block follows what is said about
 * its first token.
 *
 * <pre>
 *   P = 4     | 0 1 2 3 | 4 5 6 7 | 8 9 a b | c d e f |     prompt of 10 tokens, answer from a on
 *   ranges    [ 0, 6) priority 90       |
 *   blocks    |   90    |   90    |    -    | decode  |     - nothing is said
 * </pre>
 *
 * <p>What is said about a block replaces what was said before, also about blocks that an earlier
 * request has computed.
 *
 * @param ranges of the prompt, sorted by their start; no two overlap
 * @param decode of blocks that begin with a token of the answer; empty: nothing is said
 */
public record RetentionConfig(List<TokenRange> ranges, Optional<Retention> decode) {
  /** The configuration that says nothing. */
  public static final RetentionConfig NONE = new RetentionConfig(List.of(), Optional.empty());

  /**
   * The tokens [start, end) of a prompt.
   *
   * @param end empty: up to the end of the prompt
   */
  public record TokenRange(int start, OptionalInt end, Retention retention) {
    /**
     * @throws IllegalArgumentException if the start is negative or the end is not behind it
     */
    public TokenRange {
      Objects.requireNonNull(end, "token range: expected an optional end, found null");
      Objects.requireNonNull(retention, "token range: expected a retention, found null");
      if (start < 0) {
        throw new IllegalArgumentException("token range: expected a start from 0, found " + start);
      }
      if (end.isPresent() && end.getAsInt() <= start) {
        throw new IllegalArgumentException(
            "token range: expected an end after " + start + ", found " + end.getAsInt());
      }
    }

    /** The tokens from {@code start} up to the end of the prompt. */
    public static TokenRange from(int start, Retention retention) {
      return new TokenRange(start, OptionalInt.empty(), retention);
    }

    /** The tokens [start, end). */
    public static TokenRange of(int start, int end, Retention retention) {
      return new TokenRange(start, OptionalInt.of(end), retention);
    }

    private int last() {
      return end.orElse(Integer.MAX_VALUE);
    }

    @Override
    public String toString() {
      return "[" + start + ", " + (end.isPresent() ? end.getAsInt() : "end") + ")";
    }
  }

  /**
   * @throws IllegalArgumentException if two ranges overlap
   */
  public RetentionConfig {
    Objects.requireNonNull(decode, "retention: expected an optional retention, found null");
    List<TokenRange> sorted = new ArrayList<>(ranges);
    sorted.sort(Comparator.comparingInt(TokenRange::start));
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i).start < sorted.get(i - 1).last()) {
        throw new IllegalArgumentException(
            "token ranges: expected ranges that do not overlap, found "
                + sorted.get(i - 1)
                + " and "
                + sorted.get(i));
      }
    }
    ranges = List.copyOf(sorted);
  }

  /** This configuration for a prompt of some tokens. */
  public Retentions over(int prompt) {
    if (ranges.isEmpty() && decode.isEmpty()) {
      return Retentions.NONE;
    }
    return token -> token < prompt ? of(token) : decode.orElse(null);
  }

  /** What is said about a token of the prompt; null if nothing. */
  private Retention of(int token) {
    int low = 0;
    int high =
        ranges.size(); // ranges before `low` end before the token, those from `high` on begin after
    while (low < high) {
      int middle = (low + high) >>> 1;
      TokenRange range = ranges.get(middle);
      if (token < range.start) {
        high = middle;
      } else if (token >= range.last()) {
        low = middle + 1;
      } else {
        return range.retention;
      }
    }
    return null;
  }
}
