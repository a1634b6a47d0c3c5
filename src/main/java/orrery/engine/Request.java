package orrery.engine;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import orrery.prefix.RetentionConfig;
import orrery.sampling.SamplingParams;

/**
 * A request: a prompt, and how it is to be answered.
 *
 * @param prompt [tokens] token ids; copied. What {@code prompt()} returns is not a copy, since the
 *     engine and its events read it for every request: do not change it
 * @param params how tokens are drawn, when the answer ends, how many answers
 * @param priority requests of higher priority go first; 0 is the usual one
 * @param deadline time from submission after which an unfinished answer is cut off
 * @param salt isolates tenants in the prefix cache: only requests with the same salt share entries
 * @param retention how long its blocks are kept in the prefix cache
 */
public record Request(
    int[] prompt,
    SamplingParams params,
    int priority,
    Optional<Duration> deadline,
    String salt,
    RetentionConfig retention) {

  /** The longest deadline allowed; a longer one would never end an answer. */
  private static final Duration LONGEST = Duration.ofDays(36_500);

  /**
   * @throws IllegalArgumentException if the deadline is not above 0 and at most 100 years
   * @throws NullPointerException naming the part that is null
   */
  public Request {
    Objects.requireNonNull(prompt, "prompt: expected token ids, found null");
    Objects.requireNonNull(deadline, "deadline: expected an optional duration, found null");
    Objects.requireNonNull(params, "request: expected sampling parameters, found null");
    Objects.requireNonNull(salt, "salt: expected a string, found null");
    Objects.requireNonNull(retention, "retention: expected a configuration, found null");
    prompt = prompt.clone();
    deadline.ifPresent(Request::requirePositive);
  }

  private static void requirePositive(Duration deadline) {
    if (deadline.isNegative() || deadline.isZero() || deadline.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "deadline: expected above 0 and at most 100 years, found " + deadline);
    }
  }

  /**
   * A request with priority 0, without a deadline, with the empty salt, and with blocks that are
   * kept as usual.
   */
  public static Request of(int[] prompt, SamplingParams params) {
    return new Request(prompt, params, 0, Optional.empty(), "", RetentionConfig.NONE);
  }

  /** The same request with another priority. */
  public Request withPriority(int p) {
    return new Request(prompt, params, p, deadline, salt, retention);
  }

  /** The same request with another seed. */
  public Request withSeed(long seed) {
    return new Request(prompt, params.withSeed(seed), priority, deadline, salt, retention);
  }

  /**
   * The same request with a deadline.
   *
   * @throws IllegalArgumentException if the deadline is not above 0 and at most 100 years
   */
  public Request withDeadline(Duration d) {
    Objects.requireNonNull(d, "deadline: expected a duration, found null");
    return new Request(prompt, params, priority, Optional.of(d), salt, retention);
  }

  /** The same request with another salt. */
  public Request withSalt(String s) {
    return new Request(prompt, params, priority, deadline, s, retention);
  }

  /** The same request with blocks that are kept otherwise. */
  public Request withRetention(RetentionConfig r) {
    return new Request(prompt, params, priority, deadline, salt, r);
  }
}
