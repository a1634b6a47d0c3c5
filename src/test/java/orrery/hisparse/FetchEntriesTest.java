package orrery.hisparse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.graph.HostReads.Count;
import orrery.graph.IntBuffer;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kernels.ScalarKernels;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;

/** Entries of real pages in real buffers, over random steps of a few sequences. */
class FetchEntriesTest {
  private static final int RATIO = 4;
  private static final int WIDTH = 80;
  private static final int MOST_ROWS = 32;
  private static final int SLOTS = 400; // of the longest sequence

  /** A cache, and steps of made-up rows: entries hold numbers that no other write has. */
  private static final class Run {
    final int topk;
    final int sequences;
    final Random random = new Random(3);
    final KvCache cache;
    final StreamRows host;
    final EntryBuffers buffers;
    final Step step;
    final IntBuffer selected;
    final IntBuffer places;
    final FetchEntries op;
    final PageTable[] tables;
    final int[] computed; // [sequences]
    float written; // a number that no entry has yet

    Run(KvDtype dtype, int topk, int slots, int sequences) {
      this.topk = topk;
      this.sequences = sequences;
      Stream entries =
          new Stream("entry", WIDTH, RATIO, Stream.ALL, Stream.ALL, dtype.format(64, 16), topk);
      KvLayout layout =
          new KvLayout(List.of(Stream.whole("key", 1), entries))
              .onHost(new DeviceBuffers(slots, sequences));
      cache = new KvCache(layout, 8, SLOTS, sequences * SLOTS / 8);
      host = StreamRows.of(cache, 1);
      buffers = EntryBuffers.of(cache, host);
      step = new Step(MOST_ROWS, sequences + 1, 2, new ScalarKernels());
      RowCount rows = Step::rows;
      selected = new IntBuffer("selected", rows, MOST_ROWS, topk);
      places = new IntBuffer("places", rows, MOST_ROWS, topk);
      op = new FetchEntries(selected, buffers, places);
      tables = new PageTable[sequences];
      Arrays.setAll(tables, _ -> cache.newTable());
      computed = new int[sequences];
    }

    /** Adds rows of a sequence that has a buffer, writes their entries and selects for them. */
    void add(int sequence, int rows) {
      int index =
          (int) IntStream.range(0, step.rows()).map(r -> step.sequence[r]).distinct().count();
      PageTable table = tables[sequence];
      cache.reserve(table, computed[sequence] + rows);
      cache.takeBuffer(table);
      step.tables[index] = table;
      for (int i = 0; i < rows; i++) {
        int slot = computed[sequence] + i;
        if (host.completes(slot)) {
          float[] entry = new float[WIDTH];
          Arrays.fill(entry, ++written % 200); // bf16 and FP8 have it to the bit
          host.stored().write(host.row(host.pages(table), slot), entry, 0);
        }
        select(step.rows(), (slot + 1) / RATIO);
        step.add(0, slot, index, false);
      }
      computed[sequence] += rows;
    }

    void select(int row, int visible) {
      int n = Math.min(topk, visible);
      Set<Integer> some = new LinkedHashSet<>();
      while (some.size() < n) { // the newest more often than others
        int back = random.nextInt(3) == 0 ? random.nextInt(visible) : random.nextInt(n);
        some.add(visible - 1 - back);
      }
      int[] sorted = some.stream().mapToInt(Integer::intValue).sorted().toArray();
      Arrays.fill(selected.data, row * topk, (row + 1) * topk, -1);
      System.arraycopy(sorted, 0, selected.data, row * topk, n);
    }

    void run(int shares) {
      for (int share = shares - 1; share >= 0; share--) {
        op.run(step, share, shares);
      }
    }

    /** Whether a row reads on the host; else its places must have what the host has. */
    boolean direct(int r) {
      if (places.data[r * topk] == FetchEntries.DIRECT) {
        return true;
      }
      float[] there = new float[WIDTH];
      float[] expected = new float[WIDTH];
      int[] pages = host.pages(step, r);
      for (int i = r * topk; i < (r + 1) * topk && selected.data[i] >= 0; i++) {
        buffers.rows().read(places.data[i], there, 0);
        host.stored().read(host.row(pages, selected.data[i] * RATIO), expected, 0);
        assertThat(there).as("row %d, entry %d", r, selected.data[i]).isEqualTo(expected);
      }
      return false;
    }

    long count(Count what) {
      return step.hostReads().sum(what);
    }

    /** How many different entries the rows of a sequence of the step chose. */
    long union(int index) {
      return IntStream.range(0, step.rows())
          .filter(r -> step.sequence[r] == index)
          .flatMap(r -> Arrays.stream(selected.data, r * topk, (r + 1) * topk))
          .filter(entry -> entry >= 0)
          .distinct()
          .count();
    }

    /** Rejected drafts: the next step writes these slots again. */
    void reject(int sequence, int rows) {
      computed[sequence] -= rows;
      cache.trim(tables[sequence], computed[sequence]);
    }

    void leave(int sequence) {
      cache.release(tables[sequence]);
      tables[sequence] = cache.newTable();
      computed[sequence] = 0;
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, F32", "3, 3, F32", "3, 7, BF16", "4, 16, FP8", "6, 40, F32"})
  void everyPlaceHasWhatTheHostHas(int topk, int slots, KvDtype dtype) {
    Run run = new Run(dtype, topk, slots, 3);
    long misses = 0;
    long hits = 0;
    long direct = 0;
    for (int i = 0; i < 3_000; i++) {
      run.step.clear();
      int[] rows = new int[run.sequences];
      for (int s = 0; s < run.sequences; s++) {
        rows[s] = run.random.nextInt(8) == 0 ? 10 : run.random.nextInt(4);
        if (rows[s] > 0) {
          run.add(s, rows[s]);
        }
      }
      if (run.step.rows() == 0) {
        continue;
      }
      run.run(1 + run.random.nextInt(2));
      long chosen = 0;
      for (int r = 0; r < run.step.rows(); r++) {
        boolean first = r == 0 || run.step.sequence[r] != run.step.sequence[r - 1];
        boolean reads = run.selected.data[r * topk] >= 0;
        boolean tooMany = run.union(run.step.sequence[r]) > slots;
        assertThat(run.direct(r)).isEqualTo(tooMany || !reads);
        chosen += first && !tooMany ? run.union(run.step.sequence[r]) : 0;
      }
      assertThat(run.count(Count.CHOSEN)).isEqualTo(chosen);
      assertThat(run.count(Count.HITS) + run.count(Count.MISSES)).isEqualTo(chosen);
      int bytes = run.host.stored().format().bytes(WIDTH);
      assertThat(run.count(Count.BYTES_DOWN)).isEqualTo(bytes * run.count(Count.MISSES));
      assertThat(run.count(Count.BYTES_DIRECT)).isEqualTo(bytes * run.count(Count.DIRECT));
      assertThat(run.count(Count.BYTES_UP)).isEqualTo(bytes * run.count(Count.WRITTEN));
      misses += run.count(Count.MISSES);
      hits += run.count(Count.HITS);
      direct += run.count(Count.DIRECT);
      for (int s = 0; s < run.sequences; s++) {
        if (run.computed[s] + 10 > SLOTS - 10 || run.random.nextInt(60) == 0) {
          run.leave(s);
        } else if (rows[s] > 1 && run.random.nextBoolean()) {
          run.reject(s, 1 + run.random.nextInt(rows[s] - 1));
        }
      }
    }
    assertThat(misses).isPositive();
    assertThat(hits).isPositive();
    assertThat(direct > 0).isEqualTo(slots < 40);
  }

  @Test
  void aSequenceWithNoMoreEntriesThanSlotsFetchesNone() {
    Run run = new Run(KvDtype.F32, 3, 10, 1);
    for (int i = 0; i < 10 * RATIO; i++) {
      run.step.clear();
      run.add(0, 1);
      run.run(1);
      assertThat(run.count(Count.MISSES) + run.count(Count.EVICTED)).isZero();
    }
    run.step.clear();
    run.add(0, RATIO);
    run.run(1);
    assertThat(run.count(Count.EVICTED)).isEqualTo(1);
  }

  /** What another engine computed, or a prefix hit has, is on the host alone. */
  @Test
  void whatOtherStepsDidNotWriteIsFetchedOnce() {
    Run run = new Run(KvDtype.F32, 3, 12, 1);
    run.add(0, 32);
    run.step.clear(); // as if they were loaded: the op has not seen these rows
    long misses = 0;
    for (int i = 0; i < 4 * RATIO - 1; i++) {
      run.step.clear();
      run.add(0, 1);
      run.run(1);
      misses += run.count(Count.MISSES);
      assertThat(run.count(Count.EVICTED)).isZero();
    }
    assertThat(misses).isBetween(3L, 8L);
  }

  @Test
  void aBufferThatIsGivenBackHasNothingForTheNextSequence() {
    Run run = new Run(KvDtype.F32, 3, 8, 1);
    run.add(0, 32);
    run.run(1);
    int buffer = run.tables[0].buffer();
    int term = run.tables[0].bufferTerm();
    run.leave(0);
    run.step.clear();
    run.add(0, 24);
    run.step.clear(); // its entries lie on the host, where a hit found them
    run.add(0, 1);
    run.run(1);
    assertThat(run.tables[0].buffer()).isEqualTo(buffer);
    assertThat(run.tables[0].bufferTerm()).isNotEqualTo(term);
    assertThat(run.direct(0)).isFalse();
    assertThat(run.count(Count.HITS)).isZero();
    assertThat(run.count(Count.MISSES)).isEqualTo(3);
  }

  @Test
  void anEntryThatRejectedDraftsCompletedIsCopiedAgain() {
    Run run = new Run(KvDtype.F32, 3, 8, 1);
    run.add(0, 2 * RATIO - 1); // entry 0 has the number 1
    run.run(1);
    run.step.clear();
    run.add(0, 2); // entry 1 has the number 2
    run.run(1);
    run.reject(0, 2);
    run.step.clear();
    run.add(0, 1); // and now 3
    run.run(1);
    float[] there = new float[WIDTH];
    run.buffers.rows().read(run.places.data[1], there, 0);
    assertThat(there[0]).isEqualTo(3);
  }

  @Test
  void rowsOfPaddingReadInPlaceAndCountNothing() {
    Run run = new Run(KvDtype.F32, 3, 8, 1);
    run.step.tables[0] = run.cache.newTable();
    run.select(0, 9);
    run.step.add(0, 4 * 9, 0, false);
    run.run(1);
    assertThat(run.places.data[0]).isEqualTo(FetchEntries.DIRECT);
    for (Count what : Count.values()) {
      assertThat(run.count(what)).as(what.toString()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void aStepAllocatesNothing(KvDtype dtype) {
    Run run = new Run(dtype, 4, 9, 2);
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    run.step.scratch(0).rows(SLOTS); // it grows with the context
    long least = Long.MAX_VALUE; // the JIT and the loading of classes disturb some windows
    for (int window = 0; window < 20 && least > 0; window++) {
      long bytes = 0;
      for (int i = 0; i < 100; i++) {
        run.step.clear();
        run.add(0, 2);
        run.add(1, i % 20 == 0 ? 14 : 1);
        long before = threads.getCurrentThreadAllocatedBytes();
        run.run(1);
        bytes += threads.getCurrentThreadAllocatedBytes() - before;
      }
      least = Math.min(least, bytes);
    }
    assertThat(least).as("bytes of 100 steps").isZero();
  }

  @Test
  void moreSequencesThanBuffersAreRefused() {
    KvCache cache = new Run(KvDtype.F32, 3, 8, 2).cache;
    PageTable[] tables = {cache.newTable(), cache.newTable(), cache.newTable()};
    cache.takeBuffer(tables[0]);
    cache.takeBuffer(tables[1]);
    cache.takeBuffer(tables[1]); // it has one
    assertThatThrownBy(() -> cache.takeBuffer(tables[2]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("device buffers: all 2 are taken, and one more sequence runs");
    cache.giveBackBuffer(tables[0]);
    cache.giveBackBuffer(tables[0]); // it has none
    cache.takeBuffer(tables[2]);
    assertThat(tables[2].buffer()).isNotEqualTo(tables[1].buffer());
  }
}
