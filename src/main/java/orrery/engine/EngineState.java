package orrery.engine;

import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.events.EventSink;
import orrery.events.Keyframe;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.model.Fp8Activations;
import orrery.model.Model;
import orrery.prefix.PrefixCache;

/**
 * What an engine keeps from one step to the next: cached rows, the prefix cache, queues, requests
 * and books. {@link ComputeParts} and {@link LoopParts} work with it.
 */
final class EngineState implements AutoCloseable {
  final LoadedModel loaded;
  final Model model; // with the activations that the options ask for
  final int contextLength;
  final long room; // bytes of the heap for requests
  final KvCache kv;
  final PrefixCache prefix;
  final Queues queues = new Queues();
  final KvMemory memory;
  final Fetches fetches;
  final Requests requests;
  final TokenTexts texts;
  final BookKeeper books;
  final EventSink sink;
  final LongSupplier clock;

  /**
   * @param queued number of waiting requests; lowered when a request first runs, or ends before
   *     that
   * @param keyframes how many steps lie between two {@link Keyframe}s, for sinks that want them
   * @param paused whether the engine is paused, as the books say it
   * @param wake tells the engine's thread that something has come from files, or gone there
   * @throws IllegalArgumentException if an option does not fit the model, or would take more memory
   *     than there is
   */
  EngineState(
      LoadedModel loaded,
      EngineOptions options,
      EventSink sink,
      LongSupplier clock,
      AtomicInteger queued,
      int keyframes,
      BooleanSupplier paused,
      Runnable wake) {
    LongAdder events = new LongAdder();
    this.loaded = loaded;
    this.sink = sink.wantsBooks() ? sink.and(event -> events.increment()) : sink;
    this.clock = clock;
    this.model = Fp8Activations.of(loaded.model(), options.compute().activationDtype());
    this.contextLength = Sizes.contextLength(model, options);
    HostMemory host = Sizes.hostMemory(model, options);
    host.require(); // before the heap: it is checked against what is left of it
    this.room = HeapPlan.of(model, options).room(model);
    CompletableFuture<String> fingerprint = PrefixCaches.fingerprint(loaded, options, host);
    this.kv = cache(model, options, contextLength);
    PrefixCaches caches = new PrefixCaches(kv, options, host, clock, wake);
    this.prefix = Heap.making(host.words(), () -> caches.make(fingerprint));
    try {
      this.memory = new KvMemory(kv, prefix, this.sink, clock);
      this.texts = new TokenTexts(loaded.tokenizer(), model.vocab(), sink.wantsBooks());
      int pageTokens = kv.geometry().pageTokens();
      this.fetches = new Fetches(prefix, pageTokens, options.offload(), this.sink, clock);
      this.requests =
          new Requests(loaded, contextLength, queues, memory, fetches, this.sink, clock, queued);
      this.books = books(options, keyframes, events, paused);
    } catch (Throwable e) {
      prefix.close(); // else its threads would stay, and host memory
      throw e;
    }
  }

  private static KvCache cache(Model model, EngineOptions options, int contextLength) {
    KvGeometry geometry = Sizes.geometry(model, options, contextLength);
    HeapPlan.of(model, options).require();
    int[] pages =
        Arrays.stream(Sizes.pages(options, geometry, contextLength))
            .mapToInt(Math::toIntExact) // a larger number did not fit the heap
            .toArray();
    KvLayout layout = Sizes.layout(model, options);
    return Heap.making("the KV cache", () -> new KvCache(layout, geometry, contextLength, pages));
  }

  private BookKeeper books(
      EngineOptions options, int every, LongAdder events, BooleanSupplier paused) {
    PoolReport pools = memory.pools();
    KeyframeReader reader =
        new KeyframeReader(loaded.directory(), options, kv, prefix, queues, pools, paused);
    return new BookKeeper(kv, prefix, queues, pools, reader, every, events, sink, clock);
  }

  /** Empties the prefix cache, while no sequence runs or waits. */
  void flush() {
    memory.flush();
    books.flushed();
  }

  /**
   * Checks the accounts of pages with {@link Invariants}; true if they balance, else an exception.
   *
   * @param margin slots beside its window that a sequence may hold pages for
   */
  boolean balanced(int margin) {
    return Invariants.hold(kv, prefix, queues, margin);
  }

  @Override
  public void close() {
    prefix.close();
  }
}
