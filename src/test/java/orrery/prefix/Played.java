package orrery.prefix;

import java.util.Arrays;
import orrery.kv.Arrival;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/**
 * A sequence with made-up rows. The row of a token in every stream is a hash of all tokens up to
 * it, as a real row is a function of these tokens. So a page with the rows of another sequence
 * shows.
 *
 * <p>Streams with a name that begins with {@code late} are those of a drafter that may put rows
 * off: they are written only up to the complete tokens.
 */
final class Played {
  private final KvCache kv;
  private final PrefixCache cache;
  final String salt;
  final PageTable table;
  final PrefixCache.Lease lease;
  final int hit;
  int[] tokens;
  int computed;
  int complete;
  private int[] hashes = new int[0]; // [tokens] of the tokens up to each

  private Played(
      KvCache kv,
      PrefixCache cache,
      int[] tokens,
      String salt,
      PageTable table,
      PrefixCache.Lease lease,
      int hit) {
    this.kv = kv;
    this.cache = cache;
    this.tokens = tokens;
    this.salt = salt;
    this.table = table;
    this.lease = lease;
    this.hit = hit;
    this.computed = hit;
    this.complete = hit;
  }

  static Played begin(KvCache kv, PrefixCache cache, int[] tokens, String salt) {
    Played s = acquire(kv, cache, tokens, salt);
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      cache.evict(pool, Math.max(0, cache.lacking(pool) - kv.pool(pool).available()));
    }
    cache.load().await(Arrival.EVERY_STREAM);
    s.arrived();
    return s;
  }

  /** A sequence with a hit, of which some pages may have to be loaded. */
  static Played acquire(KvCache kv, PrefixCache cache, int[] tokens, String salt) {
    PageTable table = kv.newTable();
    int p = kv.geometry().pageTokens();
    PrefixCache.Hit hit = cache.acquire(tokens, (tokens.length - 1) / p * p, salt, table);
    return new Played(kv, cache, tokens, salt, table, hit.lease(), hit.tokens());
  }

  /** All pages of the hit are there; what was loaded enters the cache again. */
  void arrived() {
    requireRows();
    cache.insert(lease, tokens, hit, table);
  }

  int[] pages(int pool) {
    return Arrays.copyOfRange(table.pages(pool), table.first(pool), table.end(pool));
  }

  void reserve(int slots) {
    kv.reserve(table, slots);
  }

  /** New pages that computing the first {@code to} tokens takes. */
  int wants(int pool, int to) {
    return kv.geometry().pages(pool, to) - table.end(pool);
  }

  /**
   * Computes the first {@code to} tokens, as one chunk. Returns how many blocks are new in the
   * cache.
   */
  int compute(int to) {
    return compute(to, to);
  }

  /** Computes the first {@code to} tokens; a drafter has written rows of {@code written} tokens. */
  int compute(int to, int written) {
    int added = insert(to, written);
    pass();
    return added;
  }

  /** Computes tokens one by one up to {@code to}. */
  void decode(int to) {
    while (computed < to) {
      compute(computed + 1);
    }
  }

  /** Computes tokens and puts complete blocks into the cache, but keeps pages of passed windows. */
  int insert(int to, int written) {
    kv.reserve(table, to);
    for (int stream = 0; stream < kv.layout().streams().size(); stream++) {
      boolean late = late(stream);
      for (int slot = late ? complete : computed; slot < (late ? written : to); slot++) {
        kv.rows(stream).floats()[at(stream, slot)] = row(slot);
      }
    }
    computed = to;
    complete = written;
    int added = cache.insert(lease, tokens, complete, table);
    requireRows();
    return added;
  }

  void pass() {
    kv.pass(table, complete);
  }

  private boolean late(int stream) {
    return kv.layout().streams().get(stream).name().startsWith("late");
  }

  private int at(int stream, int slot) {
    int pool = kv.layout().poolOf(stream);
    int span = kv.geometry().span(pool);
    return table.pages(pool)[slot / span] * span + slot % span;
  }

  private float row(int slot) {
    if (hashes.length < tokens.length) {
      int known = hashes.length;
      hashes = Arrays.copyOf(hashes, tokens.length);
      for (int i = known; i < tokens.length; i++) {
        hashes[i] = (i == 0 ? salt.hashCode() + 17 : hashes[i - 1]) * 31 + tokens[i] + 1;
      }
    }
    return hashes[slot] & 0xFFFFFF; // exact as a float
  }

  /** Requires that every row that a row to come could read belongs to this sequence. */
  void requireRows() {
    for (int stream = 0; stream < kv.layout().streams().size(); stream++) {
      requireRows(stream);
    }
  }

  /** The same for one stream. */
  void requireRows(int stream) {
    int pool = kv.layout().poolOf(stream);
    int keeps = kv.geometry().keeps(pool);
    int needs = kv.layout().streams().get(stream).needs();
    int written = late(stream) ? complete : computed;
    int oldest = keeps == Stream.ALL ? 0 : Math.max(0, written + 1 - keeps);
    // Behind a hit, a token reads what a prefix needs, and not all that a window keeps.
    oldest = Math.max(oldest, needs == Stream.ALL ? 0 : hit - needs);
    for (int slot = oldest; slot < written; slot++) {
      if (slot / kv.geometry().span(pool) < table.first(pool)) {
        throw new AssertionError("slot " + slot + " of pool " + pool + " was passed too early");
      }
      float found = kv.rows(stream).floats()[at(stream, slot)];
      if (found != row(slot)) {
        throw new AssertionError(
            "slot " + slot + " of stream " + stream + ": foreign row " + found);
      }
    }
  }

  Played fork() {
    PageTable forked = kv.fork(table, computed, complete);
    Played other = new Played(kv, cache, tokens, salt, forked, cache.fork(lease), hit);
    other.computed = computed;
    other.complete = complete;
    other.requireRows();
    return other;
  }

  void end() {
    kv.release(table);
    cache.release(lease);
  }
}
