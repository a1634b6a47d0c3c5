package orrery.server;

import java.util.List;
import orrery.engine.Answer;
import orrery.engine.Token;
import orrery.sampling.FinishReason;

/**
 * Requests whose deadline passes before their first token. An empty answer would look like the
 * model's, so the call is refused, as SGLang refuses a request that waits too long: clients of
 * OpenAI's API try again by themselves after a 503.
 */
final class Late {
  private Late() {}

  /**
   * Refuses a request of which all answers are late.
   *
   * @throws HttpException 503
   */
  static List<Answer> require(List<Answer> answers) {
    if (answers.stream().allMatch(a -> a.tokens().length == 0 && isLate(a.finish()))) {
      throw refused();
    }
    return answers;
  }

  /**
   * Refuses a request that has no token.
   *
   * @param ends of its choices, which have no token themselves
   * @throws HttpException 503 if they are late
   */
  static void requireNone(List<Token> ends) {
    if (ends.stream().anyMatch(end -> isLate(end.finish()))) {
      throw refused();
    }
  }

  private static boolean isLate(FinishReason finish) {
    return finish instanceof FinishReason.Abort(String cause)
        && cause.equals(FinishReason.Abort.DEADLINE);
  }

  private static HttpException refused() {
    return HttpException.unavailable(
        "the request had no token yet when its time (--request-timeout) was over; try again later");
  }
}
