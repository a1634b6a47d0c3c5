package orrery.engine;

import java.util.List;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.ModelSpec;
import orrery.sampling.SamplingParams;
import orrery.speculation.MtpDrafter;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.length.DraftLengths;

/** Turns options into sizes, and refuses requests that can never fit. */
final class Sizes {
  private static final int DEFAULT_CONTEXT = 8192;

  private static final long CACHED =
      10; // of so many pages of a full length, one for cached windows

  private static final long CHOICE_BYTES = 4096; // about what a waiting choice takes

  private static final int CALLERS = 8; // for so many at least there is room for log-probabilities

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
    // A hit needs the window before its end, so cached sequences keep one each. A tenth of the full
    // length is SGLang's default for DeepSeek-V4.
    long cached = Math.max(running * g.needed(pool), Math.ceilDiv(whole, CACHED));
    return running * window + step + (g.needed(pool) > 0 ? cached : 0);
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

  /**
   * Refuses a request that would not fit even into an empty engine.
   *
   * @param maxTokens the most tokens of an answer in this engine
   * @param margin slots beside its window that a sequence may hold pages for
   * @param room bytes of the heap for requests
   */
  static void requirePossible(
      Request r,
      int maxTokens,
      ModelSpec model,
      KvCache kv,
      int contextLength,
      int margin,
      long room) {
    int[] prompt = r.prompt();
    if (prompt.length == 0) {
      throw new IllegalArgumentException("prompt: expected at least one token, found none");
    }
    for (int i = 0; i < prompt.length; i++) {
      if (prompt[i] < 0 || prompt[i] >= model.vocab()) {
        throw new IllegalArgumentException(
            "prompt: expected token ids from 0 to "
                + (model.vocab() - 1)
                + ", found "
                + prompt[i]
                + " at position "
                + i);
      }
    }
    if (prompt.length >= contextLength) {
      throw new IllegalArgumentException(
          "prompt: expected fewer tokens than the context length "
              + contextLength
              + ", found "
              + prompt.length);
    }
    r.params().requireTokensBelow(model.vocab());
    int n = r.params().n();
    if (n > 1) {
      String what = n + " answers to a prompt of " + prompt.length + " tokens";
      long each = CHOICE_BYTES + (long) Integer.BYTES * prompt.length;
      Heap.require("n", what, Heap.times(n, each), room);
    }
    int longest = (int) Math.min((long) prompt.length + maxTokens, contextLength);
    boolean whole = maxTokens == r.params().maxTokens();
    requireRoom(whole ? "prompt and max_tokens" : "prompt and first token", longest, kv, margin);
  }

  /**
   * Refuses requests if the log-probabilities of their answers, which their caller may keep until
   * the last one ends, leave too little for others.
   *
   * @param all requests that come together
   * @param room bytes of the heap for requests
   */
  static void requireFewLogprobs(List<Request> all, int contextLength, long room) {
    long bytes = 0;
    for (Request r : all) {
      SamplingParams p = r.params();
      if (p.logprobs() >= 0) {
        int tokens = Math.min(p.maxTokens(), contextLength - r.prompt().length);
        bytes = Heap.plus(bytes, Heap.times(p.n(), tokens, PromptScores.bytes(p.logprobs())));
      }
    }
    if (bytes > room / CALLERS) {
      throw new IllegalArgumentException(
          String.format(
              "logprobs: log-probabilities of all tokens of these answers would take %s, and may"
                  + " take %s, 1/%d of what the engine leaves of the heap (-Xmx makes it larger)",
              Heap.size(bytes), Heap.size(room / CALLERS), CALLERS));
    }
  }

  private static void requireRoom(String what, int longest, KvCache kv, int margin) {
    KvGeometry g = kv.geometry();
    for (int pool = 0; pool < g.pools(); pool++) {
      int needed = g.expected(pool, 0, longest, 0, margin);
      int there = kv.pool(pool).total() - 1;
      if (needed > there) {
        String whose = g.pools() == 1 ? "the KV cache" : "the KV cache's pool " + g.name(pool);
        boolean all = g.keeps(pool) == Stream.ALL;
        throw new IllegalArgumentException(
            "request: "
                + what
                + " make "
                + longest
                + " tokens, which need "
                + needed
                + " pages of "
                + g.span(pool)
                + "; "
                + whose
                + " has "
                + there
                + (all ? " (max-total-tokens)" : " (swa-full-tokens-ratio, max-total-tokens)"));
      }
    }
  }

  /**
   * The most tokens of a sequence for which an empty cache has room.
   *
   * @param margin slots beside its window that a sequence may hold pages for
   */
  static int longest(KvCache kv, int contextLength, int margin) {
    KvGeometry g = kv.geometry();
    long longest = contextLength;
    for (int pool = 0; pool < g.pools(); pool++) {
      long pages = kv.pool(pool).total() - 1L;
      boolean fits = g.expected(pool, 0, contextLength, 0, margin) <= pages;
      longest = fits ? longest : Math.min(longest, pages * g.span(pool));
    }
    return (int) longest;
  }
}
