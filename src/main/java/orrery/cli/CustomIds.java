package orrery.cli;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * The custom ids of a batch's lines, which must all differ, and the line of each id. Only 128 bits
 * of an id's SHA-256 are kept. So a million lines take 40 MB, however long their ids are; that two
 * ids agree in these bits will not happen by chance.
 */
final class CustomIds {
  private static final int FIRST_CAPACITY = 1024; // a power of two, as are all later capacities

  private long[] keys = new long[2 * FIRST_CAPACITY]; // [capacity][2] an id's bits
  private int[] lines = new int[FIRST_CAPACITY]; // [capacity] 0: free
  private int count;

  /**
   * Adds a line's id, if it is new.
   *
   * @param line from 1
   * @return the line that has this id already, or 0
   */
  int add(String id, int line) {
    ByteBuffer digest = ByteBuffer.wrap(sha256(id));
    int slot = slot(digest.getLong(0), digest.getLong(8));
    if (lines[slot] != 0) {
      return lines[slot];
    }
    put(slot, digest.getLong(0), digest.getLong(8), line);
    if (++count > lines.length / 2) {
      grow();
    }
    return 0;
  }

  /** The slot of a key; if the key is new, the first free slot from its own on. */
  private int slot(long high, long low) {
    int slot = (int) high & lines.length - 1;
    while (lines[slot] != 0 && (keys[2 * slot] != high || keys[2 * slot + 1] != low)) {
      slot = slot + 1 & lines.length - 1;
    }
    return slot;
  }

  private void put(int slot, long high, long low, int line) {
    keys[2 * slot] = high;
    keys[2 * slot + 1] = low;
    lines[slot] = line;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldLines = lines;
    keys = new long[2 * oldKeys.length];
    lines = new int[2 * oldLines.length];
    for (int i = 0; i < oldLines.length; i++) {
      if (oldLines[i] != 0) {
        long[] key = Arrays.copyOfRange(oldKeys, 2 * i, 2 * i + 2);
        put(slot(key[0], key[1]), key[0], key[1], oldLines[i]);
      }
    }
  }

  private static byte[] sha256(String id) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
