package orrery.engine;

import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.model.ModelSpec;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.length.DraftLengths;

/** Turns options into sizes, and refuses requests that can never fit. */
final class Sizes {
  private static final int DEFAULT_CONTEXT = 8192;

  private static final long CHOICE_BYTES = 4096; // about what a waiting choice takes

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

  static KvGeometry geometry(ModelSpec model, EngineOptions o, int contextLength) {
    return new KvGeometry(
        layout(model, o), o.kv().pageSize() > 0 ? o.kv().pageSize() : contextLength);
  }

  /** The rows that a token has in the cache; MTP rows only if the MTP layer makes drafts. */
  static KvLayout layout(ModelSpec model, EngineOptions o) {
    boolean mtp = o.speculation().algorithm() == SpeculationOptions.Algorithm.MTP;
    if (mtp && !model.hasMtp()) {
      throw new IllegalArgumentException(
          "speculative-algorithm: expected ngram or off, since the model has no MTP layer,"
              + " found mtp");
    }
    return model.kvLayout(mtp);
  }

  /**
   * [pools] Pages of each pool without the dummy; {@link HeapPlan} refuses more than memory can
   * hold.
   */
  static long[] pages(EngineOptions o, KvGeometry g, int contextLength) {
    long tokens =
        o.kv().maxTotalTokens() > 0
            ? o.kv().maxTotalTokens()
            : Math.max(contextLength, (long) o.batching().maxRunningRequests() * contextLength / 2);
    long[] pages = new long[g.pools()];
    for (int pool = 0; pool < pages.length; pool++) {
      // A default is rounded up.
      long blocks = tokens / g.pageTokens() + (o.kv().maxTotalTokens() > 0 ? 0 : 1);
      pages[pool] = blocks * g.perBlock(pool);
      if (pages[pool] < 1) {
        throw new IllegalArgumentException(
            "max-total-tokens: expected at least one page of "
                + g.pageTokens()
                + " tokens, found "
                + tokens);
      }
    }
    return pages;
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
   * @param margin slots beside its window that a sequence may hold pages for
   */
  static void requirePossible(
      Request r, ModelSpec model, KvCache kv, int contextLength, int margin) {
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
      Heap.require("n", what, Heap.times(n, CHOICE_BYTES + (long) Integer.BYTES * prompt.length));
    }
    KvGeometry g = kv.geometry();
    int longest = (int) Math.min((long) prompt.length + r.params().maxTokens(), contextLength);
    for (int pool = 0; pool < g.pools(); pool++) {
      int needed = g.expected(pool, 0, longest, 0, margin);
      int there = kv.pool(pool).total() - 1;
      if (needed > there) {
        throw new IllegalArgumentException(
            "request: prompt and max_tokens make "
                + longest
                + " tokens, which need "
                + needed
                + " pages of "
                + g.span(pool)
                + "; the KV cache has "
                + there
                + " (max-total-tokens)");
      }
    }
  }
}
