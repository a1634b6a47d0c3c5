package orrery.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static orrery.speculation.SpeculationOptions.Algorithm.MTP;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.sampling.SamplingParams;

class SpeculationStatsTest {
  private final SpeculationStats stats = new SpeculationStats();
  private int index;

  private void token(Origin origin) {
    stats.accept(new Event.TokenOut(0, 0, 0, index++, 9, "", origin, Float.NaN, List.of()));
  }

  private void verified(int drafts, int judged, int accepted) {
    stats.accept(new Event.Verified(0, 0, 0, new int[drafts], judged, accepted, false));
  }

  /** Four drafts, of which the second ends the answer: two tokens, not 1 + 2. */
  @Test
  void anAnswerThatEndsWithAnAcceptedDraftGetsNoFurtherToken() {
    token(Origin.PLAIN); // from the prompt's rows
    token(Origin.ACCEPTED);
    token(Origin.ACCEPTED);
    verified(4, 2, 2);
    assertThat(stats.acceptanceLength()).isEqualTo(2);
    assertThat(stats.stepsPerToken()).isEqualTo(0.5);
    assertThat(stats.rowsPerToken()).isEqualTo(5 / 2.0);
    assertThat(stats.tokens()).isEqualTo(3);
  }

  @Test
  void roundsWithDraftsAndWithoutAreCountedTogether() {
    token(Origin.PLAIN); // from the prompt's rows: no round
    token(Origin.PLAIN); // a round of one row
    token(Origin.ACCEPTED);
    token(Origin.BONUS);
    verified(1, 1, 1);
    token(Origin.RECOVERED);
    verified(1, 1, 0);
    assertThat(stats.acceptanceLength()).isEqualTo(1.5);
    assertThat(stats.stepsPerToken()).isEqualTo(3 / 4.0);
    assertThat(stats.rowsPerToken()).isEqualTo(5 / 4.0);
  }

  @Test
  void withoutDraftsAStepAndARowGiveAToken() {
    for (int i = 0; i < 7; i++) {
      token(Origin.PLAIN);
    }
    assertThat(stats.acceptanceLength()).isZero();
    assertThat(stats.stepsPerToken()).isEqualTo(1);
    assertThat(stats.rowsPerToken()).isEqualTo(1);
  }

  @Test
  void anAnswerOfOneTokenSaysNothing() {
    token(Origin.PLAIN);
    assertThat(stats.stepsPerToken()).isZero();
    assertThat(stats.rowsPerToken()).isZero();
  }

  /**
   * Short answers end within their drafts. There a figure that is concluded from the drafts goes
   * wrong.
   */
  @Test
  void theFiguresOfARunAreThoseOfItsEvents() {
    List<Event> events = new ArrayList<>();
    EngineOptions options =
        EngineOptions.defaults().withSpeculation(s -> s.withAlgorithm(MTP).withNumSteps(4));
    SamplingParams params = SamplingParams.defaults().withTemperature(0).withMaxTokens(40);
    try (LoadedModel model = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
        Engine engine = Engine.start(model, options, stats.and(events::add))) {
      for (String task : List.of("sort: 9 4 7 =>", "add: 27 + 45 =>", "copy: red sun map cup =>")) {
        engine.submit(Request.of(model.requireTokenizer().encode(task), params)).join();
      }
    }
    double decodeRows = 0;
    double draftRows = 0;
    double given = 0;
    double later = 0;
    double verifications = 0;
    double accepted = 0;
    for (Event e : events) {
      switch (e) {
        case Event.StepDone s -> {
          decodeRows += s.decodeRows();
          draftRows += s.draftRows();
        }
        case Event.TokenOut t -> {
          given += t.origin() == Origin.PLAIN ? 0 : 1;
          later += t.index() > 0 ? 1 : 0;
        }
        case Event.Verified v -> {
          verifications++;
          accepted += v.accepted();
        }
        default -> {}
      }
    }
    assertThat(given).as("an end cut tokens off").isLessThan(verifications + accepted);
    assertThat(stats.acceptanceLength()).isEqualTo(given / verifications);
    assertThat(stats.stepsPerToken()).isCloseTo(decodeRows / later, within(1e-12));
    assertThat(stats.rowsPerToken()).isCloseTo((decodeRows + draftRows) / later, within(1e-12));
  }
}
