package orrery.offload;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import orrery.prefix.Retention;

/**
 * Parts that are being read from files into host slots. Only the engine's thread touches it.
 *
 * <p>A part from files has the usual priority until a sequence says more about it. So parts of
 * higher priority do not go for it.
 */
final class PartReads {
  private final DiskQueue queue;
  private final HostIndex host;
  private final int pools;
  private final Map<Prefetch, Reading> running = new LinkedHashMap<>(); // not settled
  private final Map<Part, Reading> arriving = new HashMap<>();

  PartReads(DiskQueue queue, HostIndex host, int pools) {
    this.queue = queue;
    this.host = host;
    this.pools = pools;
  }

  /** The read that a part comes with. */
  Reading of(HostPart part) {
    return arriving.get(part.part);
  }

  /** Slots for the first of these parts, as many as can be had. */
  List<HostPart> take(Collection<Part> wanted) {
    List<HostPart> taken = new ArrayList<>();
    for (Part part : wanted) {
      HostPart added = host.add(part, Retention.USUAL);
      if (added == null) {
        break;
      }
      added.arrive();
      host.storing(part.pool(), 1);
      taken.add(added);
    }
    return taken;
  }

  /**
   * Begins to read into slots.
   *
   * @throws IllegalStateException if the queue was not asked whether there is room
   */
  Reading begin(List<HostPart> parts) {
    int[] slots = parts.stream().mapToInt(part -> part.slot).toArray(); // [parts]
    Prefetch job = new Prefetch(parts.stream().map(p -> p.part).toList(), slots);
    if (!queue.read(job)) {
      throw new IllegalStateException("too many reads wait for " + job);
    }
    Reading read = new Reading(job, parts);
    running.put(job, read);
    parts.forEach(part -> arriving.put(part.part, read));
    return read;
  }

  private void drop(HostPart part) {
    arriving.remove(part.part);
    host.storing(part.part.pool(), -1);
    host.remove(part);
  }

  /** Takes note of the parts that have come, and hands them over. */
  void came(BiConsumer<Reading, HostPart> each) {
    for (Reading read : running.values()) {
      for (int came = read.job.came(); read.whole < came; read.whole++) {
        HostPart part = read.parts.get(read.whole);
        part.arrived();
        arriving.remove(part.part);
        host.storing(part.part.pool(), -1);
        each.accept(read, part);
        host.rest(part);
      }
    }
  }

  /** A read has ended, whose parts have {@link #came}; the slots of the others are free again. */
  Reading ended(Prefetch job) {
    Reading read = running.remove(job);
    read.missing().forEach(this::drop);
    read.ended = true;
    return read;
  }

  /**
   * Recounts the parts that are being read.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void check() {
    int[] found = new int[1];
    for (int pool = 0; pool < pools; pool++) {
      host.each(pool, part -> found[0] += part.arriving() ? 1 : 0);
    }
    int expected = running.values().stream().mapToInt(r -> r.missing().size()).sum();
    if (found[0] != expected || arriving.size() != expected) {
      throw new IllegalStateException(
          expected
              + " parts are being read, but "
              + found[0]
              + " slots wait for one, and "
              + arriving.size()
              + " names");
    }
  }
}
