package orrery.prefix;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.kv.KvGeometry;

/** A run of blocks in the tree of {@link RadixCache}, and the runs that may follow it. */
final class RadixNode {
  /**
   * The first block of a node, by which its parent finds it. It is a view of an array, so a look-up
   * copies nothing.
   */
  static final class Edge {
    private final String salt;
    private final int[] tokens;
    private final int from;
    private final int to;
    private final int hash;

    /** The edge of block {@code index} of P tokens. */
    Edge(String salt, int[] tokens, int index, int pageTokens) {
      this.salt = salt;
      this.tokens = tokens;
      this.from = index * pageTokens;
      this.to = from + pageTokens;
      int h = salt.hashCode();
      for (int i = from; i < to; i++) {
        h = 31 * h + tokens[i];
      }
      this.hash = h;
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    public boolean equals(Object o) {
      return o instanceof Edge e
          && Arrays.equals(tokens, from, to, e.tokens, e.from, e.to)
          && salt.equals(e.salt);
    }
  }

  /** A block that knows its place in the tree. */
  static final class Placed extends Block {
    RadixNode node;

    Placed(KvGeometry geometry, int[] sequence, int index) {
      super(geometry, sequence, index);
    }

    @Override
    public Stay<?> stay() {
      return node.stay;
    }
  }

  final Map<Edge, RadixNode> children = new HashMap<>();
  private final List<Placed> blocks = new ArrayList<>();
  final String salt;
  final long born;
  final Stay<RadixNode> stay; // of all its blocks
  RadixNode parent; // null for the root
  int locks; // sequences that hold this node or one below it
  int hits;
  long lastUse;

  RadixNode(RadixNode parent, String salt, long born, Stays<RadixNode> stays) {
    this.stay = stays.of(this);
    this.parent = parent;
    this.salt = salt;
    this.born = born;
  }

  List<Placed> blocks() {
    return blocks;
  }

  void add(Placed block) {
    block.node = this;
    blocks.add(block);
  }

  /** Whether this node can go: nothing stands on it and no sequence holds it. */
  boolean unlockedLeaf() {
    return parent != null && locks == 0 && children.isEmpty();
  }

  /** Whether no block has a page left. */
  boolean empty() {
    for (int i = blocks.size() - 1; i >= 0; i--) { // a tail lives longest
      if (!blocks.get(i).empty()) {
        return false;
      }
    }
    return true;
  }

  /** Links this node to its parent; it must have its first block. */
  void attach() {
    parent.children.put(edge(), this);
  }

  void detach() {
    parent.children.remove(edge());
  }

  private Edge edge() {
    int[] first = blocks.getFirst().tokens; // a copy of its own, unlike the tokens of a sequence
    return new Edge(salt, first, 0, first.length);
  }

  /** Splits this node in two and returns the upper one, which has the first {@code at} blocks. */
  RadixNode split(int at, Stays<RadixNode> stays) {
    RadixNode upper = new RadixNode(parent, salt, born, stays);
    stays.copy(stay, upper.stay);
    upper.locks = locks; // a sequence that locks the lower part locks the upper part too
    upper.hits = hits;
    upper.lastUse = lastUse;
    List<Placed> head = blocks.subList(0, at);
    head.forEach(upper::add);
    head.clear();
    upper.attach(); // in place of this node, since their edges were equal
    parent = upper;
    attach();
    return upper;
  }
}
