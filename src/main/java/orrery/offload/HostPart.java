package orrery.offload;

import orrery.prefix.Block;
import orrery.prefix.Stay;
import orrery.prefix.Stays;

/** A part in a host slot. It stands in the order of eviction while nothing uses its slot. */
final class HostPart {
  final Part part;
  final int slot;
  final Stay<HostPart> stay; // as its block's
  private final HostOrder order;
  private long used; // the larger, the later; only its order sets it
  private Copy storing; // into the slot, not settled; null once the part is whole
  private Block source; // of that copy
  private boolean arriving; // from files, not settled
  private boolean behind; // files have it too, or have refused it
  private boolean flushed; // it goes as soon as nothing uses its slot
  private int readers; // loads that wait or run, a write to a file, requests that wait for it

  HostPart(Part part, int slot, HostOrder order, Stays<HostPart> stays) {
    this.part = part;
    this.slot = slot;
    this.order = order;
    this.stay = stays.of(this);
  }

  /** When it was last used: the larger, the later. */
  long used() {
    return used;
  }

  /** Sets when it was last used, while it stands in no order. */
  void used(long when) {
    used = when;
  }

  /** Takes note that the part is on its way, from the pages of this block. */
  void storing(Copy copy, Block from) {
    storing = copy;
    source = from;
    order.place(this);
  }

  /** The copy into the slot that is not settled; null if there is none. */
  Copy storing() {
    return storing;
  }

  /** Whether the part is on its way from the pages of this block. */
  boolean comesFrom(Block block) {
    return storing != null && source == block;
  }

  /** Takes note that the whole part lies here. */
  void stored() {
    storing = null;
    source = null;
    order.place(this);
  }

  /** Whether the part can be read. */
  boolean whole() {
    return storing == null && !arriving;
  }

  /** Whether the part is on its way from files. */
  boolean arriving() {
    return arriving;
  }

  /** Takes note that the part is on its way from files. */
  void arrive() {
    arriving = true;
    order.place(this);
  }

  /** Takes note that the whole part has come from files. */
  void arrived() {
    arriving = false;
    behind = true;
    order.place(this);
  }

  /** Whether there is no write to a file that would save anything. */
  boolean behind() {
    return behind;
  }

  /** Takes note whether files have the part, or have refused it. */
  void behind(boolean now) {
    behind = now;
  }

  /** One more reader: until it is gone, the slot keeps the part. */
  void read() {
    readers++;
    order.place(this);
  }

  /**
   * A reader is gone.
   *
   * @throws IllegalStateException if there is none
   */
  void unread() {
    if (readers == 0) {
      throw new IllegalStateException(part + " has no reader");
    }
    readers--;
    order.place(this);
  }

  /** Takes note that the part is not wanted any more, though something still uses its slot. */
  void flush() {
    flushed = true;
  }

  /** Whether the part is not wanted any more. */
  boolean flushed() {
    return flushed;
  }

  int readers() {
    return readers;
  }

  /** Whether another part may have the slot. */
  boolean evictable() {
    return whole() && readers == 0;
  }
}
