package orrery.hisparse;

import orrery.graph.StreamRows;
import orrery.kernels.CachedRows;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvCache;

/**
 * The entries of one layer: all of them on the host, and on the device a buffer for each running
 * sequence. A buffer's rows are copies of rows on the host, as they are stored there.
 *
 * <p>Only {@link FetchEntries} changes it, a buffer in the hands of one share.
 */
public final class EntryBuffers {
  private final StreamRows host;
  private final DeviceBuffers shape;
  private final CachedRows rows; // [buffers][slots]
  private final EntryBuffer[] buffers; // [buffers]

  /**
   * @param host the layer's entries, on the host
   */
  public EntryBuffers(StreamRows host, DeviceBuffers shape) {
    this.host = host;
    this.shape = shape;
    int all = Math.multiplyExact(shape.count(), shape.slots());
    rows = CachedRows.allocate(host.stored().format(), host.width(), all);
    buffers = new EntryBuffer[shape.count()];
    for (int b = 0; b < buffers.length; b++) {
      buffers[b] = new EntryBuffer(host, rows, b * shape.slots(), shape.slots());
    }
  }

  /** The buffers of a stream of a cache; null if the stream's rows lie on the device. */
  public static EntryBuffers of(KvCache cache, StreamRows rows) {
    return cache.layout().onHost(rows.stream())
        ? new EntryBuffers(rows, cache.layout().buffers())
        : null;
  }

  /** Bytes of the books of all buffers of a stream, beside their rows. */
  public static long bookBytes(DeviceBuffers shape) {
    return shape.count() * EntryBuffer.bytes(shape.slots());
  }

  /** The entries on the host. */
  public StreamRows host() {
    return host;
  }

  /** The rows of all buffers, [buffers][slots]. */
  public CachedRows rows() {
    return rows;
  }

  /** Slots of a buffer. */
  int slots() {
    return shape.slots();
  }

  EntryBuffer buffer(int index) {
    return buffers[index];
  }

  @Override
  public String toString() {
    return shape.count() + " x " + shape.slots() + " slots";
  }
}
