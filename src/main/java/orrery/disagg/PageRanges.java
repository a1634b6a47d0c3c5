package orrery.disagg;

import java.util.Arrays;
import orrery.disagg.Frame.Type;
import orrery.engine.KvPages;

/**
 * Which pages of each pool a decode side wants; the payload of RESERVED.
 *
 * <pre>
 *   int pools; for each pool int first, int end: indices of pages
 * </pre>
 *
 * @param numbers [2 x pools] first and end of each
 */
record PageRanges(int[] numbers) {
  /** Those that are to be filled. */
  static PageRanges of(KvPages pages) {
    int[] numbers = new int[2 * pages.pools()];
    for (int pool = 0; pool < pages.pools(); pool++) {
      numbers[2 * pool] = pages.first(pool);
      numbers[2 * pool + 1] = pages.end(pool);
    }
    return new PageRanges(numbers);
  }

  Frame frame(long room) {
    int[] payload = new int[1 + numbers.length];
    payload[0] = numbers.length / 2;
    System.arraycopy(numbers, 0, payload, 1, numbers.length);
    return Frame.ints(Type.RESERVED, room, payload);
  }

  /**
   * Reads what {@link #frame} has written.
   *
   * @throws TransferException if these are no ranges
   */
  static PageRanges read(Frame frame) throws TransferException {
    int[] payload = frame.ints(frame.payload().remaining() / Integer.BYTES);
    if (payload.length == 0 || payload[0] < 0 || payload.length != 1L + 2L * payload[0]) {
      throw new TransferException("RESERVED: expected two numbers for each pool");
    }
    return new PageRanges(Arrays.copyOfRange(payload, 1, payload.length));
  }

  /**
   * Requires ranges that end where the pages do which are to be sent.
   *
   * @throws TransferException if they do not
   */
  void requireEnds(KvPages pages) throws TransferException {
    if (numbers.length != 2 * pages.pools()) {
      throw new TransferException(
          "RESERVED: expected " + pages.pools() + " pools, found " + numbers.length / 2);
    }
    for (int pool = 0; pool < pages.pools(); pool++) {
      if (end(pool) != pages.end(pool)) {
        throw new TransferException(
            "RESERVED: expected pages of pool %d up to %d, found %d"
                .formatted(pool, pages.end(pool), end(pool)));
      }
    }
  }

  /** Index of the first page of a pool. */
  int first(int pool) {
    return numbers[2 * pool];
  }

  /** Index behind the last page of a pool. */
  int end(int pool) {
    return numbers[2 * pool + 1];
  }
}
