package orrery.prefix;

import java.util.Comparator;
import java.util.Objects;
import java.util.TreeSet;

/**
 * The nodes of a {@link RadixCache} that can go: leaves without locks. The lowest priority goes
 * first; among equals, the order of the cache decides.
 */
final class RadixLeaves {
  private final Stays<RadixNode> stays;
  private final KeptPages kept;
  private final int pageTokens;
  private final TreeSet<RadixNode> leaves;

  RadixLeaves(Comparator<RadixNode> order, Stays<RadixNode> stays, KeptPages kept, int pageTokens) {
    this.stays = stays;
    this.kept = kept;
    this.pageTokens = pageTokens;
    this.leaves =
        new TreeSet<>(
            Comparator.<RadixNode>comparingInt(n -> n.stay.priority()).thenComparing(order));
  }

  /** The node that is evicted first. */
  RadixNode first() {
    return leaves.first();
  }

  void add(RadixNode leaf) {
    leaves.add(leaf);
  }

  void remove(RadixNode leaf) {
    leaves.remove(leaf);
  }

  boolean contains(RadixNode node) {
    return leaves.contains(node);
  }

  boolean isEmpty() {
    return leaves.isEmpty();
  }

  int size() {
    return leaves.size();
  }

  /** Nodes whose time is over have the usual priority again. */
  void refresh() {
    for (RadixNode due = stays.due(); due != null; due = stays.due()) {
      retain(due, Retention.DEFAULT);
    }
  }

  /** Locks a node and those above it, or unlocks them. */
  void lock(RadixNode node, int by) {
    for (RadixNode n = node; n != null; n = n.parent) {
      if (n.unlockedLeaf()) {
        leaves.remove(n);
      }
      n.locks += by;
      if (n.locks == 0 && stays.begin(n.stay)) {
        n.blocks().forEach(kept::retained);
      }
      if (n.unlockedLeaf()) {
        leaves.add(n);
      }
    }
  }

  /**
   * Gives the blocks [from, to) of a path what its sequence wants. The path is locked, and a node
   * begins at {@code from}. Where what is wanted changes, a node is split.
   */
  void retain(RadixNode end, int from, int to, Retentions retentions) {
    if (retentions == Retentions.NONE) {
      return;
    }
    int last = to;
    for (RadixNode node = end; last > from; node = node.parent) {
      int begin = last - node.blocks().size();
      Retention wanted = change(node, retentions, --last);
      while (last > begin && Objects.equals(wanted, change(node, retentions, last - 1))) {
        last--;
      }
      if (last > begin) {
        node.split(last - begin, stays);
      }
      if (wanted != null) {
        retain(node, wanted);
      }
    }
  }

  /** What a sequence wants for a block of a node; null if that is what it has. */
  private Retention change(RadixNode node, Retentions retentions, int block) {
    Retention wanted = retentions.at(block * pageTokens);
    return wanted == null || node.stay.is(wanted) ? null : wanted;
  }

  private void retain(RadixNode node, Retention retention) {
    boolean queued = node.unlockedLeaf() && leaves.remove(node);
    stays.set(node.stay, retention);
    node.blocks().forEach(kept::retained);
    if (queued) {
      leaves.add(node);
    }
  }
}
