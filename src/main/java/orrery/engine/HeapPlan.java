package orrery.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import orrery.graph.HighestLogits;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.model.Activations;
import orrery.model.Fp8Activations;
import orrery.model.Model;
import orrery.model.ModelSpec;
import orrery.speculation.MtpDrafter;
import orrery.speculation.NgramDrafter;
import orrery.speculation.SpeculationOptions;

/**
 * The most heap memory that an engine will take beside the weights, counted before it takes any,
 * and even before weights are there: the KV cache, the buffers of steps, and the memory of running
 * requests. A waiting request takes a few kilobytes and its prompt. Log-probabilities are counted
 * when a request asks for them, and compared with the {@link #room}.
 *
 * @param kinds one for each kind of memory
 */
public record HeapPlan(List<Kind> kinds) {
  private static final int BOOKS = 24; // bytes of a page pool and the prefix cache for each page
  private static final int STEPS = 48; // bytes of the main model's step and the drafter's, a row

  /**
   * One kind of memory.
   *
   * @param option the option that decides how much
   * @param what the thing, in words
   * @param bytes its size
   * @param memory what it would be on a GPU server
   */
  public record Kind(String option, String what, long bytes, Memory memory) {
    Kind(String option, String what, long bytes) {
      this(option, what, bytes, Memory.OTHER);
    }
  }

  /** Which memory of a GPU server a kind stands for. */
  public enum Memory {
    /** The device's, for cached rows: pages, device buffers, and their books. */
    DEVICE_CACHE,
    /** The host's, for entries that lie there. */
    HOST_ENTRIES,
    /** Either, for something else. */
    OTHER
  }

  /**
   * The rows that a token has in the cache of an engine with these options, and where they lie.
   *
   * @throws IllegalArgumentException if an option does not fit the model
   */
  public static KvLayout layout(ModelSpec model, EngineOptions o) {
    return Sizes.layout(model, o);
  }

  /**
   * The plan of an engine with these options.
   *
   * @throws IllegalArgumentException if an option does not fit the model
   */
  public static HeapPlan of(ModelSpec model, EngineOptions o) {
    int contextLength = Sizes.contextLength(model, o);
    KvLayout layout = Sizes.layout(model, o);
    KvGeometry geometry = Sizes.geometry(model, o, contextLength);
    Activations plain = model.activations(layout.boundary() >= 0, contextLength);
    Activations a = SparseMemory.with(layout, plain);
    Kind cache = cache(o, contextLength, layout, geometry);
    List<Kind> kinds =
        new ArrayList<>(
            List.of(
                cache,
                steps(model, o, contextLength, a),
                context(o, contextLength, a),
                running(model, o, contextLength, geometry, layout),
                host(o, contextLength, layout, geometry)));
    long[] pages = Sizes.pages(o, geometry, contextLength);
    kinds.addAll(SparseMemory.kinds(cache.option(), layout, geometry, pages));
    return new HeapPlan(List.copyOf(kinds));
  }

  private static Kind cache(EngineOptions o, int contextLength, KvLayout layout, KvGeometry g) {
    long[] pages = Sizes.pages(o, g, contextLength);
    long bytes = 0;
    for (int s = 0; s < layout.streams().size(); s++) {
      long rows = layout.onHost(s) ? 0 : SparseMemory.bytes(layout, g, pages, s);
      bytes = Heap.plus(bytes, rows);
    }
    for (long count : pages) {
      bytes = Heap.plus(bytes, Heap.times(count + 1, BOOKS));
    }
    long tokens = Heap.times(pages[0], g.span(0));
    String windows = windows(g, pages);
    if (o.kv().maxTotalTokens() > 0) {
      String what = words("a KV cache of %,d tokens", tokens) + windows;
      return new Kind("max-total-tokens", what, bytes, Memory.DEVICE_CACHE);
    }
    if (o.kv().pageSize() > contextLength) {
      String what = words("a KV cache of %,d pages of %,d tokens", pages[0] + 1, g.span(0));
      return new Kind("page-size", what + windows, bytes, Memory.DEVICE_CACHE);
    }
    String option = o.kv().contextLength() > 0 ? "context-length" : "max-running-requests";
    String what =
        words(
            "a KV cache of %,d tokens (half the context-length of %,d for each of %,d"
                + " max-running-requests, unless max-total-tokens says otherwise)",
            tokens, contextLength, o.batching().maxRunningRequests());
    return new Kind(option, what + windows, bytes, Memory.DEVICE_CACHE);
  }

  /** The pools that have room for fewer tokens; nothing if all streams live equally long. */
  private static String windows(KvGeometry g, long[] pages) {
    StringBuilder all = new StringBuilder();
    for (int pool = 1; pool < pages.length; pool++) {
      String tokens = words("%,d in pool %s", pages[pool] * g.span(pool), g.name(pool));
      all.append(pool == 1 ? "; " : ", ").append(tokens);
    }
    return all.toString();
  }

  private static Kind steps(ModelSpec model, EngineOptions o, int contextLength, Activations a) {
    long logitRows = Sizes.logitRows(o);
    long maxRows = Sizes.chunk(o, contextLength) + logitRows;
    long bytes = Heap.times(maxRows, STEPS);
    int heads = o.speculation().algorithm() == SpeculationOptions.Algorithm.MTP ? 2 : 1;
    long best = heads * HighestLogits.bytes(model.vocab());
    for (long rows = 1; rows < 2 * maxRows; rows *= 2) {
      long bucket = Math.min(rows, maxRows);
      long wanted = Math.min(bucket, logitRows);
      bytes = Heap.plus(bytes, Heap.plus(bucket(a, bucket, wanted), Heap.times(wanted, best)));
    }
    int chunk = Sizes.chunk(o, contextLength);
    String option =
        chunk >= logitRows
            ? o.batching().chunkedPrefillSize() > 0 ? "chunked-prefill-size" : "context-length"
            : logitRows > o.batching().maxRunningRequests()
                ? "speculative-num-steps"
                : "max-running-requests";
    String what =
        words(
            "the buffers of steps of up to %,d rows (chunked-prefill-size %,d, and"
                + " max-running-requests %,d with %,d drafts each)",
            maxRows,
            chunk,
            o.batching().maxRunningRequests(),
            logitRows / o.batching().maxRunningRequests() - 1);
    return new Kind(option, what, bytes);
  }

  private static long bucket(Activations a, long rows, long logitRows) {
    return Heap.plus(Heap.times(rows, a.row()), Heap.times(logitRows, a.logitRow()));
  }

  private static Kind context(EngineOptions o, int contextLength, Activations a) {
    long maxRows = (long) Sizes.chunk(o, contextLength) + Sizes.logitRows(o);
    long threads = Heap.times(o.compute().threads(), a.thread(maxRows));
    long bytes = Heap.plus(a.positions(), threads);
    String what =
        words(
            "positions and attention of sequences of up to %,d tokens, and the working memory of"
                + " ops",
            contextLength);
    return new Kind("context-length", what, bytes);
  }

  private static Kind running(
      ModelSpec model, EngineOptions o, int contextLength, KvGeometry g, KvLayout layout) {
    long each = Heap.times(contextLength, Integer.BYTES); // its tokens
    for (int pool = 0; pool < g.pools(); pool++) {
      each += Heap.times(g.pages(pool, contextLength), Integer.BYTES);
    }
    SpeculationOptions s = o.speculation();
    if (s.algorithm() == SpeculationOptions.Algorithm.MTP) {
      int width = layout.streams().get(layout.boundary()).width(); // of a state
      each += Heap.times(MtpDrafter.KEPT_STATES + 1, width, Float.BYTES);
      boolean drawn = s.acceptance() == SpeculationOptions.Acceptance.REJECTION;
      each += drawn ? Heap.times(s.numSteps(), model.vocab(), Double.BYTES) : 0;
    }
    if (s.algorithm() == SpeculationOptions.Algorithm.NGRAM) {
      each = Heap.plus(each, NgramDrafter.bytes(s.ngramMin(), s.ngramMax(), contextLength));
    }
    String what = words("what %,d running requests hold", o.batching().maxRunningRequests());
    return new Kind(
        "max-running-requests", what, Heap.times(o.batching().maxRunningRequests(), each));
  }

  private static Kind host(EngineOptions o, int contextLength, KvLayout layout, KvGeometry g) {
    HostMemory memory = HostMemory.of(o, layout, g, Sizes.pages(o, g, contextLength));
    return new Kind(o.offload().sizedBy(), "the books of " + memory.words(), memory.books());
  }

  private static String words(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** Bytes of the kinds that stand for one memory. */
  public long bytes(Memory memory) {
    return kinds.stream().filter(k -> k.memory() == memory).mapToLong(Kind::bytes).sum();
  }

  /** The sum of all kinds. */
  public long bytes() {
    return kinds.stream().mapToLong(Kind::bytes).reduce(0, Heap::plus);
  }

  /**
   * Bytes of the heap that are for requests: all but the weights and this plan. It is a number of
   * the model, the options and {@code -Xmx}, so a request that is possible stays so.
   */
  long room(ModelSpec model) {
    return Math.max(0, Heap.max() - Heap.plus(model.info().bytes(), bytes()));
  }

  /**
   * Refuses options that no engine of the model could have, whatever else the heap holds now.
   *
   * @throws IllegalArgumentException if an option does not fit the model, or the heap could not
   *     hold the engine beside the weights
   */
  public static void requirePossible(LoadedModel loaded, EngineOptions o) {
    Model model = Fp8Activations.of(loaded.model(), o.compute().activationDtype());
    Sizes.hostMemory(model, o).require();
    of(model, o).require(Math.max(0, Heap.max() - model.info().bytes()));
  }

  /**
   * Refuses the plan if it does not fit; the error is about its largest part.
   *
   * @throws IllegalArgumentException naming the option, what it asks for, and what there is
   */
  void require() {
    require(Heap.fits(bytes()) ? bytes() : Heap.left());
  }

  private void require(long room) {
    if (bytes() > room) {
      Kind largest = kinds.stream().max(Comparator.comparingLong(Kind::bytes)).orElseThrow();
      long rest = bytes() - largest.bytes();
      String beside = rest > 0 ? ", with what comes beside it (" + Heap.size(rest) + ")," : "";
      Heap.require(largest.option(), largest.what() + beside, bytes(), room);
    }
  }
}
