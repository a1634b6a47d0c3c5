package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.events.Event;
import orrery.speculation.SpeculationOptions.Algorithm;

/** The MTP layer continues whatever the main model hands over: here three streams. */
class WideStatesTest {
  private static LoadedModel loaded(int inputWidth) {
    return new LoadedModel(
        Path.of("made-up"), new WideStatesModel(inputWidth), Optional.empty(), new int[0]);
  }

  private static EngineOptions options(int page, int chunk, int drafts) {
    return SCALAR
        .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(drafts))
        .withKv(kv -> kv.withPageSize(page).withContextLength(256))
        .withBatching(b -> b.withChunkedPrefillSize(chunk).withMaxRunningRequests(5));
  }

  private static int[] expected(int[] prompt, int most) {
    int[] all = Arrays.copyOf(prompt, prompt.length + most);
    for (int p = prompt.length; p < all.length; p++) {
      all[p] = WideStatesModel.after(all[p - 1], p - 1);
    }
    return Arrays.copyOfRange(all, prompt.length, all.length);
  }

  /** In steps of prompts and answers, behind hits and forks, in chains, and after rows put off. */
  @Test
  void everyColumnOfTheStatesReachesTheMtpLayer() {
    int drafted = 0;
    int hits = 0;
    int forks = 0;
    Random r = new Random(3);
    for (int page : new int[] {1, 3, 4, 16}) {
      for (int chunk : new int[] {3, 64}) {
        List<Event> events = new ArrayList<>();
        try (Engine engine =
            Engine.start(
                loaded(WideStatesModel.WIDTH),
                options(page, chunk, 1 + r.nextInt(4)),
                events::add)) {
          int[] prompt = r.ints(40, 0, WideStatesModel.VOCAB).toArray();
          for (int wave = 0; wave < 3; wave++) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
              int[] one = Arrays.copyOf(prompt, 1 + r.nextInt(prompt.length));
              requests.add(Request.of(one, greedy(40).withN(1 + i % 3)));
            }
            List<Completion> all = engine.submit(requests);
            for (int i = 0; i < all.size(); i++) {
              for (Answer a : all.get(i).join()) {
                assertThat(a.tokens()).isEqualTo(expected(requests.get(i).prompt(), 40));
                hits += a.cachedTokens() > 0 ? 1 : 0;
              }
            }
          }
        }
        for (Event e : events) {
          if (e instanceof Event.Verified v) {
            assertThat(v.accepted()).as("of drafts that were looked at").isEqualTo(v.judged());
            drafted += v.judged();
          }
          forks += e instanceof Event.Forked ? 1 : 0;
        }
      }
    }
    assertThat(drafted).isGreaterThan(5_000);
    assertThat(hits).isGreaterThan(100);
    assertThat(forks).isGreaterThan(30);
  }

  @Test
  void anMtpLayerThatReadsAnotherWidthIsRefused() {
    EngineOptions two = options(4, 64, 1).withCompute(c -> c.withThreads(2));
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    assertThatThrownBy(() -> Engine.start(loaded(WideStatesModel.HIDDEN), two).close())
        .hasMessage(
            "MTP: expected states as wide as a row of the boundary stream, 12, found mtpInput[4]");
    assertThat(Thread.getAllStackTraces().keySet())
        .as("threads of an engine that did not start")
        .noneMatch(t -> t.getName().startsWith("orrery-team") && !before.contains(t));
  }
}
