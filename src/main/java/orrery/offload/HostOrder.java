package orrery.offload;

import java.util.LinkedHashSet;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import orrery.prefix.Retention;
import orrery.prefix.Stay;
import orrery.prefix.Stays;

/**
 * The order in which parts of one pool lose their slots: the lowest priority first, and among
 * equals the one that was used least recently.
 */
final class HostOrder {
  private final Stays<HostPart> stays;
  private final TreeMap<Integer, LinkedHashSet<HostPart>> parts = new TreeMap<>(); // by priority

  HostOrder(LongSupplier clock) {
    this.stays = new Stays<>(clock);
  }

  /** A new part, as the one that was used last. */
  HostPart add(Part part, int slot) {
    HostPart added = new HostPart(part, slot, stays);
    enter(added);
    return added;
  }

  private void enter(HostPart part) {
    parts.computeIfAbsent(part.stay.priority(), _ -> new LinkedHashSet<>()).addLast(part);
  }

  private void leave(HostPart part) {
    LinkedHashSet<HostPart> equals = parts.get(part.stay.priority());
    equals.remove(part);
    if (equals.isEmpty()) {
      parts.remove(part.stay.priority());
    }
  }

  /** Takes note that a part is used. */
  void touch(HostPart part) {
    parts.get(part.stay.priority()).addLast(part);
  }

  /** A part goes. */
  void remove(HostPart part) {
    leave(part);
    stays.gone(part.stay);
  }

  /** A part is kept like its block. */
  void retain(HostPart part, Stay<?> like) {
    if (part.stay.same(like)) {
      return; // it keeps its place
    }
    leave(part);
    stays.copy(like, part.stay);
    enter(part);
  }

  /** What is left of a part's retention. */
  Retention left(HostPart part) {
    return stays.left(part.stay);
  }

  /** Visits parts, the one that goes first before all others, as long as the visit wants more. */
  void each(Predicate<HostPart> visit) {
    for (HostPart due = stays.due(); due != null; due = stays.due()) {
      leave(due);
      stays.set(due.stay, Retention.DEFAULT);
      enter(due);
    }
    for (LinkedHashSet<HostPart> equals : parts.values()) {
      for (HostPart part : equals) {
        if (!visit.test(part)) {
          return;
        }
      }
    }
  }

  /** How many parts stand in the order. */
  int size() {
    return parts.values().stream().mapToInt(LinkedHashSet::size).sum();
  }
}
