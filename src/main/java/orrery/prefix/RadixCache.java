package orrery.prefix;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

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
 * order is least recently used, least frequently used, or first in first out.
 */
public final class RadixCache implements PrefixCache {
  /** Which unlocked leaf is evicted first. */
  public enum Eviction {
    LRU(Comparator.comparingLong(n -> n.lastUse)),
    LFU(Comparator.<Node>comparingInt(n -> n.hits).thenComparingLong(n -> n.lastUse)),
    FIFO(Comparator.comparingLong(n -> n.born));

    private final Comparator<Node> order;

    Eviction(Comparator<Node> order) {
      this.order = order;
    }
  }

  /** The first block of an edge; a node finds its child by it. */
  private record Edge(String salt, List<Integer> tokens) {}

  private static final class Node {
    Node parent;
    final Map<Edge, Node> children = new HashMap<>();
    List<Block> blocks = new ArrayList<>();
    Edge edge;
    int locks;
    int hits;
    long lastUse;
    long born;
  }

  /** Holds a node and its ancestors; {@code blocks} is the length of that path. */
  private static final class NodeLease implements Lease {
    final String salt;
    Node node;
    int blocks;

    NodeLease(String salt, Node node, int blocks) {
      this.salt = salt;
      this.node = node;
      this.blocks = blocks;
    }
  }

  private final KvCache kv;
  private final Hits hits;
  private final int pageTokens;
  private final Eviction eviction;
  private final Node root = new Node();
  private long clock;

  /** An empty prefix cache over the pages of {@code kv}. */
  public RadixCache(KvCache kv, Eviction eviction) {
    this.kv = kv;
    this.hits = new Hits(kv);
    this.pageTokens = kv.geometry().pageTokens();
    this.eviction = eviction;
  }

  /** The nodes on the way to the longest match, and how many blocks of the last one match. */
  private record Path(List<Node> nodes, List<Block> blocks) {}

  private Path walk(int[] tokens, int limit, String salt) {
    List<Node> nodes = new ArrayList<>();
    List<Block> blocks = new ArrayList<>();
    Node node = root;
    int max = limit / pageTokens;
    while (blocks.size() < max) {
      Node child = node.children.get(edge(tokens, blocks.size(), salt));
      if (child == null) {
        break;
      }
      nodes.add(child);
      int before = blocks.size();
      for (int i = 0;
          i < child.blocks.size()
              && blocks.size() < max
              && child.blocks.get(i).holds(tokens, before + i);
          i++) {
        blocks.add(child.blocks.get(i));
      }
      if (blocks.size() - before < child.blocks.size()) {
        break;
      }
      node = child;
    }
    return new Path(nodes, blocks);
  }

  private Edge edge(int[] tokens, int block, String salt) {
    List<Integer> first =
        Arrays.stream(tokens, block * pageTokens, (block + 1) * pageTokens).boxed().toList();
    return new Edge(salt, first);
  }

  @Override
  public Match match(int[] tokens, int limit, String salt) {
    return hits.match(walk(tokens, limit, salt).blocks());
  }

  @Override
  public Hit acquire(int[] tokens, int limit, String salt, PageTable table) {
    Path path = walk(tokens, limit, salt);
    int n = hits.usable(path.blocks());
    hits.fill(table, path.blocks(), n);
    Node end = root;
    int depth = 0;
    for (Node node : path.nodes()) {
      if (depth == n) {
        break;
      }
      end = depth + node.blocks.size() > n ? split(node, n - depth) : node;
      depth += end.blocks.size();
      end.hits++;
      end.lastUse = ++clock;
    }
    for (int b = 0; b < n; b++) {
      path.blocks().get(b).lastUse = clock;
    }
    lock(end, 1);
    return new Hit(n * pageTokens, new NodeLease(salt, end, n));
  }

  /** Splits a node in two and returns the upper one, which has the first {@code at} blocks. */
  private Node split(Node node, int at) {
    Node upper = new Node();
    upper.parent = node.parent;
    upper.edge = node.edge;
    upper.locks = node.locks; // a sequence that locks the lower part locks the upper part too
    upper.hits = node.hits;
    upper.lastUse = node.lastUse;
    upper.born = node.born;
    upper.blocks = new ArrayList<>(node.blocks.subList(0, at));
    node.parent.children.put(node.edge, upper);
    node.blocks = new ArrayList<>(node.blocks.subList(at, node.blocks.size()));
    Block first = node.blocks.getFirst();
    node.edge = new Edge(node.edge.salt(), Arrays.stream(first.tokens).boxed().toList());
    node.parent = upper;
    upper.children.put(node.edge, node);
    return upper;
  }

  private void lock(Node node, int by) {
    for (Node n = node; n != null; n = n.parent) {
      n.locks += by;
    }
  }

  @Override
  public Lease fork(Lease lease) {
    NodeLease held = (NodeLease) lease;
    lock(held.node, 1);
    return new NodeLease(held.salt, held.node, held.blocks);
  }

  @Override
  public int insert(Lease lease, int[] tokens, int complete, PageTable table) {
    NodeLease held = (NodeLease) lease;
    int whole = complete / pageTokens;
    if (whole <= held.blocks) {
      return 0;
    }
    Node node = held.node;
    int depth = held.blocks;
    int added = 0;
    while (depth < whole) {
      Node child = node.children.get(edge(tokens, depth, held.salt));
      if (child == null) {
        node = append(node, held, tokens, depth, whole, table);
        added = whole - depth;
        depth = whole;
        break;
      }
      int same = 0;
      while (same < child.blocks.size()
          && depth + same < whole
          && child.blocks.get(same).holds(tokens, depth + same)) {
        adopt(child.blocks.get(same), depth + same, table);
        same++;
      }
      node = same < child.blocks.size() ? split(child, same) : child;
      node.lastUse = ++clock;
      depth += same;
    }
    lock(node, 1);
    lock(held.node, -1);
    held.node = node;
    held.blocks = depth;
    return added;
  }

  /**
   * Adds new blocks of a running sequence: they lengthen its own leaf, or they become a new leaf.
   */
  private Node append(Node node, NodeLease held, int[] tokens, int from, int to, PageTable table) {
    List<Block> blocks = new ArrayList<>();
    for (int b = from; b < to; b++) {
      Block block = Block.keep(kv, tokens, b, table);
      block.lastUse = ++clock;
      blocks.add(block);
    }
    boolean ownLeaf =
        node != root && node == held.node && node.locks == 1 && node.children.isEmpty();
    if (ownLeaf) {
      node.blocks.addAll(blocks);
      node.lastUse = clock;
      return node;
    }
    Node leaf = new Node();
    leaf.parent = node;
    leaf.blocks = blocks;
    leaf.edge = edge(tokens, from, held.salt);
    leaf.born = clock;
    leaf.lastUse = clock;
    node.children.put(leaf.edge, leaf);
    return leaf;
  }

  /**
   * The sequence takes over the pages of an equal block, and its own pages become free. In a
   * windowed pool the sequence keeps its own pages: they become free soon anyway, and the scheduler
   * counts on that.
   */
  private void adopt(Block block, int index, PageTable table) {
    block.revive(kv, index, table);
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int per = pageTokens / kv.geometry().span(pool);
      for (int i = 0; i < per && !hits.windowed(pool); i++) {
        int at = index * per + i;
        if (table.pages(pool)[at] != block.pages(pool)[i]) {
          kv.replace(table, pool, at, block.pages(pool)[i]);
        }
      }
    }
  }

  @Override
  public void release(Lease lease) {
    lock(((NodeLease) lease).node, -1);
  }

  @Override
  public int evict(int pool, int pages) {
    int before = kv.pool(pool).available();
    if (hits.windowed(pool)) {
      evictWindow(pool, before + pages);
    }
    if (kv.pool(pool).available() < before + pages) {
      evictLeaves(pool, before + pages);
    }
    return kv.pool(pool).available() - before;
  }

  private void evictLeaves(int pool, int wanted) {
    PriorityQueue<Node> leaves = new PriorityQueue<>(eviction.order);
    each(root, node -> addIfEvictable(leaves, node));
    while (kv.pool(pool).available() < wanted && !leaves.isEmpty()) {
      Node leaf = leaves.poll();
      // The tail first: its rows are of the least use to other sequences.
      for (int b = leaf.blocks.size() - 1; b >= 0; b--) {
        leaf.blocks.get(b).evictAll(kv);
      }
      leaf.parent.children.remove(leaf.edge);
      addIfEvictable(leaves, leaf.parent);
    }
  }

  private void addIfEvictable(PriorityQueue<Node> leaves, Node node) {
    if (node != root && node.children.isEmpty() && node.locks == 0) {
      leaves.add(node);
    }
  }

  /**
   * Makes tombstones: evicts window pages that no sequence holds, the oldest first. Their blocks
   * stay.
   */
  private void evictWindow(int pool, int wanted) {
    PriorityQueue<Block> oldest = new PriorityQueue<>(Comparator.comparingLong(b -> b.lastUse));
    each(root, node -> node.blocks.stream().filter(b -> b.idle(kv, pool)).forEach(oldest::add));
    while (kv.pool(pool).available() < wanted && !oldest.isEmpty()) {
      oldest.poll().evict(kv, pool);
    }
  }

  private static void each(Node node, java.util.function.Consumer<Node> visit) {
    visit.accept(node);
    node.children.values().forEach(child -> each(child, visit));
  }

  @Override
  public void clear() {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      evictLeaves(pool, Integer.MAX_VALUE);
    }
  }

  @Override
  public int blocks() {
    int[] count = {0};
    each(root, node -> count[0] += node.blocks.size());
    return count[0];
  }

  @Override
  public void check() {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int p = pool;
      int[] cached = {0};
      each(
          root,
          node -> {
            int below = node.children.values().stream().mapToInt(child -> child.locks).sum();
            if (node.locks < below || node.locks < 0) {
              throw new IllegalStateException(
                  "a node has " + node.locks + " locks, its children " + below);
            }
            for (Block block : node.blocks) {
              for (int i = 0; block.live(p) && i < block.pages(p).length; i++) {
                if (!kv.pool(p).isCached(block.pages(p)[i])) {
                  throw new IllegalStateException("a block names a page that is not cached");
                }
                cached[0]++;
              }
            }
          });
      requireAllCachedPagesFound(kv, pool, cached[0]);
    }
  }

  static void requireAllCachedPagesFound(KvCache kv, int pool, int found) {
    int cached = 0;
    for (int page = 1; page < kv.pool(pool).total(); page++) {
      cached += kv.pool(pool).isCached(page) ? 1 : 0;
    }
    if (cached != found) {
      throw new IllegalStateException(
          "pool " + pool + ": blocks name " + found + " pages, " + cached + " are cached");
    }
  }
}
