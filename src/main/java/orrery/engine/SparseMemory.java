package orrery.engine;

import java.util.List;
import java.util.Locale;
import orrery.engine.HeapPlan.Memory;
import orrery.hisparse.EntryBuffers;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Activations;

/**
 * What sparse offload adds to a {@link HeapPlan}, which then tells apart what lies on the device
 * and what on the host. In this engine both are the heap.
 */
final class SparseMemory {
  private SparseMemory() {}

  /** Bytes of a stream's pages. */
  static long bytes(KvLayout layout, KvGeometry g, long[] pages, int stream) {
    Stream s = layout.streams().get(stream);
    int pool = layout.poolOf(stream);
    return Heap.times(pages[pool] + 1, s.bytes(g.span(pool)));
  }

  /**
   * The kinds of memory that it adds; none if all rows lie on the device.
   *
   * @param option that decides how many tokens the KV cache has
   */
  static List<HeapPlan.Kind> kinds(String option, KvLayout layout, KvGeometry g, long[] pages) {
    DeviceBuffers buffers = layout.buffers();
    if (!buffers.any()) {
      return List.of();
    }
    long host = 0;
    long books = 0;
    for (int s = 0; s < layout.streams().size(); s++) {
      if (layout.onHost(s)) {
        host = Heap.plus(host, bytes(layout, g, pages, s));
        books = Heap.plus(books, EntryBuffers.bookBytes(buffers));
      }
    }
    String entries =
        words("entries on the host of a KV cache of %,d tokens", Heap.times(pages[0], g.span(0)));
    String device =
        words(
            "device buffers of %,d entries in each layer with an indexer, for each of %,d"
                + " max-running-requests",
            buffers.slots(), buffers.count());
    return List.of(
        new HeapPlan.Kind(option, entries, host, Memory.HOST_ENTRIES),
        new HeapPlan.Kind(
            "hisparse-config",
            device,
            Heap.plus(layout.bufferBytes(), books),
            Memory.DEVICE_CACHE));
  }

  private static String words(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** The same with the places of selected entries, for each row. */
  static Activations with(KvLayout layout, Activations a) {
    long places = layout.buffers().any() ? (long) Integer.BYTES * layout.chosen() : 0;
    return new Activations(
        a.row() + places, a.logitRow(), a.positions(), a.thread(), a.ops(), a.opsRow());
  }
}
