package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static orrery.engine.EngineTest.greedy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.events.PartsRead;
import orrery.events.Prefetched;
import orrery.events.Written;
import orrery.kernels.KernelSet;
import orrery.offload.ChildJvm;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCacheKind;

/** What an engine has computed, the next one finds in files. The model has several pools. */
class StorageTest {
  private static final Path MODEL = TinyModels.speck("v4-mtp");
  private static final int PAGE = 16;

  @TempDir private Path directory;
  private final LoadedModel loaded = LoadedModel.load(MODEL);

  @AfterEach
  void close() {
    loaded.close();
  }

  private static EngineOptions without() {
    return EngineOptions.defaults().withKv(kv -> kv.withPageSize(PAGE).withContextLength(256));
  }

  private static EngineOptions options(Path directory) {
    return without()
        .withOffload(
            o ->
                o.withEnableHierarchicalCache(true)
                    .withHicacheStorageBackend(StorageBackend.FILE)
                    .withHicacheStorageDir(directory.toString())
                    .withHicacheStoragePrefetchPolicy(PrefetchPolicy.WAIT_COMPLETE)
                    .withHicacheStoragePrefetchThreshold(PAGE));
  }

  private static Request request(int seed) {
    int[] prompt = new Random(seed).ints(10 * PAGE + 3, 0, 90).toArray();
    return Request.of(prompt, greedy(6).withLogprobs(2));
  }

  private Said said(Request request) {
    try (Engine engine = Engine.start(loaded, without())) {
      return Said.of(engine.submit(request).join().getFirst());
    }
  }

  private String expected(Request request) {
    return said(request).toString();
  }

  /** The engine may still add to them. */
  private static long parts(List<Event> events) {
    return List.copyOf(events).stream()
        .filter(PartsRead.class::isInstance)
        .mapToLong(e -> ((PartsRead) e).parts())
        .sum();
  }

  @ParameterizedTest
  @EnumSource(
      value = PrefixCacheKind.class,
      names = {"RADIX", "HASH"})
  void aSecondEngineHitsWhatTheFirstHasComputed(PrefixCacheKind kind) {
    EngineOptions options = options(directory).withPrefix(p -> p.withPrefixCache(kind));
    String expected = expected(request(1));
    try (Engine engine = Engine.start(loaded, options)) {
      Answer first = engine.submit(request(1)).join().getFirst();
      assertThat(first.cachedTokens()).isZero();
      assertThat(Said.of(first).toString()).isEqualTo(expected);
    }
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    try (Engine engine = Engine.start(loaded, options, events::add)) {
      Answer again = engine.submit(request(1)).join().getFirst();
      assertThat(again.cachedTokens()).isEqualTo(10 * PAGE);
      assertThat(Said.of(again).toString()).isEqualTo(expected);
      Answer other = engine.submit(request(2)).join().getFirst();
      assertThat(other.cachedTokens()).isZero();
    }
    assertThat(parts(events)).isPositive();
    assertThat(events).anyMatch(e -> e instanceof Written);
    assertThat(events)
        .filteredOn(e -> e instanceof Prefetched)
        .singleElement()
        .matches(e -> ((Prefetched) e).tokens() == 10 * PAGE)
        .matches(e -> ((Prefetched) e).why().equals("done"));
  }

  @Test
  void requestsWithTheSamePrefixReadEachPartOnce() {
    EngineOptions options = options(directory);
    try (Engine engine = Engine.start(loaded, options)) {
      engine.submit(request(1)).join();
    }
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    try (Engine engine = Engine.start(loaded, options, events::add)) {
      for (Completion c : engine.submit(List.of(request(1), request(1), request(1)))) {
        assertThat(c.join().getFirst().cachedTokens()).isEqualTo(10 * PAGE);
      }
    }
    assertThat(parts(events)).isEqualTo(2 * 10); // pools, blocks
    assertThat(events).filteredOn(e -> e instanceof PartsRead).hasSize(1);
  }

  @Test
  void aFlushEmptiesMemoryAndLeavesFiles() {
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    try (Engine engine = Engine.start(loaded, options(directory))) {
      engine.submit(request(1)).join();
    }
    try (Engine engine = Engine.start(loaded, options(directory), events::add)) {
      engine.submit(request(1)).join();
      long before = parts(events);
      assertThat(engine.flushCache().join()).isTrue();
      assertThat(engine.submit(request(1)).join().getFirst().cachedTokens()).isEqualTo(10 * PAGE);
      assertThat(parts(events)).isEqualTo(2 * before);
    }
  }

  /** Whether the reads have begun, have ended or wait is drawn anew each time. */
  @ParameterizedTest
  @EnumSource
  void cancelsPausesAndClosingMeetRequestsThatWaitForFiles(PrefetchPolicy policy) {
    EngineOptions options =
        options(directory).withOffload(o -> o.withHicacheStoragePrefetchPolicy(policy));
    List<Request> requests = IntStream.range(1, 7).mapToObj(StorageTest::request).toList();
    List<Said> expected = requests.stream().map(this::said).toList();
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    Random random = new Random(7);
    int whole = 0;
    int cut = 0;
    for (int round = 0; round < 12; round++) {
      try (Engine engine = Engine.start(loaded, options, events::add)) {
        if (round % 3 == 1) {
          engine.pause(PauseMode.IN_PLACE).join();
        }
        List<Completion> all = engine.submit(requests);
        int victim = random.nextInt(all.size());
        all.get(victim).cancel();
        if (round % 3 == 1) {
          engine.resume().join();
        }
        if (round % 3 == 2) {
          engine.shutdownNow();
        }
        for (int i = 0; i < all.size(); i++) {
          Said answer = Said.of(all.get(i).join().getFirst());
          boolean ended = answer.finish().equals(expected.get(i).finish());
          assertThat(ended || i == victim || round % 3 == 2).as("answer %d", i).isTrue();
          assertThat(expected.get(i).bits()).startsWith(answer.bits());
          assertThat(answer.bits().equals(expected.get(i).bits()) || !ended).isTrue();
          whole += ended ? 1 : 0;
          cut += ended ? 0 : 1;
        }
      }
    }
    assertThat(whole).as("8 rounds end in peace, with one victim each").isGreaterThanOrEqualTo(40);
    assertThat(cut).isPositive();
    assertThat(events).anyMatch(e -> e instanceof Written);
    if (policy != PrefetchPolicy.BEST_EFFORT) { // which need not read before all of them run
      assertThat(parts(events)).isPositive();
    }
    if (policy == PrefetchPolicy.WAIT_COMPLETE) { // by the clock others may end before
      assertThat(events).anyMatch(e -> e instanceof Prefetched p && p.why().equals("done"));
    }
  }

  @Test
  void withWriteBackPartsAreWrittenWhenTheyLeaveTheHost() throws IOException {
    EngineOptions few =
        options(directory)
            .withKv(kv -> kv.withMaxTotalTokens(256))
            .withOffload(o -> o.withHicacheWritePolicy(WritePolicy.WRITE_BACK));
    EngineOptions options = SwitchCell.hostBlocks(loaded.model(), few, 8);
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    try (Engine engine = Engine.start(loaded, options, events::add)) {
      engine.submit(request(1)).join();
      assertThat(files()).isZero();
      for (int seed = 2; seed < 12; seed++) {
        engine.submit(request(seed)).join();
      }
    }
    assertThat(files()).isPositive();
    assertThat(events).anyMatch(e -> e instanceof Written);
  }

  @Test
  @Timeout(600)
  void whatTheDiskHadNoRoomForIsWrittenWhileTheEngineRests() throws Exception {
    int blocks = 30;
    EngineOptions longer = options(directory).withKv(kv -> kv.withContextLength(512));
    EngineOptions options = SwitchCell.hostBlocks(loaded.model(), longer, blocks + 1);
    int[] prompt = new Random(3).ints(blocks * PAGE + 3, 0, 90).toArray();
    try (Engine engine = Engine.start(loaded, options)) {
      engine.submit(Request.of(prompt, greedy(1))).join();
      while (files() < 2 * blocks) { // pools
        Thread.sleep(1);
      }
    }
  }

  private long files() throws IOException {
    return files(directory);
  }

  private static long files(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(p -> p.toString().endsWith(".kvpart")).count();
    }
  }

  @Test
  void filesWithoutHostMemoryOrADirectoryAreRefusedByName() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Engine.check(
                    loaded,
                    options(directory).withOffload(o -> o.withEnableHierarchicalCache(false))))
        .withMessage(
            "hicache-storage-backend: expected none without enable-hierarchical-cache, found file");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Engine.check(
                    loaded, options(directory).withOffload(o -> o.withHicacheStorageDir(""))))
        .withMessage(
            "hicache-storage-dir: expected a directory for hicache-storage-backend file, found"
                + " none");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.start(loaded, options(Path.of("pom.xml"))))
        .withMessageStartingWith("hicache-storage-dir: expected a directory that can be written");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Engine.start(
                    loaded, options(directory).withOffload(o -> o.withHicacheStorageDir("a\0b"))))
        .withMessageStartingWith("hicache-storage-dir: expected the name of a directory");
  }

  /** Serves one request after the other, and says so. */
  static final class Server {
    private Server() {}

    public static void main(String[] arguments) {
      LoadedModel loaded = LoadedModel.load(MODEL);
      EngineOptions options =
          options(Path.of(arguments[0]))
              .withKv(kv -> kv.withMaxTotalTokens(1024))
              .withCompute(c -> c.withKernels(KernelSet.SCALAR)); // a plain JVM has no others
      Engine engine = Engine.start(loaded, options);
      for (int seed = 0; ; seed++) {
        engine.submit(request(seed)).join();
        System.out.println(seed);
      }
    }
  }

  @Test
  void anEngineThatIsKilledLeavesFilesThatTheNextOneHits() throws IOException {
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    for (int round = 0; round < 3; round++) {
      Path own = directory.resolve("round " + round);
      int last = -1;
      try (ChildJvm server = ChildJvm.start(Server.class, own.toString())) {
        while (last < 4 + round || files(own) < 2 * 10) { // pools and blocks of the first request
          last = Integer.parseInt(server.out().readLine());
        }
        server.kill();
      }
      events.clear();
      try (Engine engine = Engine.start(loaded, options(own), events::add)) {
        for (int seed = 0; seed <= last; seed++) {
          Answer answer = engine.submit(request(seed)).join().getFirst();
          assertThat(Said.of(answer).toString()).isEqualTo(expected(request(seed)));
        }
      }
      assertThat(parts(events)).isPositive();
    }
  }
}
