package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import orrery.engine.LoadedModel;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.text.Tokenizer;

/** Log-probabilities in lines for people. */
final class LogprobLines {
  private final IntFunction<String> names; // of tokens

  LogprobLines(LoadedModel loaded) {
    names = id -> loaded.tokenizer().map((Tokenizer t) -> t.name(id)).orElse("#" + id);
  }

  /** One token, then the likeliest ones. */
  String of(Logprobs logprobs) {
    StringBuilder line = new StringBuilder(of(logprobs.chosen()));
    logprobs.top().forEach(other -> line.append("   ").append(of(other)));
    return line.toString();
  }

  private String of(TokenLogprob t) {
    return String.format(Locale.ROOT, "%s %.3f", names.apply(t.token()), t.logprob());
  }

  /**
   * One line for each token of a prompt but the first, and the prompt's perplexity: about that many
   * tokens were equally likely at each place, on average.
   */
  List<String> ofPrompt(List<Logprobs> prompt) {
    List<String> lines = new ArrayList<>();
    double sum = 0;
    for (Logprobs logprobs : prompt) {
      lines.add("prompt   " + of(logprobs));
      sum += logprobs.chosen().logprob();
    }
    if (!prompt.isEmpty()) {
      double perplexity = Math.exp(-sum / prompt.size());
      String format = "prompt   log-probability %.3f of %d tokens, perplexity %.2f";
      lines.add(String.format(Locale.ROOT, format, sum, prompt.size(), perplexity));
    }
    return lines;
  }
}
