package orrery.prefix;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongSupplier;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.prefix.RadixNode.Edge;
import orrery.prefix.RadixNode.Placed;

/**
 * SGLang's radix cache: a tree whose edges are runs of blocks ("Efficiently Programming Large
 * Language Models using SGLang", Zheng et al., 2023; {@code mem_cache/radix_cache.py}).
 *
 * <pre>
 *   salt ── [sys prompt ····]──┬──[question A ··][answer ·]
 *             locks 2          └──[question B ·]
 * </pre>
 *
 * <p>A sequence locks its path to the root. A match that ends inside a node splits that node. Only
 * a leaf that no sequence locks is evicted, always as a whole; then its parent may be the next. The
 * lowest priority goes first ({@link Retention}); among equals the order is least recently used,
 * least frequently used, or first in first out. All blocks of a node have one retention: where it
 * changes, another node begins. In a pool with a window, eviction takes single pages, by priority
 * and in the order in which they became idle; their blocks stay.
 */
public final class RadixCache extends BlockCache {
  /**
   * Which unlocked leaf is evicted first, of those with the lowest priority. Single pages of a
   * window go in the order in which they became idle; so in a cache of windows only, the three
   * orders are the same.
   */
  public enum Eviction {
    LRU(Comparator.comparingLong(n -> n.lastUse)),
    LFU(Comparator.<RadixNode>comparingInt(n -> n.hits).thenComparingLong(n -> n.lastUse)),
    FIFO(Comparator.comparingLong(n -> n.born));

    private final Comparator<RadixNode> order;

    Eviction(Comparator<RadixNode> order) {
      this.order = order;
    }
  }

  /** Holds a node and its ancestors; {@code blocks} is the length of that path. */
  static final class NodeLease implements Lease {
    final String salt;
    final Retentions retentions;
    RadixNode node;
    int blocks;

    NodeLease(String salt, Retentions retentions, RadixNode node, int blocks) {
      this.salt = salt;
      this.retentions = retentions;
      this.node = node;
      this.blocks = blocks;
    }
  }

  private final Stays<RadixNode> stays;
  private final RadixNode root;
  private final RadixLeaves leaves;
  private int blocks;
  private long clock; // no two leaves have the same time, so their order is strict

  /** An empty prefix cache over the pages of {@code kv}. */
  public RadixCache(KvCache kv, Eviction eviction) {
    this(kv, eviction, System::nanoTime);
  }

  /**
   * An empty prefix cache over the pages of {@code kv}.
   *
   * @param clock nanoseconds, by which retentions end
   */
  public RadixCache(KvCache kv, Eviction eviction, LongSupplier clock) {
    Stays<RadixNode> ends = new Stays<>(clock);
    RadixNode top = new RadixNode(null, "", 0, ends);
    super(kv, new RadixBook(top), clock);
    this.stays = ends;
    this.root = top;
    this.leaves = new RadixLeaves(eviction.order, stays, kept, pageTokens);
  }

  /** The nodes on the way to the longest match, and the blocks of it. */
  private record Path(String salt, List<RadixNode> nodes, List<Block> blocks) implements Walk {}

  @Override
  public Walk walk(int[] tokens, int limit, String salt) {
    List<RadixNode> nodes = new ArrayList<>();
    List<Block> found = new ArrayList<>();
    int max = limit / pageTokens;
    RadixNode node = root;
    while (node != null && found.size() < max) {
      node = node.children.get(new Edge(salt, tokens, found.size(), pageTokens));
      if (node != null) {
        nodes.add(node);
        int same = same(node, tokens, found.size(), max);
        found.addAll(node.blocks().subList(0, same));
        node = same < node.blocks().size() ? null : node;
      }
    }
    return new Path(salt, nodes, found);
  }

  /** How many blocks of a node are those of a sequence from block {@code from} on. */
  private static int same(RadixNode node, int[] tokens, int from, int to) {
    int same = 0;
    while (same < node.blocks().size()
        && from + same < to
        && node.blocks().get(same).holds(tokens, from + same)) {
      same++;
    }
    return same;
  }

  @Override
  public Lease hold(Walk walk, int n, Retentions retentions) {
    Path path = (Path) walk;
    RadixNode end = root;
    int depth = 0;
    for (int i = 0; depth < n; i++) {
      end = path.nodes().get(i);
      int rest = n - depth;
      end = rest < end.blocks().size() ? end.split(rest, stays) : end;
      depth += end.blocks().size();
    }
    leaves.lock(end, 1); // before its place in the order of eviction changes
    leaves.retain(end, 0, n, retentions);
    for (RadixNode node = end; node != root; node = node.parent) {
      node.hits++;
      node.lastUse = ++clock;
    }
    return new NodeLease(path.salt(), retentions, end, n);
  }

  @Override
  public List<Block> held(Lease lease, int from, int to) {
    NodeLease held = (NodeLease) lease;
    Block[] blocks = new Block[to - from];
    int end = held.blocks;
    for (RadixNode node = held.node; end > from; node = node.parent) {
      int begin = end - node.blocks().size();
      for (int i = Math.max(begin, from); i < Math.min(end, to); i++) {
        blocks[i - from] = node.blocks().get(i - begin);
      }
      end = begin;
    }
    return List.of(blocks);
  }

  @Override
  public Lease fork(Lease lease) {
    NodeLease held = (NodeLease) lease;
    leaves.lock(held.node, 1);
    return new NodeLease(held.salt, held.retentions, held.node, held.blocks);
  }

  @Override
  public int insert(Lease lease, int[] tokens, int complete, PageTable table) {
    NodeLease held = (NodeLease) lease;
    int whole = complete / pageTokens;
    int before = blocks;
    if (whole <= held.blocks) {
      return 0;
    }
    RadixNode node = held.node;
    int depth = held.blocks;
    while (depth < whole) {
      RadixNode child = node.children.get(new Edge(held.salt, tokens, depth, pageTokens));
      if (child == null) {
        for (; depth < whole; depth++) {
          node = leafFor(node, held, depth);
          append(node, tokens, depth, table);
        }
        break;
      }
      int same = same(child, tokens, depth, whole);
      for (Placed block : child.blocks().subList(0, same)) {
        adopt(block, depth++, table);
      }
      node = same < child.blocks().size() ? child.split(same, stays) : child;
    }
    leaves.lock(node, 1);
    leaves.retain(node, held.blocks, whole, held.retentions);
    for (RadixNode n = node; n != held.node; n = n.parent) {
      n.lastUse = ++clock;
    }
    leaves.lock(held.node, -1);
    held.node = node;
    held.blocks = whole;
    return blocks - before;
  }

  /**
   * The node for a new block of a running sequence: it lengthens the leaf that the sequence has or
   * has just begun, or it begins a new leaf.
   */
  private RadixNode leafFor(RadixNode node, NodeLease held, int index) {
    Retention wanted = held.retentions.at(index * pageTokens);
    wanted = wanted == null ? Retention.DEFAULT : wanted;
    boolean own = node == held.node ? node.locks == 1 : node.locks == 0 && !leaves.contains(node);
    if (node != root && own && node.children.isEmpty() && node.stay.is(wanted)) {
      return node;
    }
    if (node.unlockedLeaf()) {
      leaves.remove(node); // it will have a child
    }
    RadixNode leaf = new RadixNode(node, held.salt, ++clock, stays);
    stays.set(leaf.stay, wanted);
    return leaf;
  }

  private void append(RadixNode leaf, int[] tokens, int index, PageTable table) {
    Placed block = new Placed(kv.geometry(), tokens, index);
    leaf.add(block);
    book().touched(block); // though it may keep no page
    kept.keep(block, index, table);
    if (leaf.blocks().size() == 1) {
      leaf.attach();
    }
    leaf.lastUse = ++clock;
    blocks++;
  }

  /**
   * The sequence takes over the pages of an equal block, and its own pages become free; pages that
   * the block lacks it gets from the sequence. In a windowed pool the sequence keeps its own pages:
   * they become free soon anyway, and the scheduler counts on that.
   */
  private void adopt(Block block, int index, PageTable table) {
    kept.keep(block, index, table);
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int per = kv.geometry().perBlock(pool);
      for (int i = 0; i < per && kv.geometry().needsAll(pool); i++) {
        int at = index * per + i;
        if (table.pages(pool)[at] != block.page(pool, i)) {
          kv.replace(table, pool, at, block.page(pool, i));
        }
      }
    }
  }

  @Override
  public void release(Lease lease) {
    RadixNode node = ((NodeLease) lease).node;
    leaves.lock(node, -1);
    forget(node);
  }

  @Override
  public int evict(int pool, int pages) {
    if (kv.pool(pool).idle() < pages) {
      return 0;
    }
    leaves.refresh();
    int before = kv.pool(pool).available();
    while (kv.pool(pool).available() - before < pages) {
      if (kv.geometry().needsAll(pool)) {
        remove(leaves.first());
      } else {
        forget(((Placed) kept.dropFirst(pool)).node);
      }
    }
    return kv.pool(pool).available() - before;
  }

  private void remove(RadixNode leaf) {
    leaves.remove(leaf);
    // The tail first: its rows are of the least use to other sequences.
    leaf.blocks().reversed().forEach(kept::drop);
    blocks -= leaf.blocks().size();
    stays.gone(leaf.stay);
    leaf.detach();
    if (leaf.parent.unlockedLeaf()) {
      leaves.add(leaf.parent);
    }
  }

  /** Removes an unlocked leaf that has no page left. Then its parent may be the next. */
  private void forget(RadixNode node) {
    for (RadixNode n = node; n.unlockedLeaf() && n.empty(); n = n.parent) {
      remove(n);
    }
  }

  @Override
  public void clear() {
    while (!leaves.isEmpty()) {
      remove(leaves.first());
    }
  }

  @Override
  public int blocks() {
    return blocks;
  }

  @Override
  public BlockBook book() {
    return kept.book();
  }

  @Override
  public void check() {
    List<RadixNode> nodes = new ArrayList<>(List.of(root));
    List<Block> all = new ArrayList<>();
    int unlocked = 0;
    for (int i = 0; i < nodes.size(); i++) {
      RadixNode node = nodes.get(i);
      nodes.addAll(node.children.values());
      all.addAll(node.blocks());
      int below = node.children.values().stream().mapToInt(child -> child.locks).sum();
      if (node.locks < below || node.locks < 0) {
        throw new IllegalStateException(
            "a node has " + node.locks + " locks, its children " + below);
      }
      if (node.unlockedLeaf() && !leaves.contains(node)) {
        throw new IllegalStateException("a leaf without locks is not among those to evict");
      }
      unlocked += node.unlockedLeaf() ? 1 : 0;
    }
    if (unlocked != leaves.size() || all.size() != blocks) {
      throw new IllegalStateException(
          String.format(
              "%d leaves without locks and %d blocks are booked, found %d and %d",
              leaves.size(), blocks, unlocked, all.size()));
    }
    kept.check(all);
  }
}
