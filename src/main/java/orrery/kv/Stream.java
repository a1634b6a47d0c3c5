package orrery.kv;

import orrery.options.Options;
import orrery.quantization.RowFormat;

/**
 * One kind of row that a model caches per token: all that the cache knows about the model.
 *
 * @param name for reports, for example {@code layers.3.key}
 * @param width floats of a row
 * @param tokensPerRow tokens that one row stands for: 1, more for compressed rows, or {@link
 *     #PER_PAGE} for one row a page
 * @param keeps how many of the newest tokens a later token may still read; {@link #ALL} if all
 * @param needs how many tokens before N must be live for a prefix of N tokens to be reusable;
 *     {@link #ALL} if all. With a window it is at most {@code keeps} - 1, what the token after the
 *     prefix reads; it is less where rows count only from a multiple of some length on, which every
 *     N is
 * @param format how a row is stored
 * @param chosen how many of these rows a token reads at most, chosen among all that it sees; 0 if
 *     it reads all
 * @throws IllegalArgumentException if needs or chosen is negative or another number is less than 1,
 *     if a prefix would need rows that are gone by then, or if a token would choose such rows
 */
public record Stream(
    String name, int width, int tokensPerRow, int keeps, int needs, RowFormat format, int chosen) {
  /** All tokens of a sequence. */
  public static final int ALL = Integer.MAX_VALUE;

  /** One row for each page of P tokens, whatever P is. */
  public static final int PER_PAGE = Integer.MAX_VALUE;

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
    Options.check(
        chosen == 0 || (chosen > 0 && keeps == ALL),
        "stream " + name,
        "rows that are kept to choose from",
        chosen + " chosen of those of " + keeps + " tokens");
    if (keeps != ALL && needs >= keeps) {
      throw new IllegalArgumentException(
          "stream "
              + name
              + ": expected needs below the "
              + keeps
              + " tokens that it keeps, found "
              + (needs == ALL ? "all" : needs));
    }
  }

  /** A stream of which a token reads all that it sees. */
  public Stream(String name, int width, int tokensPerRow, int keeps, int needs, RowFormat format) {
    this(name, width, tokensPerRow, keeps, needs, format, 0);
  }

  /** A stream of float32. */
  public Stream(String name, int width, int tokensPerRow, int keeps, int needs) {
    this(name, width, tokensPerRow, keeps, needs, RowFormat.F32);
  }

  /**
   * A stream with one row for each page, that of the page's last token. A continuation at the
   * page's end needs this row beside the rows of the other streams, and nothing else.
   */
  public static Stream boundary(String name, int width) {
    return new Stream(name, width, PER_PAGE, ALL, 1);
  }

  /** Rows of a run of {@code tokens} tokens. */
  public int rows(int tokens) {
    return tokensPerRow == PER_PAGE ? 1 : Math.max(1, tokens / tokensPerRow);
  }

  /** A stream of float32 whose rows stay readable for the whole sequence. */
  public static Stream whole(String name, int width) {
    return whole(name, width, RowFormat.F32);
  }

  /** A stream whose rows stay readable for the whole sequence. */
  public static Stream whole(String name, int width, RowFormat format) {
    return new Stream(name, width, 1, ALL, ALL, format);
  }

  /** Bytes of the rows of a run of {@code tokens} tokens. */
  public long bytes(int tokens) {
    return (long) format.bytes(width) * rows(tokens);
  }
}
