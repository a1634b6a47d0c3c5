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
    return keyTile(pages, slot, kvHead, tile) + inTile(slot % pageTokens % tile, d, word, tile);
  }

  /** Where the keys of one head begin in the tile of a slot. */
  private int keyTile(int[] pages, int slot, int kvHead, int tile) {
    int first = slot % pageTokens / tile * tile; // of the tile
    return (pages[slot / pageTokens] * pageTokens + first) * keyWidth() + kvHead * headDim * tile;
  }

  /** Where an element of the key of a token lies among those of its head in the tile. */
  private int inTile(int token, int d, int word, int tile) {
    int first = d & -word; // of the word: a power of two
    int words = Math.min(word, headDim - first);
    return first * tile + token * words + place(d - first, words);
  }

  /** Index of an element of a token's value. */
  public int valueIndex(int[] pages, int slot, int kvHead, int d, int word) {
    int token = slot % pageTokens;
    int first = token & -word; // of the word: a power of two
    int words = words(token, word);
    return (pages[slot / pageTokens] * pageTokens + first) * valueWidth()
        + (kvHead * valueStride() + d) * words
        + place(token - first, words);
  }

  /** Tokens whose values share a token's words. */
  private int words(int token, int word) {
    return Math.min(word, pageTokens - (token & -word));
  }

  /** Where in a word a number lies: of four, the first two in the even places. */
  private static int place(int i, int numbers) {
    return numbers < 4 ? i : (i & 1) * 2 + (i >> 1);
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
    int tile = tile();
    int from = keyTile(pages, slot, kvHead, tile);
    int token = slot % pageTokens % tile;
    int scale = scaleIndex(pages, slot, kvHead);
    int word = keys.perWord();
    for (int d = 0; d < headDim; d++) {
      into[at + d * apart] = keys.get(from + inTile(token, d, word, tile), scale);
    }
  }

  /**
   * Reads a token's value.
   *
   * @param into receives [valueDim] floats from {@code at}
   */
  public void value(CachedRows values, int[] pages, int slot, int kvHead, float[] into, int at) {
    int from = valueIndex(pages, slot, kvHead, 0, values.perWord());
    int apart = words(slot % pageTokens, values.perWord());
    int scale = scaleIndex(pages, slot, kvHead);
    for (int d = 0; d < valueDim; d++) {
      into[at + d] = values.get(from + d * apart, scale);
    }
  }

  /** Stores a token's key, [headDim] floats from {@code at}. */
  public void putKey(CachedRows keys, int[] pages, int slot, int kvHead, float[] x, int at) {
    int tile = tile();
    int to = keyTile(pages, slot, kvHead, tile);
    int token = slot % pageTokens % tile;
    int scale = scaleIndex(pages, slot, kvHead);
    int word = keys.perWord();
    keys.putScale(scale, x, at, headDim);
    int words = headDim / word; // whole ones
    for (int i = 0; i < word; i++) { // number i of all words
      keys.put(to + inTile(token, i, word, tile), word * tile, scale, x, at + i, word, words);
    }
    for (int d = words * word; d < headDim; d++) {
      keys.put(to + inTile(token, d, word, tile), 1, scale, x, at + d, 1, 1);
    }
  }

  /** Stores a token's value, [valueDim] floats from {@code at}. */
  public void putValue(CachedRows values, int[] pages, int slot, int kvHead, float[] x, int at) {
    int to = valueIndex(pages, slot, kvHead, 0, values.perWord());
    int apart = words(slot % pageTokens, values.perWord());
    int scale = scaleIndex(pages, slot, kvHead);
    values.putScale(scale, x, at, valueDim);
    values.put(to, apart, scale, x, at, 1, valueDim);
  }
}
