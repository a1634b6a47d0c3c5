package orrery.engine;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import orrery.grammar.Constraint;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.Stream;
import orrery.sampling.SamplingParams;

/**
 * How long a request of an engine may be, and which requests it refuses since they can never be
 * answered. Any thread may ask.
 *
 * @param contextLength the longest sequence, in tokens of prompt and answer together
 * @param maxRunning most sequences that run at once
 * @param margin slots beside its window that a sequence may hold pages for
 * @param room bytes of the heap for requests
 */
record RequestLimits(
    KvCache kv, int vocab, int contextLength, int maxRunning, int margin, long room) {
  private static final long CHOICE_BYTES = 4096; // of a waiting choice, beside its prompt; about
  private static final int CALLERS = 8; // for so many at least there is room for log-probabilities

  /** The most tokens of a sequence for which the empty cache has room. */
  int longest() {
    KvGeometry g = kv.geometry();
    long longest = contextLength;
    for (int pool = 0; pool < g.pools(); pool++) {
      long pages = kv.pool(pool).total() - 1L;
      boolean fits = g.expected(pool, 0, contextLength, 0, margin) <= pages;
      longest = fits ? longest : Math.min(longest, pages * g.span(pool));
    }
    return (int) longest;
  }

  /**
   * Refuses requests that can never be answered.
   *
   * @param together requests that come together
   * @param maxTokens of the most tokens of an answer, how many are computed in this engine
   */
  void requirePossible(List<Request> together, IntUnaryOperator maxTokens) {
    try {
      for (Request r : together) {
        requireFit(r, maxTokens.applyAsInt(r.params().maxTokens()));
        PromptScores.requirePossible(r, maxRunning, room);
      }
      requireRoomToWait(together, room);
      requireFewLogprobs(together, contextLength, room);
    } catch (IllegalArgumentException e) {
      throw new RequestException(RequestException.Kind.INVALID, e.getMessage(), e);
    }
    together.forEach(r -> r.params().prepare()); // here, and not on the engine's thread
  }

  /** Refuses requests whose choices, which may wait together, would not fit into the heap. */
  static void requireRoomToWait(List<Request> together, long room) {
    long bytes = 0;
    Set<Object> counted = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Request r : together) {
      long shared = r.params().sharedBytes();
      Heap.require("stop", "the search for these strings", shared, room);
      String what = r.params().n() + " answers to a prompt of " + r.prompt().length + " tokens";
      Heap.require("n", what, Heap.plus(shared, waiting(r)), room);
      long tables = counted.add(r.params().stop()) ? shared : 0;
      long masks = r.params().constraint().filter(counted::add).map(Constraint::bytes).orElse(0L);
      bytes = Heap.plus(bytes, Heap.plus(waiting(r), Heap.plus(tables, masks)));
    }
    Heap.require("requests", together.size() + " that come together", bytes, room);
  }

  /** Bytes of the choices of a request while they wait, without what they share. */
  private static long waiting(Request r) {
    long prompt = Heap.times(r.prompt().length, Integer.BYTES);
    long each = CHOICE_BYTES + prompt + r.params().answerBytes();
    return Heap.plus(prompt, Heap.times(r.params().n(), each));
  }

  /**
   * Refuses a request that would not fit even into an empty engine.
   *
   * @param maxTokens the most tokens of an answer in this engine
   */
  void requireFit(Request r, int maxTokens) {
    int[] prompt = r.prompt();
    requireTokens(prompt);
    r.params().requireTokensBelow(vocab);
    int longest = (int) Math.min((long) prompt.length + maxTokens, contextLength);
    boolean whole = maxTokens == r.params().maxTokens();
    requireRoom(whole ? "prompt and max_tokens" : "prompt and first token", longest);
  }

  private void requireTokens(int[] prompt) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("prompt: expected at least one token, found none");
    }
    for (int i = 0; i < prompt.length; i++) {
      if (prompt[i] < 0 || prompt[i] >= vocab) {
        throw new IllegalArgumentException(
            "prompt: expected token ids from 0 to "
                + (vocab - 1)
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
  }

  private void requireRoom(String what, int longest) {
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
   * Refuses requests if the log-probabilities of their answers, which their caller may keep until
   * the last one ends, leave too little for others.
   */
  static void requireFewLogprobs(List<Request> together, int contextLength, long room) {
    long bytes = 0;
    for (Request r : together) {
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
}
