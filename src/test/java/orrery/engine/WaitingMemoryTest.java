package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.model.Model;
import orrery.sampling.SamplingParams;

/** The memory that a request takes before it runs. */
class WaitingMemoryTest {
  private static final int CHOICES = 1_000;

  /** A model with a false vocabulary size. */
  private record Wide(Model real, int vocab) implements ForwardingModel {}

  /** Bytes that this thread allocates for each choice of a waiting request. */
  private static long bytesEach(LoadedModel loaded, int vocab) {
    return bytesEach(loaded, vocab, SamplingParams.defaults().withFrequencyPenalty(1));
  }

  private static long bytesEach(LoadedModel loaded, int vocab, SamplingParams params) {
    var model = new Wide(loaded.model(), vocab);
    var wide = new LoadedModel(loaded.directory(), model, Optional.empty(), new int[0]);
    Request request = Request.of(new int[] {1, 2, 3, 4, 5, 6, 7, 8}, params);
    List<Choice> kept = new ArrayList<>(CHOICES);
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < CHOICES; i++) {
      Active active = new Active(request, new Completion(i, c -> {}), 1, 0, null);
      kept.add(new Choice(active, wide, i, 0, 100, i));
    }
    long bytes = (threads.getCurrentThreadAllocatedBytes() - before) / CHOICES;
    assertThat(kept).hasSize(CHOICES);
    return bytes;
  }

  @Test
  void aWaitingRequestTakesAFewKilobytesWhateverTheVocabulary() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"))) {
      bytesEach(loaded, 1_000); // classes are loaded once
      long small = bytesEach(loaded, 1_000);
      long large = bytesEach(loaded, 151_552);
      assertThat(large).isBetween(1L, 4_000L).isLessThan(small + 200);
    }
  }

  @Test
  void theTablesOfStopStringsAreMadeOnceAndNotForEachChoice() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"))) {
      SamplingParams plain = SamplingParams.defaults();
      SamplingParams stops = plain.withStop(Collections.nCopies(64, "x".repeat(1024)));
      stops.prepare();
      bytesEach(loaded, 1_000, stops); // classes are loaded once
      long more = bytesEach(loaded, 1_000, stops) - bytesEach(loaded, 1_000, plain);
      assertThat(more).isBetween(1L, stops.answerBytes());
      assertThat(stops.sharedBytes()).isGreaterThan(4L * 64 * 1024);
    }
  }
}
