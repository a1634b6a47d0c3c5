package orrery.engine;

import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.ModelSpec;
import orrery.speculation.MtpDrafter;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.length.DraftLengths;

/** Turns options into sizes. */
final class Sizes {
  private static final int DEFAULT_CONTEXT = 8192;

  private static final long CACHED =
      10; // of so many pages of a full length, one for cached windows

  private Sizes() {}

  static int contextLength(ModelSpec model, EngineOptions o) {
    if (o.kv().contextLength() > model.maxPositions()) {
      throw new IllegalArgumentException(
          "context-length: expected at most the model's "
              + model.maxPositions()
              + " positions, found "
              + o.kv().contextLength());
    }
    return o.kv().contextLength() > 0
        ? o.kv().contextLength()
        : Math.min(model.maxPositions(), DEFAULT_CONTEXT);
  }

  /**
   * The geometry of the cache. The page size that the user asks for is rounded up to the layout's
   * unit, so that a page holds whole rows. The one page of contiguous allocation may be longer than
   * the context for the same reason.
   */
  static KvGeometry geometry(ModelSpec model, EngineOptions o, int contextLength) {
    KvLayout layout = layout(model, o);
    int asked = o.kv().pageSize() > 0 ? o.kv().pageSize() : contextLength;
    return new KvGeometry(layout, layout.wholeRows(asked));
  }

  /** The rows that a token has in the cache; MTP rows only if the MTP layer makes drafts. */
  static KvLayout layout(ModelSpec model, EngineOptions o) {
    boolean mtp = o.speculation().algorithm() == SpeculationOptions.Algorithm.MTP;
    if (mtp && !model.hasMtp()) {
      throw new IllegalArgumentException(
          "speculative-algorithm: expected ngram or off, since the model has no MTP layer,"
              + " found mtp");
    }
    return SparseSizes.onHost(model.kvLayout(mtp, o.kv().kvCacheDtype()), model, o);
  }

  /**
   * [pools] Pages of each pool without the dummy; {@link HeapPlan} refuses more than memory can
   * hold. A pool that keeps all has room for max-total-tokens. A pool with a window holds windows,
   * not lengths, so it has room for as many tokens only if the user says so.
   */
  static long[] pages(EngineOptions o, KvGeometry g, int contextLength) {
    long tokens =
        o.kv().maxTotalTokens() > 0
            ? o.kv().maxTotalTokens()
            : Math.max(contextLength, (long) o.batching().maxRunningRequests() * contextLength / 2);
    // A page of contiguous allocation may be longer than the context.
    int block = Math.min(g.pageTokens(), o.kv().pageSize() > 0 ? g.pageTokens() : contextLength);
    // A default is rounded up.
    long blocks = tokens / block + (o.kv().maxTotalTokens() > 0 ? 0 : 1);
    if (blocks < 1) {
      throw new IllegalArgumentException(
          "max-total-tokens: expected at least one page of "
              + block
              + " tokens, found "
              + o.kv().maxTotalTokens());
    }
    long[] pages = new long[g.pools()];
    for (int pool = 0; pool < pages.length; pool++) {
      // No sequence fills a page that is longer than the context.
      long whole = blocks * Math.min(g.perBlock(pool), g.pages(pool, contextLength));
      pages[pool] =
          g.keeps(pool) == Stream.ALL
              ? whole
              : Math.min(whole, windows(o, g, pool, whole, contextLength));
    }
    return pages;
  }

  /**
   * Pages of a pool with a window, unless there are fewer of whole sequences.
   *
   * @param whole pages with room for max-total-tokens
   */
  private static long windows(
      EngineOptions o, KvGeometry g, int pool, long whole, int contextLength) {
    double ratio = o.kv().swaFullTokensRatio();
    if (ratio > 0) {
      return (long) Math.ceil(ratio * whole);
    }
    long running = o.batching().maxRunningRequests();
    int window = g.expected(pool, 0, contextLength, 0, margin(o));
    // Rows of a step get their pages before those that the window passes are given back.
    long rows = (long) chunk(o, contextLength) + logitRows(o);
    long step = Math.ceilDiv(rows, g.span(pool)) + running;
    boolean caches = o.prefix().remembers() && g.needed(pool) > 0;
    return running * window + step + (caches ? cached(running, g.needed(pool), whole) : 0);
  }

  /**
   * Pages for cached windows: a hit needs the window before its end, so a cached sequence keeps
   * one. A tenth of the full length is SGLang's default for DeepSeek-V4.
   */
  private static long cached(long running, int needed, long whole) {
    return Math.max(running * needed, Math.ceilDiv(whole, CACHED));
  }

  /** Memory outside the heap for blocks that leave the KV cache. */
  static HostMemory hostMemory(ModelSpec model, EngineOptions o) {
    int contextLength = contextLength(model, o);
    KvGeometry g = geometry(model, o, contextLength);
    return HostMemory.of(o, layout(model, o), g, pages(o, g, contextLength));
  }

  /** Slots beside its window that a sequence may hold pages for. */
  static int margin(EngineOptions o) {
    return o.speculation().algorithm() == SpeculationOptions.Algorithm.MTP ? MtpDrafter.MARGIN : 0;
  }

  static int chunk(EngineOptions o, int contextLength) {
    return o.batching().chunkedPrefillSize() > 0
        ? Math.min(o.batching().chunkedPrefillSize(), contextLength)
        : contextLength;
  }

  /** The most rows of a step whose logits decide tokens: those of newest tokens and of drafts. */
  static int logitRows(EngineOptions o) {
    return o.batching().maxRunningRequests() * (1 + DraftLengths.of(o.speculation()).most());
  }
}
