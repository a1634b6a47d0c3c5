package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import orrery.Naive;
import orrery.engine.EngineOptions.KernelChoice;
import orrery.engine.EngineOptions.PolicyChoice;
import orrery.engine.EngineOptions.PrefixChoice;
import orrery.events.Event;
import orrery.sampling.History;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;

/**
 * The strongest test of the house: random request sets under pairwise-covering combinations of all
 * switches give the same tokens and the same log-probabilities, to the bit, as {@link Naive}, which
 * knows no cache, no batch and no schedule. Each cell also shows that what it is about happened.
 */
class EngineMatrixTest {
  private static final Path MODEL = Path.of("tiny-models/speck-groups");
  private static final int CONTEXT = 96;
  private static final int REQUESTS = 14;
  private static final int WAVE = 8;

  /** One combination of switches. */
  record Cell(
      int pageSize,
      PolicyChoice policy,
      int chunk,
      PrefixChoice prefix,
      boolean tight,
      int maxRunning,
      boolean shuffled,
      int threads,
      KernelChoice kernels,
      boolean graph) {

    /** What cannot happen in it. */
    boolean mayHit() {
      return pageSize > 0 && prefix != PrefixChoice.OFF;
    }

    /** In tight memory what could be hit may have been evicted. */
    boolean mustHit() {
      return mayHit() && !tight;
    }

    boolean mayRetract() {
      return tight
          && maxRunning > 1
          && pageSize > 0
          && policy != PolicyChoice.STATIC
          && policy != PolicyChoice.TRTLLM;
    }
  }

  private static final Object[][] VALUES = {
    {1, 4, 16, 0},
    PolicyChoice.values(),
    {1, 7, 64, 0},
    PrefixChoice.values(),
    {false, true},
    {1, 3, 32},
    {false, true},
    {1, 2},
    {KernelChoice.SCALAR, KernelChoice.VECTOR},
    {false, true},
  };

  /** Greedy pairwise covering: every pair of values of two switches is in some cell. */
  static List<Cell> cells() {
    Random r = new Random(20);
    TreeSet<String> open = new TreeSet<>();
    for (int a = 0; a < VALUES.length; a++) {
      for (int b = a + 1; b < VALUES.length; b++) {
        for (int x = 0; x < VALUES[a].length; x++) {
          for (int y = 0; y < VALUES[b].length; y++) {
            open.add(a + "=" + x + "," + b + "=" + y);
          }
        }
      }
    }
    List<Cell> cells = new ArrayList<>();
    while (!open.isEmpty()) {
      int[] best = null;
      int most = -1;
      for (int attempt = 0; attempt < 60; attempt++) {
        int[] pick = new int[VALUES.length];
        for (int i = 0; i < pick.length; i++) {
          pick[i] = r.nextInt(VALUES[i].length);
        }
        int covers = 0;
        for (int a = 0; a < pick.length; a++) {
          for (int b = a + 1; b < pick.length; b++) {
            covers += open.contains(a + "=" + pick[a] + "," + b + "=" + pick[b]) ? 1 : 0;
          }
        }
        if (covers > most) {
          most = covers;
          best = pick;
        }
      }
      for (int a = 0; a < best.length; a++) {
        for (int b = a + 1; b < best.length; b++) {
          open.remove(a + "=" + best[a] + "," + b + "=" + best[b]);
        }
      }
      cells.add(cell(best));
    }
    return cells;
  }

  private static Cell cell(int[] p) {
    return new Cell(
        (int) VALUES[0][p[0]],
        (PolicyChoice) VALUES[1][p[1]],
        (int) VALUES[2][p[2]],
        (PrefixChoice) VALUES[3][p[3]],
        (boolean) VALUES[4][p[4]],
        (int) VALUES[5][p[5]],
        (boolean) VALUES[6][p[6]],
        (int) VALUES[7][p[7]],
        (KernelChoice) VALUES[8][p[8]],
        (boolean) VALUES[9][p[9]]);
  }

  /** Requests with shared prefixes, greedy and drawn, with penalties, stops and several choices. */
  static List<Request> requests(int vocab, long seed) {
    Random r = new Random(seed);
    int[] system = r.ints(33, 0, vocab).toArray();
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      int shared = r.nextInt(3) == 0 ? 0 : r.nextInt(system.length + 1);
      int own = 1 + r.nextInt(20);
      int[] prompt = Arrays.copyOf(system, shared + own);
      for (int t = shared; t < prompt.length; t++) {
        prompt[t] = r.nextInt(vocab);
      }
      var params =
          SamplingParams.builder()
              .maxTokens(1 + r.nextInt(24))
              .ignoreEos(true)
              .temperature(r.nextBoolean() ? 0 : 0.9)
              .topP(r.nextBoolean() ? 1 : 0.9)
              .repetitionPenalty(r.nextInt(3) == 0 ? 1.2 : 1)
              .frequencyPenalty(r.nextInt(3) == 0 ? 0.4 : 0)
              .logprobs(2)
              .n(r.nextInt(4) == 0 ? 3 : 1)
              .seed(r.nextLong());
      if (r.nextInt(3) == 0) {
        params.stopTokenIds(List.of(r.nextInt(vocab), r.nextInt(vocab), r.nextInt(vocab)));
      }
      requests.add(Request.of(prompt, params.build()));
    }
    return requests;
  }

  /** What the naive forward and the plain sampler answer. */
  static String expected(Naive naive, Request request, int choice, int vocab) {
    SamplingParams p = request.params();
    int[] ids = request.prompt();
    History history = new History(vocab, ids);
    Sampler sampler = new Sampler(vocab);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < p.maxTokens(); i++) {
      float[][] logits = naive.logits(ids);
      float[] last = logits[logits.length - 1];
      int token = sampler.sample(last, 0, p, history, p.seed().getAsLong(), choice);
      out.append(describe(token, orrery.sampling.Logprobs.of(last, 0, vocab, token, 2)));
      history.push(token);
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = token;
      if (p.stopTokenIds().contains(token)) {
        break;
      }
    }
    return out.toString();
  }

  private static String describe(int token, orrery.sampling.Logprobs logprobs) {
    StringBuilder s = new StringBuilder().append(token);
    s.append(':').append(Double.doubleToLongBits(logprobs.chosen().logprob()));
    logprobs.top().forEach(t -> s.append(',').append(Double.doubleToLongBits(t.logprob())));
    return s.append(' ').toString();
  }

  private static String describe(Answer a) {
    StringBuilder s = new StringBuilder();
    for (int i = 0; i < a.tokens().length; i++) {
      s.append(describe(a.tokens()[i], a.logprobs().get(i)));
    }
    return s.toString();
  }

  /** Counts what happened. */
  private static final class Counts {
    int retractions;
    int hits;
    int chunks;
    int padding;
    int mostRunning;
    int mixed;

    synchronized void see(Event e) {
      switch (e) {
        case Event.Retracted r -> retractions++;
        case Event.Admitted a -> hits += a.hit() > 0 ? 1 : 0;
        case Event.StepDone s -> {
          padding += s.paddingRows();
          mostRunning = Math.max(mostRunning, s.running());
          mixed += s.prefillRows() > 0 && s.decodeRows() > 0 ? 1 : 0;
        }
        default -> {}
      }
    }
  }

  @Test
  void everyCombinationOfSwitchesGivesTheAnswersOfTheNaiveForward() {
    long start = System.nanoTime();
    List<Cell> cells = cells();
    Map<String, Integer> happened = new LinkedHashMap<>();
    List<String> impossible = new ArrayList<>();
    try (LoadedModel loaded = LoadedModel.load(MODEL)) {
      int vocab = loaded.model().vocab();
      Naive naive = new Naive(MODEL);
      List<List<Request>> sets = List.of(requests(vocab, 1), requests(vocab, 2));
      List<List<List<String>>> expected = new ArrayList<>(); // [set][request][choice]
      for (List<Request> set : sets) {
        List<List<String>> answers = new ArrayList<>();
        for (Request q : set) {
          List<String> each = new ArrayList<>();
          for (int n = 0; n < q.params().n(); n++) {
            each.add(expected(naive, q, n, vocab));
          }
          answers.add(each);
        }
        expected.add(answers);
      }
      for (int i = 0; i < cells.size(); i++) {
        Cell cell = cells.get(i);
        Counts counts = run(loaded, cell, sets.get(i % 2), expected.get(i % 2));
        tally(cell, counts, happened, impossible);
      }
    }
    System.out.printf(
        "switch matrix: %d cells, %.1f s; %s%n  impossible: %s%n",
        cells.size(), (System.nanoTime() - start) / 1e9, happened, impossible);
    assertThat(happened.keySet()).contains("hits", "retractions", "padding", "mixed steps");
  }

  private static Counts run(
      LoadedModel loaded, Cell cell, List<Request> set, List<List<String>> expected) {
    Counts counts = new Counts();
    EngineOptions options = options(cell, set);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < set.size(); i++) {
      order.add(i);
    }
    if (cell.shuffled()) {
      java.util.Collections.shuffle(order, new Random(cell.hashCode()));
    }
    try (Engine engine = Engine.start(loaded, options, counts::see)) {
      // Two waves: the second finds the engine at work and the cache filled.
      List<Request> all = order.stream().map(set::get).toList();
      List<Completion> completions = new ArrayList<>(engine.submit(all.subList(0, WAVE)));
      completions.getFirst().join();
      completions.addAll(engine.submit(all.subList(WAVE, all.size())));
      for (int i = 0; i < order.size(); i++) {
        List<Answer> answers = completions.get(i).join();
        List<String> wanted = expected.get(order.get(i));
        assertThat(answers).as("%s", cell).hasSameSizeAs(wanted);
        for (int n = 0; n < wanted.size(); n++) {
          assertThat(describe(answers.get(n)))
              .as("%s request %d choice %d", cell, order.get(i), n)
              .isEqualTo(wanted.get(n));
        }
      }
    }
    return counts;
  }

  private static EngineOptions options(Cell cell, List<Request> set) {
    int longest =
        set.stream().mapToInt(q -> q.prompt().length + q.params().maxTokens()).max().orElseThrow();
    int tight = cell.pageSize() == 0 ? CONTEXT : (longest + 15) / 16 * 16 + 16;
    return EngineOptions.builder()
        .contextLength(CONTEXT)
        .pageSize(cell.pageSize())
        .schedulePolicy(cell.policy())
        .chunkedPrefillSize(cell.chunk())
        .prefixCache(cell.prefix())
        .maxTotalTokens(cell.tight() ? tight : CONTEXT * 64)
        .maxRunning(cell.maxRunning())
        .threads(cell.threads())
        .kernels(cell.kernels())
        .graph(cell.graph())
        .conservativeness(0.05)
        .batchWaitMillis(0)
        .build();
  }

  private static void tally(
      Cell cell, Counts counts, Map<String, Integer> happened, List<String> impossible) {
    if (cell.mustHit()) {
      assertThat(counts.hits).as("%s: prefix hits", cell).isPositive();
    }
    happened.merge("hits", counts.hits, Integer::sum);
    if (!cell.mayHit()) {
      assertThat(counts.hits).isZero();
      impossible.add("hits with page " + cell.pageSize() + " and " + cell.prefix());
    }
    if (cell.mayRetract()) {
      assertThat(counts.retractions).as("%s: retractions", cell).isPositive();
    } else {
      assertThat(counts.retractions).as("%s: retractions", cell).isZero();
    }
    happened.merge("retractions", counts.retractions, Integer::sum);
    if (cell.policy() == PolicyChoice.STATIC && cell.maxRunning() > 1) {
      happened.merge("padding", counts.padding, Integer::sum);
    }
    happened.merge("mixed steps", counts.mixed, Integer::sum);
    assertThat(counts.mostRunning).isLessThanOrEqualTo(cell.maxRunning());
  }
}
