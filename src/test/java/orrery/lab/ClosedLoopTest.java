package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.Event;

/** Clients that never pause: as many requests as clients, at every time. */
class ClosedLoopTest {
  private static final int CLIENTS = 3;
  private static final int REQUESTS = 5;

  private static List<Event> run(EngineOptions options) {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      Draw draw = new Draw(1, loaded.model().vocab());
      List<Job> jobs = new FrontierLoad(6, 4).jobs(draw, ClosedLoop.jobs(CLIENTS, REQUESTS));
      return ClosedLoop.run(loaded, options, jobs, CLIENTS, REQUESTS);
    }
  }

  @Test
  void asManyRequestsAreThereAsClientsUntilTheLastOneEnds() {
    int there = 0;
    int ended = 0;
    int now = 0; // ended in this step; the next requests are told of in the next one
    List<Event> events = run(EngineOptions.defaults().withKv(kv -> kv.withContextLength(64)));
    for (Event e : events) {
      there += e instanceof Event.Submitted ? 1 : 0;
      if (e instanceof Event.Finished) {
        assertThat(there + now).isEqualTo(CLIENTS);
        there--;
        ended++;
        now++;
      }
      now = e instanceof Event.StepDone ? 0 : now;
    }
    assertThat(ended).isEqualTo(CLIENTS + REQUESTS);
    assertThat(events.getLast()).isInstanceOf(Event.Finished.class);
  }

  @Test
  void aStaticBatchFillsAgainWhenItsLastAnswerHasEnded() {
    List<Event> events =
        run(
            EngineOptions.defaults()
                .withKv(
                    kv -> kv.withContextLength(64).withPageSize(0).withMaxTotalTokens(64 * CLIENTS))
                .withBatching(
                    b ->
                        b.withSchedulePolicy(SchedulePolicy.STATIC)
                            .withMaxRunningRequests(CLIENTS)));
    int ended = 0;
    int admitted = 0;
    for (Event e : events) {
      if (e instanceof Event.Admitted) {
        assertThat(ended).isEqualTo(admitted / CLIENTS * CLIENTS); // whole batches have ended
        admitted++;
      }
      ended += e instanceof Event.Finished ? 1 : 0;
    }
    assertThat(admitted).isGreaterThan(CLIENTS);
  }
}
