package orrery.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import orrery.batching.Queues;
import orrery.events.BlockKept;
import orrery.events.Keyframe;
import orrery.events.Keyframe.BookedSequence;
import orrery.events.Keyframe.PoolShape;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.options.Options;
import orrery.prefix.PrefixCache;

/** Reads the engine's books as they stand: pools, page tables, queues and prefix cache. */
final class KeyframeReader {
  private final String model;
  private final Map<String, String> switches;
  private final List<PoolShape> shapes; // [pools]
  private final KvCache kv;
  private final PrefixCache prefix;
  private final Queues queues;
  private final Requests requests;
  private final PoolReport pools;
  private final BooleanSupplier paused;

  KeyframeReader(
      Path directory,
      EngineOptions options,
      KvCache kv,
      PrefixCache prefix,
      Queues queues,
      Requests requests,
      PoolReport pools,
      BooleanSupplier paused) {
    this.model = String.valueOf(directory.toAbsolutePath().normalize().getFileName());
    this.switches = written(options);
    this.shapes = shapes(kv);
    this.kv = kv;
    this.prefix = prefix;
    this.queues = queues;
    this.requests = requests;
    this.pools = pools;
    this.paused = paused;
  }

  /** The switches with their values as users write them. */
  private static Map<String, String> written(EngineOptions options) {
    Map<String, String> written = new LinkedHashMap<>();
    options.switches().forEach((name, value) -> written.put(name, written(value)));
    return written;
  }

  private static String written(Object value) {
    return switch (value) {
      case Boolean on -> on ? "on" : "off";
      case Enum<?> word -> Options.word(word);
      default -> value.toString();
    };
  }

  private static List<PoolShape> shapes(KvCache kv) {
    KvGeometry g = kv.geometry();
    List<PoolShape> shapes = new ArrayList<>();
    for (int pool = 0; pool < g.pools(); pool++) {
      int pages = kv.pool(pool).total() - 1; // without the dummy
      shapes.add(
          new PoolShape(
              g.name(pool), g.span(pool), pages, g.perBlock(pool), g.unneededOfBlock(pool)));
    }
    return shapes;
  }

  /**
   * Reads the books.
   *
   * @param step the newest step; -1 before the first
   */
  Keyframe read(long nanos, long step) {
    List<BookedSequence> sequences = new ArrayList<>();
    queues.running().forEach(s -> sequences.add(booked(Choice.of(s), "running")));
    queues.waiting().forEach(s -> sequences.add(booked(Choice.of(s), "waiting")));
    for (Choice c : requests.apart()) {
      sequences.add(booked(c, c.active.ticket.apart().orElseThrow()));
    }
    return new Keyframe(
        nanos,
        step,
        model,
        kv.geometry().pageTokens(),
        switches,
        shapes,
        paused.getAsBoolean(),
        pools.step(),
        sequences,
        prefix.book().blocks());
  }

  private BookedSequence booked(Choice c, String state) {
    return new BookedSequence(
        c.request,
        c.id,
        c.choice,
        c.active.request.params().n(),
        state,
        c.retractions(),
        c.promptLength,
        c.active.request.params().maxTokens(),
        Arrays.copyOf(c.tokens(), c.known()),
        c.computed(),
        c.running() ? prefix.book().last(c.lease()) : BlockKept.ROOT,
        c.running() ? BookKeeper.runs(kv, c.table()) : List.of());
  }
}
