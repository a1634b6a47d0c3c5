package orrery.kv;

import java.util.Arrays;

/**
 * The memory of all cached rows: per stream one array of pages, per pool a {@link PagePool}.
 *
 * <p>A page covers {@code pageTokens} consecutive slots of one sequence. Position → page → row is
 * the only addressing there is; how a row lies within its page is up to the kernel that reads it
 * ({@code AttentionShape} for keys and values).
 */
public final class KvCache {
  private final KvLayout layout;
  private final int pageTokens;
  private final int maxSlots;
  private final PagePool[] pools; // [pool]
  private final float[][] data; // [stream][page * pageTokens * width]

  /**
   * @param pageTokens slots of a page; {@code maxSlots} makes it contiguous allocation
   * @param maxSlots the longest sequence
   * @param pages pages of each pool
   */
  public KvCache(KvLayout layout, int pageTokens, int maxSlots, int pages) {
    if (pageTokens < 1 || maxSlots < 1) {
      throw new IllegalArgumentException(
          "page tokens and slots: expected at least 1, found " + pageTokens + " and " + maxSlots);
    }
    this.layout = layout;
    this.pageTokens = pageTokens;
    this.maxSlots = maxSlots;
    this.pools = new PagePool[layout.pools().length];
    Arrays.setAll(pools, i -> new PagePool(pages));
    this.data = new float[layout.streams().size()][];
    for (int i = 0; i < data.length; i++) {
      long floats = (long) pages * pageTokens * layout.streams().get(i).width();
      int most = Integer.MAX_VALUE - 16; // of one Java array
      if (floats > most) {
        throw new IllegalArgumentException(
            "KV cache of %d pages of %d tokens: stream %s: expected at most %d floats, found %d"
                .formatted(pages, pageTokens, layout.streams().get(i).name(), most, floats));
      }
      data[i] = new float[(int) floats];
      poison(data[i], 0, data[i].length);
    }
  }

  public KvLayout layout() {
    return layout;
  }

  public int pageTokens() {
    return pageTokens;
  }

  /** The longest sequence, in slots. */
  public int maxSlots() {
    return maxSlots;
  }

  /** The rows of a stream, all pages. */
  public float[] data(int stream) {
    return data[stream];
  }

  /** A table for one sequence, without pages yet. */
  public PageTable newTable() {
    return new PageTable(pools.length, pageTokens, (maxSlots + pageTokens - 1) / pageTokens);
  }

  /** Pages every pool could still hand out. */
  public int available() {
    return Arrays.stream(pools).mapToInt(PagePool::available).min().orElseThrow();
  }

  /** Gives the sequence pages up to slot {@code slots - 1}. */
  public void reserve(PageTable table, int slots) {
    if (slots > maxSlots) {
      throw new IllegalArgumentException(
          "sequence of " + slots + " slots: this cache holds at most " + maxSlots);
    }
    int[] page = new int[pools.length]; // [pool]
    while (table.slots() < slots) {
      for (int pool = 0; pool < pools.length; pool++) {
        page[pool] = pools[pool].take();
      }
      table.append(page);
    }
  }

  /** Takes all pages back; with assertions on, whoever still reads them finds NaN. */
  public void release(PageTable table) {
    for (int pool = 0; pool < pools.length; pool++) {
      for (int i = 0; i < table.held(); i++) {
        int page = table.pages(pool)[i];
        for (int s = 0; s < data.length; s++) {
          if (layout.poolOf(s) == pool) {
            int size = pageTokens * layout.streams().get(s).width();
            poison(data[s], page * size, (page + 1) * size);
          }
        }
        pools[pool].give(page);
      }
    }
    table.clear();
  }

  private static void poison(float[] rows, int from, int to) {
    assert fillNaN(rows, from, to);
  }

  private static boolean fillNaN(float[] rows, int from, int to) {
    Arrays.fill(rows, from, to, Float.NaN);
    return true;
  }
}
