package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.PauseMode;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;

/** Who may abort what by its name. */
class RidsTest {
  private final Rids rids = new Rids();
  private LoadedModel loaded;
  private Engine engine; // pauses until a test asks for reasons

  @BeforeEach
  void start() throws IOException {
    loaded = LoadedModel.load(TinyModels.speck("bias"));
    engine = Engine.start(loaded, EngineOptions.defaults());
    engine.pause(PauseMode.IN_PLACE).join();
  }

  @AfterEach
  void close() {
    engine.shutdownNow();
    engine.close();
    loaded.close();
  }

  private Completion submit() {
    SamplingParams four =
        SamplingParams.defaults().withTemperature(0).withMaxTokens(4).withIgnoreEos(true);
    return engine.submit(Request.of(new int[] {1, 2}, four));
  }

  private List<Completion> running(String tenant, boolean list, String... names) {
    Rids.Names taken = rids.reserve(tenant, List.of(names), list);
    List<Completion> all = Stream.of(names).map(n -> submit()).toList();
    taken.begin(all);
    return all;
  }

  /** How many tokens each request has got: 4, or none if it was aborted. */
  private List<Integer> tokens(List<Completion> requests) {
    engine.resume().join();
    return requests.stream().map(c -> c.join().getFirst().tokens().length).toList();
  }

  @Test
  void aTenantAbortsNothingOfAnothersWithTheSameName() {
    List<Completion> one = running("1", false, "mine");
    List<Completion> two = running("2", false, "mine");
    rids.abort("2", "mine");
    assertThat(tokens(one)).containsExactly(4);
    assertThat(tokens(two)).containsExactly(0);
  }

  @Test
  void allOfATenantAreAbortedAndNoOthers() {
    List<Completion> one = running("1", false, "a");
    List<Completion> two = running("2", true, "a_0", "a_1");
    rids.abortAll("2");
    assertThat(tokens(one)).containsExactly(4);
    assertThat(tokens(two)).containsExactly(0, 0);
  }

  @Test
  void theNameOfAListIsNotTheBeginningOfAnotherRequestsName() {
    List<Completion> one = running("", false, "x_0");
    List<Completion> list = running("", true, "y_0", "y_1");
    rids.abort("", "x");
    rids.abort("", "y");
    assertThat(tokens(one)).containsExactly(4);
    assertThat(tokens(list)).containsExactly(0, 0);
  }

  @Test
  void anAbortBeforeTheEngineHasTheRequestCancelsItToo() {
    Rids.Names names = rids.reserve("", List.of("early"), false);
    rids.abort("", "early");
    Completion request = submit();
    names.begin(List.of(request));
    assertThat(tokens(List.of(request))).containsExactly(0);
  }

  @Test
  void aNameIsTakenUntilItsRequestsEndAndAnotherTenantMayHaveIt() {
    Rids.Names names = rids.reserve("1", List.of("x_0", "x_1"), true);
    assertThatThrownBy(() -> rids.reserve("1", List.of("y", "x_1"), false))
        .isInstanceOf(HttpException.class)
        .hasMessage("rid: expected a name that no running request has");
    rids.reserve("2", List.of("x_1"), false);
    rids.reserve("1", List.of("y"), false);
    names.close();
    rids.reserve("1", List.of("x_1"), false);
  }
}
