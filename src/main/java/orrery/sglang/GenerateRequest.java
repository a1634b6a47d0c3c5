package orrery.sglang;

import java.util.ArrayList;
import java.util.List;
import orrery.engine.Request;
import orrery.openai.Bootstrap;
import orrery.openai.FieldException;
import orrery.openai.Fields;

/**
 * A body for {@code /generate} as requests to the engine: one for each prompt.
 *
 * @param prompts in the body's order
 * @param list whether the answer is a list: for several prompts, for a list of one, or for several
 *     choices
 * @param stream whether pieces are wanted as they come
 * @param bootstrap the fields of {@link Bootstrap}, unread
 */
public record GenerateRequest(
    List<Prompt> prompts, boolean list, boolean stream, Fields bootstrap) {

  /**
   * One prompt, and how its answers are told.
   *
   * @param rid the name by which the request can be aborted
   * @param report what is told of log-probabilities
   * @param silent whether the answer's one token is left out, since {@code max_new_tokens} is 0:
   *     the engine computes a token for every request
   * @param interval tokens from one piece of a stream to the next
   */
  public record Prompt(Request request, String rid, Report report, boolean silent, int interval) {
    /** How many answers the prompt gets. */
    public int choices() {
      return request.params().n();
    }
  }

  /**
   * What an answer tells of log-probabilities.
   *
   * @param wanted whether it tells any
   * @param start the token of the prompt from which on it tells those of the prompt; -1 for none
   * @param top how many of the likeliest tokens it tells at each position
   * @param text whether tokens are told with their texts
   */
  public record Report(boolean wanted, int start, int top, boolean text) {}

  public GenerateRequest {
    prompts = List.copyOf(prompts);
  }

  /**
   * The same, but that the answer tells no log-probabilities of prompts: a router adds those that
   * the server of the prompts has told to those of the server that decodes.
   */
  public GenerateRequest withoutPromptScores() {
    List<Prompt> all = new ArrayList<>();
    for (Prompt p : prompts) {
      Report report = new Report(p.report.wanted, -1, p.report.top, p.report.text);
      all.add(new Prompt(p.request, p.rid, report, p.silent, p.interval));
    }
    return new GenerateRequest(all, list, stream, bootstrap);
  }

  /** The requests to the engine. */
  public List<Request> requests() {
    return prompts.stream().map(Prompt::request).toList();
  }

  /** The place of a prompt's choice among all answers. */
  public int index(int prompt, int choice) {
    return prompt * prompts.getFirst().choices() + choice;
  }

  /** {@code FIELD: PROBLEM} of sampling or engine, of the body's own field. */
  public static FieldException refused(String message) {
    String[] parts = message.split(": ", 2);
    String field =
        switch (parts[0]) {
          case "prompt" -> "input_ids";
          case "logprobs", "prompt_logprobs" -> "top_logprobs_num";
          case "logprob_start_len" -> "logprob_start_len";
          case "request", "max_tokens" -> "sampling_params.max_new_tokens";
          case "min_tokens" -> "sampling_params.min_new_tokens";
          case String other -> "sampling_params." + other;
        };
    return FieldException.at(field, parts[1]);
  }
}
