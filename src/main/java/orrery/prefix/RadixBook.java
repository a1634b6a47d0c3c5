package orrery.prefix;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.ObjIntConsumer;
import orrery.prefix.PrefixCache.Lease;

/** The blocks of a {@link RadixCache}, read from its tree. */
final class RadixBook extends BlockBook {
  private final RadixNode root;

  RadixBook(RadixNode root) {
    this.root = root;
  }

  @Override
  void walk(ObjIntConsumer<Block> visit) {
    Deque<RadixNode> nodes = new ArrayDeque<>(List.of(root));
    while (!nodes.isEmpty()) {
      RadixNode node = nodes.poll();
      node.blocks().forEach(block -> visit.accept(block, node.locks));
      nodes.addAll(node.children.values());
    }
  }

  @Override
  Block end(Lease lease) {
    return ((RadixCache.NodeLease) lease).node.last();
  }
}
