package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.sampling.SamplingParams;

/** A thousand streams at the same time, of which half are left in the middle. */
class CrowdTest {
  private static final int CLIENTS = 1000;
  private static final int TOKENS = 100;
  private static final int THREADS = 24; // the engine's, Jetty's, and the JVM's for virtual threads
  private static final long MIB = 1 << 20;

  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final JsonMapper mapper = new JsonMapper();

  @Test
  void thoseWhoStayGetTheirWholeAnswerAndAllPagesComeBack() throws Exception {
    EngineOptions options =
        EngineOptions.defaults()
            .withKv(kv -> kv.withMaxTotalTokens(CLIENTS * 256)) // room for all at once
            .withBatching(b -> b.withMaxRunningRequests(CLIENTS).withChunkedPrefillSize(8192));
    Crowd crowd = new Crowd(CLIENTS);
    int threads = ManagementFactory.getThreadMXBean().getThreadCount();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        Engine engine = Engine.start(loaded, options, crowd);
        HttpServer server =
            HttpServer.listen(
                ServerOptions.defaults().withPort(0), (call, thrown) -> bugs.add(thrown))) {
      server.open(new OpenAiRoutes(Serving.of(engine, loaded)).addTo(new Routes()));
      crowd.at(engine, server);
      long heap = Crowd.usedHeap();
      List<List<String>> read = crowd.run(TOKENS);
      server.drain();
      double perStream = (crowd.heap() - heap) / 1024.0 / (CLIENTS / 2);
      System.out.printf("%.0f KiB of heap for each of %d streams%n", perStream, CLIENTS / 2);
      assertThat(crowd.heap()).as("heap in the middle").isPositive();
      assertThat(crowd.heap()).as("heap in the middle").isLessThan(heap + 100 * MIB);
      assertThat(crowd.threads()).as("threads").isLessThanOrEqualTo(threads + THREADS);
      for (int client = 0; client < CLIENTS; client += 2) {
        assertThat(ids(read.get(client))).as("client %d", client).isEqualTo(alone(engine, client));
      }
      assertThat(engine.flushCache().get(5, TimeUnit.MINUTES)).as("nothing runs").isTrue();
      engine.submit(Request.of(new int[] {1}, SamplingParams.defaults().withMaxTokens(2))).join();
    }
    assertThat(bugs).isEmpty();
    assertEveryPageCameBack(crowd.events());
  }

  private static void assertEveryPageCameBack(List<Event> events) {
    List<Event.Finished> ends = of(events, Event.Finished.class);
    assertThat(ends.stream().filter(e -> e.reason().equals("abort"))).hasSize(CLIENTS / 2);
    assertThat(ends.stream().filter(e -> e.reason().equals("error"))).isEmpty();
    List<Event.StepDone> steps = of(events, Event.StepDone.class);
    assertThat(steps.stream().mapToInt(Event.StepDone::running).max().orElse(0)).isEqualTo(CLIENTS);
    for (Event.PoolPages pool : steps.getLast().pools()) {
      assertThat(pool.referenced()).isLessThanOrEqualTo(1); // of the last, small request
      assertThat(pool.free()).isGreaterThanOrEqualTo(pool.total() - 1);
    }
  }

  private static <E extends Event> List<E> of(List<Event> events, Class<E> kind) {
    return events.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The ids of a stream, which must be whole. */
  private List<Integer> ids(List<String> events) throws Exception {
    assertThat(events).last().isEqualTo("data: [DONE]\n\n");
    List<Integer> ids = new ArrayList<>();
    for (String event : events.subList(0, events.size() - 1)) {
      mapper
          .readTree(event.substring("data: ".length()))
          .at("/choices/0/token_ids")
          .forEach(id -> ids.add(id.asInt()));
    }
    return ids;
  }

  private static List<Integer> alone(Engine engine, int client) {
    SamplingParams params =
        SamplingParams.defaults().withMaxTokens(TOKENS).withIgnoreEos(true).withSeed(client);
    Request request = Request.of(Crowd.prompt(client), params);
    return Arrays.stream(engine.submit(request).join().getFirst().tokens()).boxed().toList();
  }
}
