package orrery.openai;

import java.util.ArrayList;
import java.util.List;
import orrery.engine.Answer;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;

/**
 * A piece of one choice, as a body shows it. A whole answer is one piece; a chunk of a stream is a
 * smaller one. The pieces of a stream, one after the other, are the whole answer's.
 *
 * @param index of the choice among all choices of the body
 * @param text what this piece adds to the choice's text
 * @param scored tokens whose log-probabilities this piece has
 * @param tokenIds [tokens] of the answer, without a repeated prompt
 * @param finish why the choice ended with this piece; null while it goes on
 */
record Piece(int index, String text, List<Scored> scored, int[] tokenIds, FinishReason finish) {

  /**
   * A token, its log-probability and its place.
   *
   * @param logprobs null for the first token of a prompt, which nothing stands before
   * @param offset where its text begins in the choice's text, in characters (code points)
   */
  record Scored(int token, Logprobs logprobs, int offset) {}

  /** The whole answer to the prompt of number {@code prompt}. */
  static Piece whole(OpenAiRequest request, int prompt, Answer a) {
    int index = request.index(prompt, a.choice());
    Piece echo = echo(request, prompt, a.choice(), a.promptLogprobs(), a.finish());
    if (request.echoAlone()) {
      return echo;
    }
    List<Scored> scored = new ArrayList<>(echo.scored);
    int behind = request.echoLength(prompt);
    for (int i = 0; i < a.logprobs().size(); i++) {
      scored.add(new Scored(a.tokens()[i], a.logprobs().get(i), behind + a.textOffsets()[i]));
    }
    return new Piece(index, echo.text + a.text(), scored, a.tokens(), a.finish());
  }

  /**
   * The repeated prompt; without text if the body wants none.
   *
   * @param promptLogprobs of the prompt's tokens from the second one on; empty if they are not
   *     wanted
   * @param end why the engine's answer ended; null if it goes on
   */
  static Piece echo(
      OpenAiRequest request,
      int prompt,
      int choice,
      List<Logprobs> promptLogprobs,
      FinishReason end) {
    int index = request.index(prompt, choice);
    boolean aborted = end instanceof FinishReason.Abort;
    FinishReason alone = aborted ? end : new FinishReason.Length(0); // not that of its one token
    FinishReason finish = request.echoAlone() ? alone : null;
    Echo.Prompt echo = request.echo().map(e -> e.prompts().get(prompt)).orElse(null);
    if (echo == null) {
      return new Piece(index, "", List.of(), new int[0], finish);
    }
    List<Scored> scored = new ArrayList<>();
    if (request.requests().get(prompt).params().promptLogprobs() >= 0) {
      for (int i = 0; i < echo.tokens().length; i++) {
        // A prompt that was cut off before it was computed has no log-probabilities.
        boolean has = i > 0 && i <= promptLogprobs.size();
        Logprobs logprobs = has ? promptLogprobs.get(i - 1) : null;
        scored.add(new Scored(echo.tokens()[i], logprobs, echo.offsets()[i]));
      }
    }
    return new Piece(index, echo.text(), scored, new int[0], finish);
  }

  static int characters(String text) {
    return text.codePointCount(0, text.length());
  }
}
