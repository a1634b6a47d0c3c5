package orrery.offload;

import java.lang.foreign.MemorySegment;
import java.util.List;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/** A host pool of one pool of the KV cache, and parts for its slots. */
final class HostSlots {
  private HostSlots() {}

  /** A host pool with small parts. */
  static HostPool pool(int slots) {
    KvLayout layout = new KvLayout(List.of(Stream.whole("key", 3), Stream.whole("value", 5)));
    return new HostPool(new PartLayout(layout, new KvGeometry(layout, 4)), new int[] {slots});
  }

  /** The part of this number. */
  static Part part(int number) {
    return new Part(Parts.part(number).block(), 0);
  }

  /** Its rows. */
  static MemorySegment rows(HostPool host, int number) {
    return rows(host, part(number));
  }

  /** The rows of a part. */
  static MemorySegment rows(HostPool host, Part part) {
    return Parts.rows(part, host.layout().bytes(0));
  }
}
