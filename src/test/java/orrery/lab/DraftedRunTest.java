package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.events.Event;
import orrery.events.Event.Origin;

/** Figures from the events of runs, on runs made by hand. */
class DraftedRunTest {
  private final List<Event> events = new ArrayList<>();
  private final int[] index = new int[2]; // [sequences] of their next token
  private long step;

  private void arrive(int request) {
    events.add(new Event.Submitted(0, request, 4, 99, 1, new int[0]));
  }

  private void tokens(int sequence, int... tokens) {
    for (int token : tokens) {
      events.add(
          new Event.TokenOut(
              1,
              sequence,
              sequence,
              index[sequence]++,
              token,
              "",
              Origin.PLAIN,
              Float.NaN,
              List.of()));
    }
  }

  /** A step that ends at a time in microseconds and launched for 10 of them, followed for one. */
  private void step(long micros, int prefill, int decode, int drafts, int running) {
    events.add(
        new Event.StepDone(
            1000 * micros,
            step++,
            prefill,
            decode,
            drafts,
            0,
            running,
            0,
            List.of(new Event.PoolPages("all", 16, 1, 1, 1, 0)),
            "NONE",
            0,
            0,
            10_000,
            0,
            1000,
            0));
  }

  @Test
  void onlyStepsInWhichAFullBatchDecodesCountAsDecoding() {
    arrive(0);
    arrive(1);
    tokens(0, 1);
    tokens(1, 1);
    step(30, 8, 0, 0, 2);
    tokens(0, 2, 3, 4);
    tokens(1, 2);
    step(45, 0, 2, 4, 2);
    tokens(0, 5);
    step(60, 0, 1, 2, 1); // the other sequence is alone
    var run = new DraftedRun(new Trace(events), 2);
    assertThat(run.requests()).isEqualTo(2);
    assertThat(run.decoded()).hasSize(1);
    assertThat(run.decoded().getFirst().tokens()).isEqualTo(4);
    assertThat(run.decoded().getFirst().drafts(2)).isTrue();
    assertThat(run.decoded().getFirst().drafts(1)).isFalse();
    assertThat(run.tokens()).isEqualTo(6);
    assertThat(run.tokensPerSecond()).isEqualTo(6 / 45e-6);
    assertThat(run.otherMicros()).isEqualTo(45 - 11);
  }

  @Test
  void aRunThatNeverHasAFullBatchIsRefused() {
    arrive(0);
    step(1, 4, 0, 0, 1);
    assertThatThrownBy(() -> new DraftedRun(new Trace(events), 2))
        .hasMessage("no step had a batch of 2");
  }

  @Test
  void loopingTextHasFewDifferentRunsOfFourTokens() {
    arrive(0);
    arrive(1);
    tokens(0, 7, 8, 7, 8, 7, 8, 7); // 7878 8787 7878 8787: two of four
    tokens(1, 1, 2, 3, 4, 5); // two of two
    step(1, 8, 0, 0, 2);
    assertThat(new DraftedRun(new Trace(events), 2).distinct()).isEqualTo(0.75);
  }

  @Test
  void answersTooShortForARunOfFourDoNotCount() {
    arrive(0);
    arrive(1);
    tokens(0, 7, 7, 7, 7, 7);
    tokens(1, 1, 2, 3);
    step(1, 8, 0, 0, 2);
    assertThat(new DraftedRun(new Trace(events), 2).distinct()).isEqualTo(0.5);
  }

  @Test
  void aRoundPaysAboveItsTimeOverThatOfAPlainStep() {
    arrive(0);
    for (int i = 1; i <= 20; i++) {
      tokens(0, i, i);
      step(20 * i, 0, 1, i == 7 ? 1 : 3, 1); // one step had fewer drafts
    }
    var run = new DraftedRun(new Trace(events), 1);
    var cell = new MtpCell(null, 1, List.of(List.of(run)));
    assertThat(cell.length(0)).isEqualTo(2);
    RoundTime round = RoundTime.of(run.decoded(), 3);
    assertThat(round).isEqualTo(new RoundTime(10, 0, 1, 0));
    assertThat(round.breakEven(new RoundTime(5, 0, 0, 0.5))).isEqualTo(2);
    assertThat(cell.promised(0, 11, 0)[0]).isEqualTo(40 / 400e-6);
    assertThat(cell.promised(0, 1, 0)[0]).isEqualTo(40 / (20e-6 + 180e-6));
    assertThatThrownBy(() -> RoundTime.of(run.decoded(), 2))
        .hasMessageContaining("no step with 2 drafts of each sequence");
  }
}
