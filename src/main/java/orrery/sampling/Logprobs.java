package orrery.sampling;

import java.util.ArrayList;
import java.util.List;

/**
 * Log-probabilities of a drawn token and of the likeliest tokens: natural logarithms of the softmax
 * of the raw logits, before penalties, bias, temperature and filters. vLLM V1 ({@code
 * logprobs_mode=raw_logprobs}) and OpenAI report them in the same way. So they do not depend on
 * {@link SamplingParams}, and a token that top-k would never draw has one too. Sums are in double.
 *
 * <p>They also tell how likely a token of a prompt is; it stands for the drawn token then.
 *
 * @param chosen the drawn token
 * @param rank of the drawn token by falling logit, ties by rising id, from 1
 * @param top the likeliest tokens by rank; the drawn token may be among them
 */
public record Logprobs(TokenLogprob chosen, int rank, List<TokenLogprob> top) {

  /** One token and its natural log-probability, in [-infinity, 0]. */
  public record TokenLogprob(int token, double logprob) {}

  public Logprobs {
    top = List.copyOf(top);
  }

  /** The likeliest tokens, and the drawn token last if it is not among them. */
  public List<TokenLogprob> topAndChosen() {
    if (rank <= top.size()) {
      return top;
    }
    List<TokenLogprob> all = new ArrayList<>(top);
    all.add(chosen);
    return all;
  }

  /**
   * Logprobs of one row.
   *
   * @param logits the row is {@code [offset, offset + vocab)}, without NaN (the {@link Sampler}
   *     refuses a row with NaN before)
   * @param chosen the drawn token
   * @param alternatives how many of the likeliest tokens to list; at most vocab are listed
   */
  public static Logprobs of(float[] logits, int offset, int vocab, int chosen, int alternatives) {
    float highest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocab; i++) {
      highest = Math.max(highest, logits[offset + i]);
    }
    double sum = 0;
    int rank = 1;
    float mine = logits[offset + chosen];
    for (int i = 0; i < vocab; i++) {
      float logit = logits[offset + i];
      sum += StrictMath.exp(below(logit, highest));
      if (logit > mine || logit == mine && i < chosen) {
        rank++;
      }
    }
    double logSum = StrictMath.log(sum);
    List<TokenLogprob> top = new ArrayList<>();
    for (int token : highest(logits, offset, vocab, Math.min(alternatives, vocab))) {
      top.add(new TokenLogprob(token, below(logits[offset + token], highest) - logSum));
    }
    return new Logprobs(new TokenLogprob(chosen, below(mine, highest) - logSum), rank, top);
  }

  /** logit - highest; 0 if both are the same infinity. */
  private static double below(float logit, float highest) {
    return logit == highest ? 0 : (double) logit - highest;
  }

  /** The {@code count} highest tokens, sorted by insertion: count is small. */
  private static int[] highest(float[] logits, int offset, int vocab, int count) {
    int[] best = new int[count]; // [count] token ids, of which `filled` are in use
    int filled = 0;
    for (int token = 0; token < vocab; token++) {
      float logit = logits[offset + token];
      int at = filled;
      while (at > 0 && logit > logits[offset + best[at - 1]]) {
        at--;
      }
      if (at < count) {
        filled = Math.min(filled + 1, count);
        System.arraycopy(best, at, best, at + 1, filled - 1 - at);
        best[at] = token;
      }
    }
    return best;
  }
}
