package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.Event.TopToken;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.text.Tokenizer;

/**
 * What events say of tokens: the text of a token alone, as views show it (bytes that are no whole
 * character become U+FFFD), and log-probabilities.
 */
final class TokenTexts {
  private final Optional<Tokenizer> tokenizer;
  private final boolean likeliest; // whether a sink wants the tokens that were likeliest, too
  private final String[] texts; // [vocab] null until it is asked for

  TokenTexts(Optional<Tokenizer> tokenizer, int vocab, boolean likeliest) {
    this.tokenizer = tokenizer;
    this.likeliest = likeliest;
    this.texts = new String[vocab];
  }

  /** The text of one token; empty without a tokenizer, or if the id is no token. */
  String of(int id) {
    if (texts[id] == null) {
      int[] alone = {id};
      texts[id] = tokenizer.filter(t -> t.has(id)).map(t -> t.decode(alone, false)).orElse("");
    }
    return texts[id];
  }

  /** [vocab] The text of each token; nothing without a tokenizer. */
  Optional<List<String>> all() {
    return tokenizer.map(_ -> IntStream.range(0, texts.length).mapToObj(this::of).toList());
  }

  /** The event of a token that a choice took. */
  Event.TokenOut out(long nanos, Choice c, Token token, Origin origin) {
    Logprobs told = token.logprobs();
    return new Event.TokenOut(
        nanos,
        c.request,
        c.id,
        token.index(),
        token.id(),
        token.text(),
        origin,
        told == null ? Float.NaN : (float) told.chosen().logprob(),
        told == null || !likeliest ? List.of() : top(told.top()));
  }

  private List<TopToken> top(List<TokenLogprob> all) {
    List<TopToken> top = new ArrayList<>(all.size());
    for (TokenLogprob t : all) {
      top.add(new TopToken(t.token(), of(t.token()), (float) t.logprob()));
    }
    return top;
  }
}
