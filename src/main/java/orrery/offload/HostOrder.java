package orrery.offload;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import orrery.prefix.Retention;
import orrery.prefix.Stay;
import orrery.prefix.Stays;

/**
 * The order in which parts of one pool lose their slots: the lowest priority first, and among
 * equals the one that was used least recently. Only parts stand in it whose slot nothing uses. So
 * an eviction never walks past those that wait for a slow disk; a part returns to its old place
 * when its slot is not in use any more.
 */
final class HostOrder {
  private final Stays<HostPart> stays;
  private final TreeSet<HostPart> parts =
      new TreeSet<>(
          Comparator.comparingInt((HostPart part) -> part.stay.priority())
              .thenComparingLong(HostPart::used));
  private long uses; // so far: no two parts have the same number

  HostOrder(LongSupplier clock) {
    this.stays = new Stays<>(clock);
  }

  /** A new part, as the one that was used last. */
  HostPart add(Part part, int slot) {
    HostPart added = new HostPart(part, slot, this, stays);
    added.used(++uses);
    place(added);
    return added;
  }

  /** Takes note that a use of a part's slot may have begun or ended. */
  void place(HostPart part) {
    if (part.evictable()) {
      parts.add(part);
    } else {
      parts.remove(part);
    }
  }

  /** Takes note that a part is used. */
  void touch(HostPart part) {
    parts.remove(part);
    part.used(++uses);
    place(part);
  }

  /** A part goes. */
  void remove(HostPart part) {
    parts.remove(part);
    stays.gone(part.stay);
  }

  /** A part is kept like its block. */
  void retain(HostPart part, Stay<?> like) {
    if (!part.stay.same(like)) { // else it need not move
      parts.remove(part);
      stays.copy(like, part.stay);
      place(part);
    }
  }

  /** What is left of a part's retention. */
  Retention left(HostPart part) {
    return stays.left(part.stay);
  }

  /**
   * The parts that go first.
   *
   * @param most parts
   * @param priority the highest that may go
   */
  List<HostPart> first(int most, int priority) {
    for (HostPart due = stays.due(); due != null; due = stays.due()) {
      parts.remove(due);
      stays.set(due.stay, Retention.DEFAULT);
      place(due);
    }
    List<HostPart> first = new ArrayList<>();
    for (HostPart part : parts) {
      if (first.size() == most || part.stay.priority() > priority) {
        break;
      }
      first.add(part);
    }
    return first;
  }

  /** How many parts stand in the order. */
  int size() {
    return parts.size();
  }
}
