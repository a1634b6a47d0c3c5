package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.graph.Executor;
import orrery.graph.HostReads;
import orrery.graph.HostReads.Count;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.hisparse.FetchEntries;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;

/**
 * The worked example of the chapter on sparse offload: tokens behind a prompt, and a buffer of 4.
 */
class SparseFiguresTest {
  private static final Path SPECK = TinyModels.speck("v4-mtp");
  private static final int PROMPT = 20; // tokens
  private static final int LAST = 27; // token
  private static final int SLOTS = 4;

  /** What a layer's rows chose in a step, and what its buffer did for them. */
  private record Fetched(List<Integer> chosen, long copied, long evicted, long direct) {}

  private static final List<Fetched> FIRST_LAYER = new ArrayList<>(); // [steps] of layer 1

  @BeforeAll
  static void compute() {
    int[] ids = TinyModels.ids(SPECK);
    try (LoadedModel loaded = LoadedModel.load(SPECK);
        Team team = new Team(1)) {
      KvLayout layout = loaded.model().kvLayout(false, KvDtype.F32);
      KvCache cache = new KvCache(layout.onHost(new DeviceBuffers(SLOTS, 1)), 8, 32, 4);
      PageTable table = cache.newTable();
      cache.reserve(table, LAST + 1);
      cache.takeBuffer(table);
      Step step = new Step(PROMPT, 1, 1, new ScalarKernels());
      var model = loaded.model().bind(cache, 1);
      for (int from = 0; from <= LAST; from += from == 0 ? PROMPT : 1) {
        step.clear();
        step.tables[0] = table;
        int rows = from == 0 ? PROMPT : 1;
        for (int p = from; p < from + rows; p++) {
          step.add(ids[p], p, 0, p == from + rows - 1);
        }
        model.apply(rows).main(listen(new Executor(team), step));
      }
    }
  }

  private static Launcher listen(Executor executor, Step step) {
    return new Launcher() {
      private boolean first = true;

      @Override
      public void launch(Op op) {
        executor.run(op, step);
        if (op instanceof FetchEntries fetch && first) { // until here only this layer has counted
          HostReads reads = step.hostReads();
          FIRST_LAYER.add(
              new Fetched(
                  Arrays.stream(fetch.selected().data, 0, step.rows() * fetch.selected().cols)
                      .filter(entry -> entry >= 0)
                      .distinct()
                      .boxed()
                      .toList(),
                  reads.sum(Count.MISSES),
                  reads.sum(Count.EVICTED),
                  reads.sum(Count.DIRECT)));
          first = false;
        }
      }
    };
  }

  private static String page() throws IOException {
    return Files.readString(Path.of("docs/sparse-offload.md"));
  }

  /** The chapter's table, from the model's choices and a buffer in plain sets. */
  @Test
  void theBufferOfTheExampleHasWhatTheChapterSays() throws IOException {
    Set<Integer> buffer = new LinkedHashSet<>(List.of(1, 2, 3, 4)); // the newest of the prompt
    String page = page();
    for (int t = PROMPT; t <= LAST; t++) {
      Fetched fetched = FIRST_LAYER.get(1 + t - PROMPT);
      int made = (t + 1) % 4 == 0 ? t / 4 : -1;
      fetched.chosen.stream().filter(buffer::remove).toList().forEach(buffer::add);
      List<Integer> copied = new ArrayList<>(fetched.chosen);
      copied.removeAll(buffer);
      int size = buffer.size();
      List<Integer> in = new ArrayList<>(copied);
      copied.removeIf(entry -> entry == made);
      if (made >= 0 && !fetched.chosen.contains(made)) {
        in.add(made);
      }
      buffer.addAll(in);
      List<Integer> gone = buffer.stream().limit(buffer.size() - SLOTS).toList();
      gone.forEach(buffer::remove);
      assertThat(fetched.copied).as("token %d", t).isEqualTo(copied.size());
      assertThat(fetched.evicted).as("token %d", t).isEqualTo(size + in.size() - SLOTS);
      assertThat(page)
          .contains(
              String.format(
                  Locale.ROOT,
                  " %5d   %-8s   %-5s   %-6s   %s\n",
                  t,
                  words(fetched.chosen),
                  made < 0 ? "-" : made,
                  copied.isEmpty() ? "-" : words(copied),
                  words(buffer)));
    }
  }

  private static String words(Iterable<Integer> entries) {
    List<String> words = new ArrayList<>();
    entries.forEach(entry -> words.add(entry.toString()));
    return words.stream().collect(Collectors.joining(" "));
  }

  @Test
  void theRowsOfTheExamplesPromptReadOnTheHostAsTheChapterSays() throws IOException {
    Fetched prompt = FIRST_LAYER.getFirst();
    assertThat(prompt.chosen).hasSize(5);
    assertThat(prompt.copied).isZero();
    assertThat(page().replaceAll("\\s+", " "))
        .contains("choose 5 entries together")
        .contains("read " + prompt.direct + " entries on the host");
  }

  @Test
  void theBytesOfARequestAreThoseThatTheChapterSays() throws IOException {
    try (LoadedModel loaded = LoadedModel.load(Path.of("tiny-models/storyteller-v4"))) {
      KvLayout layout = loaded.model().kvLayout(false, KvDtype.F32);
      int topk = layout.chosen();
      KvLayout sparse = layout.onHost(new DeviceBuffers(2 * topk, 1));
      long host = sparse.hostBytesPerPage(4096);
      assertThat(page().replaceAll("\\s+", " "))
          .contains(String.format(Locale.ROOT, "top %d", topk))
          .contains(String.format(Locale.ROOT, "%,d bytes on the host", host))
          .contains(String.format(Locale.ROOT, "%,d bytes of buffers", sparse.bufferBytes()))
          .contains(String.format(Locale.ROOT, "%d bytes a token", host / 4096));
    }
  }
}
