package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.AllCores;
import orrery.FileTrees;
import orrery.disagg.TcpNetwork;
import orrery.engine.SwitchCell.Speculation;
import orrery.engine.TwoEngines.Halves;
import orrery.text.Tokenizer;

/**
 * Two engines, one of which computes prompts and the other decodes, give the answers of the oracle,
 * under combinations of all switches: any two values of any two switches are together in one of
 * them.
 */
@Timeout(value = 3600, threadMode = ThreadMode.SEPARATE_THREAD)
class DisaggregationTest {
  private static final int CONTEXT = 96;
  private static final int WAVE = 8;

  @Test
  void twoEnginesGiveTheAnswersOfOneUnderEveryPairOfSwitches() {
    Map<String, Integer> happened = run(Served.all(false), 31);
    assertThat(happened)
        .containsKeys("prefill hits", "decode hits", "retractions", "forks", "accepted", "windows")
        .containsKeys("prefill INFLIGHT", "decode TRANSFER", "cancelled");
  }

  @Test
  void twoEnginesGiveTheAnswersOfOneWithNumbersOfFewBits() {
    Map<String, Integer> happened = run(Served.all(true), 32);
    assertThat(happened).containsKeys("prefill hits", "decode hits", "forks", "accepted");
  }

  private static Map<String, Integer> run(List<Served> models, long seed) {
    Map<String, Integer> happened = new TreeMap<>();
    List<SwitchCell> cells =
        SwitchCell.covering(models, 2, seed).stream()
            .filter(c -> c.speculation() != Speculation.CRAMMER) // the tests' own drafters
            .filter(c -> c.speculation() != Speculation.LAGGARD)
            .toList();
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("tiny-models/storyteller-moe"))) {
      Map<Served, List<RequestSet>> sets = new HashMap<>();
      for (Served model : models) {
        sets.put(
            model,
            List.of(RequestSet.of(model, tokenizer, 5), RequestSet.crowd(model, tokenizer, 6)));
      }
      AllCores.map(
              IntStream.range(0, cells.size()).boxed().toList(),
              i -> run(cells.get(i), sets.get(cells.get(i).model()).get(i % 2)))
          .forEach(counts -> counts.forEach((what, n) -> happened.merge(what, n, Integer::sum)));
    }
    happened.values().removeIf(n -> n == 0);
    System.out.printf("disaggregation: %d cells, happened: %s%n", cells.size(), happened);
    return happened;
  }

  /** Returns what happened, and how often. */
  private static Map<String, Integer> run(SwitchCell cell, RequestSet set) {
    Random r = new Random(cell.seed());
    Path files = cell.files() ? FileTrees.temporary() : Path.of("none");
    EngineOptions options =
        cell.options(set.loaded().model(), CONTEXT, set.longest(), 16)
            .withOffload(o -> o.withHicacheStorageDir(files.toString()));
    int reserve = r.nextBoolean() ? 512 : r.nextInt(4);
    TwoEngines two = new TwoEngines(set.loaded(), options, options, TcpNetwork.local(), reserve);
    List<Halves> all = new ArrayList<>(two.submit(set.requests().subList(0, WAVE)));
    Optional<Halves> victim =
        cell.cancels() ? Optional.of(two.submit(set.victim(r.nextLong()))) : Optional.empty();
    join(all.get(r.nextInt(WAVE / 2)).decode(), cell);
    victim.ifPresent(v -> (r.nextBoolean() ? v.prefill() : v.decode()).cancel());
    all.addAll(two.submit(set.requests().subList(WAVE, RequestSet.SIZE)));
    for (int i = 0; i < set.requests().size(); i++) {
      if (i == all.size()) { // all answers that are followed up now are there
        all.addAll(two.submit(set.requests().subList(i, i + RequestSet.FOLLOWED)));
      }
      List<String> said =
          join(all.get(i).decode(), cell).stream().map(a -> Said.of(a).toString()).toList();
      assertThat(said).as("%s, request %d", cell, i).isEqualTo(set.expected().get(i));
      List<Answer> firsts = join(all.get(i).prefill(), cell);
      for (Answer first : firsts) {
        int[] whole = set.expectedTokens().get(i).get(first.choice());
        assertThat(first.tokens()).as("%s, request %d", cell, i).containsExactly(whole[0]);
      }
    }
    two.close(cell.toString());
    if (cell.files()) {
      FileTrees.delete(files);
    }
    Map<String, Integer> counts = new HashMap<>();
    two.prefill.queues.forEach((queue, n) -> counts.put("prefill " + queue, n.get()));
    two.decode.queues.forEach((queue, n) -> counts.put("decode " + queue, n.get()));
    counts.put("prefill hits", two.prefill.hits.get());
    counts.put("decode hits", two.decode.hits.get());
    counts.put("retractions", two.decode.retractions.get());
    counts.put("retractions " + cell.policy(), two.decode.retractions.get());
    counts.put("forks", two.decode.forks.get());
    counts.put("accepted", two.decode.accepted.get());
    counts.put("windows", cell.model().windows() ? 1 : 0);
    counts.put("cancelled", victim.isPresent() ? 1 : 0);
    return counts;
  }

  private static List<Answer> join(Completion c, SwitchCell cell) {
    try {
      return c.join();
    } catch (RequestException e) {
      throw new AssertionError(cell + ": " + e.getMessage(), e);
    }
  }
}
