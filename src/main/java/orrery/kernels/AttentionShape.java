package orrery.kernels;

/**
 * The shape of grouped-query attention (Ainslie et al., "GQA", 2023) over pages, and where a row of
 * K and V lies in its pool.
 *
 * <pre>
 *   keys   [page][token / tile][kvHead][d][tile]   token-minor: one vector load = 16 keys' value of one d
 *   values [page][token][kvHead][valueStride]      row-major:   one vector load = 16 dims of one key
 * </pre>
 *
 * <p>q·k is one chain over d, so its lanes must be keys; p·V is one chain over keys, so its lanes
 * must be dims. The two layouts follow from that. Numbers of fewer bits share 32-bit words: a word
 * holds those that follow each other in a chain, so that each lane finds all numbers of its chain
 * in its own word. The last word of a key or of a page may have fewer.
 *
 * <pre>
 *   keys   [page][token / tile][kvHead][d / word][tile][word]     word: 2 of bf16, 4 of FP8
 *   values [page][token / word][kvHead][valueStride][word]
 *
 *   scales [page][kvHead][token]                                  of FP8, of keys and of values
 * </pre>
 *
 * @param heads query heads
 * @param kvHeads key/value heads; each serves {@code heads / kvHeads} query heads
 * @param headDim d of one query or key head
 * @param valueDim d of one value head
 * @param pageTokens tokens a page holds
 * @param scale factor of the scores, usually 1/√headDim
 * @throws IllegalArgumentException if a size is not positive, or if heads is no multiple of kvHeads
 */
public record AttentionShape(
    int heads, int kvHeads, int headDim, int valueDim, int pageTokens, float scale) {
  public AttentionShape {
    if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "query heads must be a multiple of key/value heads, found " + heads + " and " + kvHeads);
    }
    if (headDim < 1 || valueDim < 1 || pageTokens < 1) {
      throw new IllegalArgumentException(
          "head dim, value dim and page tokens must be positive, found "
              + headDim
              + ", "
              + valueDim
              + ", "
              + pageTokens);
    }
  }

  /** Query heads that share one key/value head. */
  public int group() {
    return heads / kvHeads;
  }

  /** Tokens of one key tile: 16, or the whole page if a page is no multiple of 16 tokens. */
  public int tile() {
    return pageTokens % 16 == 0 ? 16 : pageTokens;
  }

  /** Floats of one token's keys. */
  public int keyWidth() {
    return kvHeads * headDim;
  }

  /** Floats of one value head, padded to whole vectors. */
  public int valueStride() {
    return (valueDim + 15) / 16 * 16;
  }

  /** Floats of one token's values. */
  public int valueWidth() {
    return kvHeads * valueStride();
  }

  /**
   * Index of an element of a token's key.
   *
   * @param pages page of slots [i · pageTokens, (i+1) · pageTokens) at index i
   * @param word numbers in 32 bits, see {@link CachedRows#perWord}
   */
  public int keyIndex(int[] pages, int slot, int kvHead, int d, int word) {
    int tile = tile();
    int token = slot % pageTokens;
    int first = d / word * word; // of the word
    int words = Math.min(word, headDim - first);
    return (pages[slot / pageTokens] * pageTokens + token / tile * tile) * keyWidth()
        + (kvHead * headDim + first) * tile
        + token % tile * words
        + place(d - first, words);
  }

  /** Index of an element of a token's value. */
  public int valueIndex(int[] pages, int slot, int kvHead, int d, int word) {
    int token = slot % pageTokens;
    int first = token / word * word; // of the word
    int words = Math.min(word, pageTokens - first);
    return (pages[slot / pageTokens] * pageTokens + first) * valueWidth()
        + (kvHead * valueStride() + d) * words
        + place(token - first, words);
  }

  /** Where in a word a number lies: of four, the first two in the even places. */
  private static int place(int i, int numbers) {
    return numbers < 4 ? i : i % 2 * 2 + i / 2;
  }

  /** Index of the scale of a token's key, and of that of its value. */
  int scaleIndex(int[] pages, int slot, int kvHead) {
    return (pages[slot / pageTokens] * kvHeads + kvHead) * pageTokens + slot % pageTokens;
  }

  /**
   * Reads a token's key.
   *
   * @param into receives [headDim] floats from {@code at}, each {@code apart} after the last
   */
  public void key(
      CachedRows keys, int[] pages, int slot, int kvHead, float[] into, int at, int apart) {
    int scale = scaleIndex(pages, slot, kvHead);
    int word = keys.perWord();
    for (int d = 0; d < headDim; d++) {
      into[at + d * apart] = keys.get(keyIndex(pages, slot, kvHead, d, word), scale);
    }
  }

  /**
   * Reads a token's value.
   *
   * @param into receives [valueDim] floats from {@code at}
   */
  public void value(CachedRows values, int[] pages, int slot, int kvHead, float[] into, int at) {
    int scale = scaleIndex(pages, slot, kvHead);
    int word = values.perWord();
    for (int d = 0; d < valueDim; d++) {
      into[at + d] = values.get(valueIndex(pages, slot, kvHead, d, word), scale);
    }
  }

  /** Stores a token's key, [headDim] floats from {@code at}. */
  public void putKey(CachedRows keys, int[] pages, int slot, int kvHead, float[] x, int at) {
    int scale = scaleIndex(pages, slot, kvHead);
    int word = keys.perWord();
    keys.putScale(scale, x, at, headDim);
    for (int d = 0; d < headDim; d++) {
      keys.put(keyIndex(pages, slot, kvHead, d, word), scale, x[at + d]);
    }
  }

  /** Stores a token's value, [valueDim] floats from {@code at}. */
  public void putValue(CachedRows values, int[] pages, int slot, int kvHead, float[] x, int at) {
    int scale = scaleIndex(pages, slot, kvHead);
    int word = values.perWord();
    values.putScale(scale, x, at, valueDim);
    for (int d = 0; d < valueDim; d++) {
      values.put(valueIndex(pages, slot, kvHead, d, word), scale, x[at + d]);
    }
  }
}
