package orrery.prefix;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import orrery.prefix.PrefixCache.Lease;
import orrery.prefix.RadixNode.Placed;

/** The blocks of a {@link RadixCache}, read from its tree. */
final class RadixBook extends BlockBook {
  private final RadixNode root;

  RadixBook(RadixNode root) {
    this.root = root;
  }

  @Override
  void walk(Visit visit) {
    Deque<RadixNode> nodes = new ArrayDeque<>(List.of(root));
    while (!nodes.isEmpty()) {
      RadixNode node = nodes.poll();
      Block before = node == root ? null : last(node.parent);
      for (Block block : node.blocks()) {
        visit.block(block, before, node.locks);
        before = block;
      }
      nodes.addAll(node.children.values());
    }
  }

  @Override
  Block before(Block block) {
    RadixNode node = ((Placed) block).node;
    int at = node.blocks().lastIndexOf(block); // new blocks stand at the end
    return at > 0 ? node.blocks().get(at - 1) : last(node.parent);
  }

  @Override
  Block end(Lease lease) {
    return last(((RadixCache.NodeLease) lease).node);
  }

  /** The last block of a node; null for the root. */
  private static Block last(RadixNode node) {
    return node.blocks().isEmpty() ? null : node.blocks().getLast();
  }
}
