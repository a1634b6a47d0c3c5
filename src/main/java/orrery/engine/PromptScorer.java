package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.model.Forward;
import orrery.model.ModelRunner;
import orrery.sampling.SamplingException;

/**
 * Computes the log-probabilities of prompts, where requests ask for them. A step has the states of
 * all its rows, but the logits of those rows alone that decide tokens: logits are as wide as the
 * vocabulary, and a prompt's would be thousands of rows. So the rows to be scored go through the
 * model's head afterwards, as many at a time as there are rows of logits, and of each only the
 * {@link orrery.sampling.Logprobs} stay. Nothing else of the step changes.
 *
 * <p>A row has the same bits in any company. So these are the log-probabilities that a request
 * would report if the prompt's token were its answer.
 */
final class PromptScorer {
  private final ModelRunner runner;
  private final Requests requests;
  private final List<Choice> owners = new ArrayList<>(); // of the rows of the slice

  PromptScorer(ModelRunner runner, Requests requests) {
    this.runner = runner;
    this.requests = requests;
  }

  /**
   * Scores the rows of a step that was computed, and is not judged yet. A row that cannot be scored
   * fails its request and no other.
   *
   * @param step is left as it was, and so are the logits
   * @param forward states and logits of the step
   */
  void score(List<Segment> segments, Step step, Forward forward) {
    if (wants(segments)) {
      int[] deciding = Arrays.copyOf(step.logitRow, step.logitRows()); // rows that decide tokens
      Buffer logits = forward.logits();
      int[] slice = new int[logits.data.length / logits.stride]; // [rows of logits]
      for (Segment s : segments) {
        int end = end(s);
        for (int p = next(s); p < end; p++) {
          slice[owners.size()] = s.row() + p - s.from();
          owners.add(s.choice());
          if (owners.size() == slice.length) {
            score(slice, step, logits);
          }
        }
      }
      score(slice, step, logits);
      step.wantLogits(deciding, deciding.length);
      runner.runHead(step);
    }
  }

  /** Whether a step has rows to score. */
  boolean wants(List<Segment> segments) {
    return segments.stream().anyMatch(s -> next(s) < end(s));
  }

  /** The token of a segment whose row is scored first. */
  private static int next(Segment s) {
    return s.choice().active.scores.next();
  }

  /** Behind the last token of a segment whose row is scored. */
  private static int end(Segment s) {
    return Math.min(s.choice().active.scores.end(), s.from() + s.pending());
  }

  /** Scores the rows of a slice, and empties it. */
  private void score(int[] slice, Step step, Buffer logits) {
    step.wantLogits(slice, owners.size());
    runner.runHead(step);
    for (int i = 0; i < owners.size(); i++) {
      Choice c = owners.get(i);
      if (c.running()) { // an earlier row may have failed its request
        score(c.active, logits, i);
      }
    }
    owners.clear();
  }

  private void score(Active request, Buffer logits, int row) {
    try {
      request.scores.add(logits.data, logits.row(row), logits.cols);
    } catch (SamplingException e) {
      requests.fail(request, e);
    }
    if (request.scores.complete()) {
      request.completion.promptLogprobs(request.scores.all());
    }
  }
}
