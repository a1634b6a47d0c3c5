package orrery.kv;

/**
 * What the device holds of streams from which a row chooses entries, if all of their rows lie on
 * the host: for each running sequence a buffer in each of these streams.
 *
 * @param slots entries that a buffer holds; 0 if everything lies on the device
 * @param count buffers of each stream, one for each sequence that can be in a step
 */
public record DeviceBuffers(int slots, int count) {
  /** No buffers: all rows lie on the device. */
  public static final DeviceBuffers NONE = new DeviceBuffers(0, 0);

  /**
   * @throws IllegalArgumentException if there are buffers without slots, or slots without buffers
   */
  public DeviceBuffers {
    if (slots < 0 || count < 0 || (slots == 0) != (count == 0)) {
      throw new IllegalArgumentException(
          "device buffers: expected buffers with slots, or none, found "
              + count
              + " buffers of "
              + slots
              + " slots");
    }
  }

  /** Whether there are any. */
  public boolean any() {
    return slots > 0;
  }

  /** Bytes of all buffers of a stream. */
  long bytes(Stream stream) {
    return (long) stream.format().bytes(stream.width()) * slots * count;
  }
}
