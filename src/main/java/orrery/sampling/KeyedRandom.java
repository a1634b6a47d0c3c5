package orrery.sampling;

/**
 * Random numbers that are a pure function of where they are used: the same (seed, choice, position,
 * stream) gives the same number, whatever was drawn before, for any request, in any batch. So the
 * engine can chunk, retract, move or speculate about a request without changing its text.
 *
 * <p>The generator is counter-based (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011): it hashes its key and keeps no state. The hash takes in one 64-bit word at a time with
 * the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014):
 *
 * <pre>
 *   h = mix(seed + G);   h = mix((h ^ (choice, stream)) + G);   h = mix((h ^ position) + G)
 * </pre>
 *
 * Here G is the odd integer nearest to 2^64 / golden ratio. Each step maps words to words one to
 * one, so two positions of one choice never share a hash. The upper 53 bits become a double.
 */
public final class KeyedRandom {

  /** The stream of the plain sampler. */
  public static final int SAMPLE = 0;

  /** Speculation: whether the draft for this position is accepted. */
  public static final int ACCEPT = 1;

  /** Speculation: which token takes the place of a rejected draft. */
  public static final int RESIDUAL = 2;

  /** Speculation: which token is drafted. */
  public static final int DRAFT = 3;

  /** Speculation: how many drafts a synthetic verification from this position on accepts. */
  public static final int SYNTHETIC = 4;

  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private KeyedRandom() {}

  /**
   * A number in [0, 1), a multiple of 2^-53.
   *
   * @param seed the request's seed
   * @param choice which of the request's n answers, from 0
   * @param position index, in prompt and answer together, of the token to be drawn
   * @param stream what the number is for: one of the constants above
   */
  public static double uniform(long seed, int choice, int position, int stream) {
    return (bits(seed, choice, position, stream) >>> 11) * 0x1p-53;
  }

  /**
   * One of several numbers in [0, 1) that belong to a key, again a multiple of 2^-53.
   *
   * @param key of {@link #bits}
   * @param index which of the key's numbers, for example a token id
   */
  static double uniform(long key, int index) {
    return (mix((key ^ index) + GOLDEN) >>> 11) * 0x1p-53;
  }

  /** The 64 bits behind {@link #uniform}. */
  static long bits(long seed, int choice, int position, int stream) {
    long h = mix(seed + GOLDEN);
    h = mix((h ^ ((long) choice << 32 | stream & 0xFFFF_FFFFL)) + GOLDEN);
    return mix((h ^ position) + GOLDEN);
  }

  /** One to one on 64-bit words; every input bit flips every output bit about half the time. */
  private static long mix(long z) {
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }
}
