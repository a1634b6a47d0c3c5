package orrery.prefix;

import java.util.Arrays;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * A sequence with made-up rows. The row of a token in every stream is a hash of all tokens up to
 * it, as a real row is a function of these tokens. So a page with the rows of another sequence
 * shows.
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
  }

  static Played begin(KvCache kv, PrefixCache cache, int[] tokens, String salt) {
    PageTable table = kv.newTable();
    int p = kv.geometry().pageTokens();
    PrefixCache.Hit hit = cache.acquire(tokens, (tokens.length - 1) / p * p, salt, table);
    Played s = new Played(kv, cache, tokens, salt, table, hit.lease(), hit.tokens());
    s.requireRows();
    return s;
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
    kv.reserve(table, to);
    for (int stream = 0; stream < kv.layout().streams().size(); stream++) {
      int pool = kv.layout().poolOf(stream);
      int span = kv.geometry().span(pool);
      for (int slot = computed; slot < to; slot++) {
        kv.data(stream)[table.pages(pool)[slot / span] * span + slot % span] = row(slot);
      }
    }
    computed = to;
    int added = cache.insert(lease, tokens, computed, table);
    requireRows();
    kv.pass(table, computed);
    return added;
  }

  private float row(int slot) {
    int h = salt.hashCode() + 17;
    for (int i = 0; i <= slot; i++) {
      h = h * 31 + tokens[i] + 1;
    }
    return h & 0xFFFFFF; // exact as a float
  }

  /** Requires that every row that the next token could read belongs to this sequence. */
  void requireRows() {
    for (int stream = 0; stream < kv.layout().streams().size(); stream++) {
      int pool = kv.layout().poolOf(stream);
      int span = kv.geometry().span(pool);
      int keeps = kv.geometry().keeps(pool);
      int oldest = Math.max(0, computed - Math.min(keeps, computed + 1) + 1);
      for (int slot = oldest; slot < computed; slot++) {
        if (slot / span < table.first(pool)) {
          throw new AssertionError("slot " + slot + " of pool " + pool + " was passed too early");
        }
        float found = kv.data(stream)[table.pages(pool)[slot / span] * span + slot % span];
        if (found != row(slot)) {
          throw new AssertionError(
              "slot " + slot + " of stream " + stream + ": foreign row " + found);
        }
      }
    }
  }

  Played fork() {
    Played other =
        new Played(kv, cache, tokens, salt, kv.fork(table, computed), cache.fork(lease), computed);
    other.requireRows();
    return other;
  }

  void end() {
    kv.release(table);
    cache.release(lease);
  }
}
