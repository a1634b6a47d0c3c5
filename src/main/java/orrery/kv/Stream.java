package orrery.kv;

/**
 * One kind of row that a model caches per token: all that the cache knows about the model.
 *
 * @param name for reports, for example {@code layers.3.key}
 * @param width floats of a row
 * @param tokensPerRow tokens that one row stands for; 1 but for compressed rows
 * @param keeps how many of the newest tokens a future token may still read; {@link #ALL} if all
 * @param needs how many tokens before N must be live for a prefix of N tokens to be reusable;
 *     {@link #ALL} if all
 */
public record Stream(String name, int width, int tokensPerRow, int keeps, int needs) {
  public static final int ALL = Integer.MAX_VALUE;

  public Stream {
    if (width < 1 || tokensPerRow < 1 || keeps < 1 || needs < 0) {
      throw new IllegalArgumentException(
          "stream "
              + name
              + ": expected width, tokens per row and keeps >= 1 and needs >= 0, found "
              + width
              + ", "
              + tokensPerRow
              + ", "
              + keeps
              + ", "
              + needs);
    }
  }

  /** A stream whose rows stay readable for the whole sequence. */
  public static Stream whole(String name, int width) {
    return new Stream(name, width, 1, ALL, ALL);
  }
}
