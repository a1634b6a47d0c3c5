package orrery.attention;

import orrery.graph.StreamRows;
import orrery.hisparse.EntryBuffers;

/**
 * A layer's handle on its cached rows for latent attention. All rows are row-major.
 *
 * <pre>
 *   tokens       0   1   2   3   4   5   6   7   8   9        ratio 4
 *   raw          .   .   .   .   .   x   x   x   x   x        those of the window
 *   state        .   .   x   x   x   x   x   x   x   x        until their entries are made
 *   compressed   └───── 0 ─────┘ └───── 1 ─────┘              one entry for each 4 tokens, all kept
 * </pre>
 *
 * @param raw one row [headDim] a token, which is key and value
 * @param state one row [2 · width] a token, of which entries are made; null if nothing is
 *     compressed
 * @param compressed one entry [headDim] for some tokens, key and value too; null if nothing is
 *     compressed
 * @param indexState as {@code state}, for the indexer's keys; null without an indexer
 * @param indexKey one key for the tokens of an entry, by which entries are selected; null without
 *     an indexer
 * @param buffers what the device holds of {@code compressed} if that lies on the host; null if it
 *     lies on the device
 * @param window how many of the newest raw rows a token reads, its own included
 * @param firstSlot the first slot that holds a row: 0, or 1 for an MTP layer, where a row lies at
 *     the slot of the newest token that it reads
 */
public record LatentKv(
    StreamRows raw,
    StreamRows state,
    StreamRows compressed,
    StreamRows indexState,
    StreamRows indexKey,
    EntryBuffers buffers,
    int window,
    int firstSlot) {
  /**
   * @throws IllegalArgumentException if a stream is missing beside another, or if the window is
   *     less than 1
   */
  public LatentKv {
    if (window < 1 || firstSlot < 0) {
      throw new IllegalArgumentException(
          raw + ": expected a window >= 1 and slots from 0 on, found " + window + ", " + firstSlot);
    }
    requireBoth("state", state, "compressed", compressed);
    requireBoth("index state", indexState, "index key", indexKey);
    if (indexKey != null && compressed == null) {
      throw new IllegalArgumentException(
          "latent attention: expected compressed rows beside " + indexKey + ", found none");
    }
    if (buffers != null && (indexKey == null || buffers.host() != compressed)) {
      throw new IllegalArgumentException(
          "latent attention: expected buffers of entries that an indexer selects, found those of "
              + buffers.host());
    }
  }

  /** A handle on rows that all lie on the device. */
  public LatentKv(
      StreamRows raw,
      StreamRows state,
      StreamRows compressed,
      StreamRows indexState,
      StreamRows indexKey,
      int window,
      int firstSlot) {
    this(raw, state, compressed, indexState, indexKey, null, window, firstSlot);
  }

  /** The handle of a layer that compresses nothing. */
  public static LatentKv ofWindow(StreamRows raw, int window, int firstSlot) {
    return new LatentKv(raw, null, null, null, null, window, firstSlot);
  }

  private static void requireBoth(String a, StreamRows one, String b, StreamRows other) {
    if ((one == null) != (other == null)) {
      throw new IllegalArgumentException(
          "latent attention: expected "
              + a
              + " and "
              + b
              + " rows or neither, found only "
              + (one == null ? other : one));
    }
  }

  /** The first slot whose raw row the token at {@code slot} reads. */
  int firstRaw(int slot) {
    return Math.max(firstSlot, slot - window + 1);
  }

  /** How many entries the token at {@code slot} sees: also the one that its own row completes. */
  static int entries(StreamRows rows, int slot) {
    return rows == null ? 0 : rows.entries(slot);
  }
}
