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
 * <p>Rows of fewer bits lie in the same order. If they have scales, a token has one for each head:
 *
 * <pre>
 *   of keys   [page][token / tile][kvHead][tile]
 *   of values [page][token][kvHead]
 * </pre>
 *
 * <p>q·k is one chain over d, so its lanes must be keys; p·V is one chain over keys, so its lanes
 * must be dims. The two layouts follow from that.
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

  /** Index of element {@code d = 0} of a token's key; element d lies {@code d * tile()} further. */
  public int keyIndex(int page, int tokenInPage, int kvHead) {
    int tile = tile();
    int tileStart = tokenInPage / tile * tile;
    return (page * pageTokens + tileStart) * keyWidth()
        + kvHead * headDim * tile
        + tokenInPage % tile;
  }

  /** Index of element 0 of a token's value; the others follow. */
  public int valueIndex(int page, int tokenInPage, int kvHead) {
    return (page * pageTokens + tokenInPage) * valueWidth() + kvHead * valueStride();
  }

  /** Index of the scale of a token's key, if keys have scales. */
  public int keyScale(int[] pages, int slot, int kvHead) {
    int tile = tile();
    int token = slot % pageTokens;
    int tileStart = pages[slot / pageTokens] * pageTokens + token / tile * tile;
    return tileStart * kvHeads + kvHead * tile + token % tile;
  }

  /** Index of the scale of a token's value, if values have scales. */
  public int valueScale(int[] pages, int slot, int kvHead) {
    return (pages[slot / pageTokens] * pageTokens + slot % pageTokens) * kvHeads + kvHead;
  }

  /**
   * The key of a slot and head, decoded.
   *
   * @param into receives [headDim] floats from {@code at}, each {@code step} further
   */
  void key(CachedRows keys, int[] pages, int slot, int kvHead, float[] into, int at, int step) {
    int from = keyIndex(pages, slot, kvHead);
    keys.gather(from, tile(), headDim, keyScale(pages, slot, kvHead), into, at, step);
  }

  /**
   * The value of a slot and head, decoded.
   *
   * @param into receives [valueDim] floats from {@code at}
   */
  void value(CachedRows values, int[] pages, int slot, int kvHead, float[] into, int at) {
    int from = valueIndex(pages, slot, kvHead);
    values.gather(from, 1, valueDim, valueScale(pages, slot, kvHead), into, at, 1);
  }

  /** Stores the key of a slot and head, [headDim] from {@code at}. */
  public void putKey(CachedRows keys, int[] pages, int slot, int kvHead, float[] x, int at) {
    int to = keyIndex(pages, slot, kvHead);
    keys.scatter(x, at, headDim, to, tile(), keyScale(pages, slot, kvHead));
  }

  /** Stores the value of a slot and head, [valueDim] from {@code at}. */
  public void putValue(CachedRows values, int[] pages, int slot, int kvHead, float[] x, int at) {
    int to = valueIndex(pages, slot, kvHead);
    values.scatter(x, at, valueDim, to, 1, valueScale(pages, slot, kvHead));
  }

  /** {@link #keyIndex(int, int, int)} of a slot, through the page table of its sequence. */
  public int keyIndex(int[] pages, int slot, int kvHead) {
    return keyIndex(pages[slot / pageTokens], slot % pageTokens, kvHead);
  }

  /** {@link #valueIndex(int, int, int)} of a slot, through the page table of its sequence. */
  public int valueIndex(int[] pages, int slot, int kvHead) {
    return valueIndex(pages[slot / pageTokens], slot % pageTokens, kvHead);
  }
}
