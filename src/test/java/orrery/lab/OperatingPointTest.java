package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.events.Event;
import orrery.events.Event.Origin;

/** What users and all get, from the events of a loop made by hand; times in milliseconds. */
class OperatingPointTest {
  private final List<Event> events = new ArrayList<>();
  private final int[] tokens = new int[9]; // by request

  private void arrive(int ms, int request, int prompt) {
    events.add(new Event.Submitted(nanos(ms), request, prompt, 99, 1, new int[0]));
  }

  private void token(int ms, int request, Origin origin) {
    int index = tokens[request]++;
    events.add(
        new Event.TokenOut(
            nanos(ms), request, request, index, 7, "", origin, Float.NaN, List.of()));
  }

  private void token(int ms, int request) {
    token(ms, request, Origin.PLAIN);
  }

  private void end(int ms, int request) {
    events.add(new Event.Finished(nanos(ms), request, request, "length", 1, tokens[request], ""));
  }

  private static long nanos(int ms) {
    return ms * 1_000_000L;
  }

  /** One client: request 0 does not count, request 1 does. */
  private void oneClient() {
    arrive(0, 0, 100);
    token(50, 0);
    token(90, 0);
    end(100, 0);
    arrive(100, 1, 30);
    token(140, 1);
    token(150, 1);
    token(160, 1);
    token(170, 1);
    token(180, 1);
    end(180, 1);
  }

  @Test
  void timesOfARequestAreThoseOfPublicBenchmarks() {
    oneClient();
    OperatingPoint p = OperatingPoint.of(events, 1, 1);
    assertThat(p.ttft()).isEqualTo(40);
    assertThat(p.tpot()).isCloseTo(10, within(1e-9)); // 40 ms for four more tokens
    assertThat(p.interactivity()).isEqualTo(100);
    assertThat(p.whole()).isEqualTo(5 / 0.08);
  }

  @Test
  void tokensCountFromTheTimeWhenEveryClientHasHadARequest() {
    oneClient();
    OperatingPoint p = OperatingPoint.of(events, 1, 1);
    assertThat(p.output()).isEqualTo(5 / 0.08);
    assertThat(p.total()).isEqualTo((30 + 5) / 0.08);
  }

  @Test
  void aPromptCountsWhenItsFirstTokenComesAndWhatComesAfterTheLastEndDoesNot() {
    arrive(0, 0, 10);
    arrive(0, 1, 1000); // its first token comes before the window
    token(10, 0);
    token(10, 1);
    end(20, 0);
    arrive(20, 2, 40);
    token(30, 2); // as all tokens before the window's begin, it does not count
    token(40, 1);
    end(40, 1); // two clients have had a request: the window begins
    arrive(40, 3, 60);
    token(50, 3);
    token(60, 2);
    end(60, 2); // and ends
    token(70, 3);
    OperatingPoint p = OperatingPoint.of(events, 2, 1);
    assertThat(p.output()).isEqualTo(2 / 0.02);
    assertThat(p.total()).isEqualTo((60 + 2) / 0.02);
    assertThat(p.ttft()).isEqualTo(10); // of request 2, which ended
    assertThat(p.tpot()).isCloseTo(30, within(1e-9));
  }

  @Test
  void timesAreMediansOverRequestsAndAnAnswerOfOneTokenHasNoTimePerToken() {
    arrive(0, 0, 1);
    token(1, 0);
    end(1, 0);
    int at = 1;
    for (int request = 1; request <= 3; request++) {
      arrive(at, request, 1);
      at += 10 * request;
      token(at, request);
      if (request < 3) {
        at += 6 * request;
        token(at, request);
      }
      end(at, request);
    }
    OperatingPoint p = OperatingPoint.of(events, 1, 3);
    assertThat(p.ttft()).isEqualTo(20); // of 10, 20, 30
    assertThat(p.tpot()).isCloseTo(9, within(1e-9)); // of 6 and 12
  }

  @Test
  void tokensOfAVerificationAreThoseThatItsDraftsBrought() {
    oneClient();
    arrive(180, 2, 1);
    token(190, 2);
    events.add(new Event.Verified(nanos(200), 2, 2, new int[] {1, 2, 3}, 3, 2, false));
    token(200, 2, Origin.ACCEPTED);
    token(200, 2, Origin.ACCEPTED);
    token(200, 2, Origin.RECOVERED);
    end(200, 2);
    assertThat(OperatingPoint.of(events, 1, 1).verified()).isZero();
    assertThat(OperatingPoint.of(events, 1, 2).verified()).isEqualTo(3);
  }

  @Test
  void aLoopThatEndedTooEarlyIsRefused() {
    oneClient();
    assertThatThrownBy(() -> OperatingPoint.of(events, 1, 2))
        .hasMessage("expected 3 ended requests, found 2");
  }
}
