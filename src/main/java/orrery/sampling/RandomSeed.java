package orrery.sampling;

/**
 * Where the seeds of requests come from that have none: SGLang's {@code --random-seed}. Each
 * request has a number, and its seed follows from both. So the same requests in the same order draw
 * the same tokens again, and another random seed draws others.
 *
 * <p>The step between two random seeds is the odd number nearest to 2^64 divided by the golden
 * ratio, as in SplitMix64 (Steele, Lea, Flood 2014): so no two small random seeds share the seed of
 * a small number.
 *
 * @param value 0 makes the number itself the seed
 */
public record RandomSeed(long value) {
  /** The number itself is the seed. */
  public static final RandomSeed NONE = new RandomSeed(0);

  private static final long STEP = 0x9E3779B97F4A7C15L;

  /** The seed of a request without one. */
  public long of(long number) {
    return value * STEP + number;
  }
}
