package orrery.openai;

import java.util.List;
import orrery.text.StreamDecoder;
import orrery.text.Tokenizer;

/**
 * Prompts that an answer repeats in front of its own text, as harnesses ask that score texts.
 *
 * @param prompts one for each prompt of the body
 * @param alone whether the answer is the prompt and nothing else ({@code max_tokens} 0). The engine
 *     then draws one token, which no client sees
 */
public record Echo(List<Prompt> prompts, boolean alone) {

  /**
   * A repeated prompt.
   *
   * @param text as the body writes it; for token ids their text, with the names of special tokens
   * @param tokens [tokens]
   * @param offsets [tokens] where each token's text begins in {@code text}, in characters (code
   *     points)
   */
  public record Prompt(String text, int[] tokens, int[] offsets) {
    /** Characters (code points) of the text. */
    int length() {
      return text.codePointCount(0, text.length());
    }
  }

  public Echo {
    prompts = List.copyOf(prompts);
  }

  /**
   * Repeats a prompt.
   *
   * @param tokenizer null if the model has none: then no token has text
   * @param written the text in the body; null if the body has token ids
   * @param tokens [tokens]
   */
  static Prompt of(Tokenizer tokenizer, String written, int[] tokens) {
    StreamDecoder decoder = tokenizer == null ? StreamDecoder.NONE : tokenizer.stream(false);
    StringBuilder text = new StringBuilder();
    int[] starts = new int[tokens.length]; // [tokens]
    int decoded = 0; // code points
    for (int i = 0; i < tokens.length; i++) {
      // A spare row of the embedding has no text; the engine refuses what is no row at all.
      boolean named = tokenizer != null && tokens[i] >= 0 && tokens[i] < tokenizer.vocabSize();
      String piece = named ? decoder.append(tokens[i]) : "";
      starts[i] = decoded + (named ? decoder.overdue() : 0);
      decoded += piece.codePointCount(0, piece.length());
      text.append(piece);
    }
    text.append(decoder.flush());
    // A tokenizer may change a text before it splits it, so that its tokens spell a longer one.
    String shown = written == null ? text.toString() : written;
    int length = shown.codePointCount(0, shown.length());
    for (int i = 0; i < starts.length; i++) {
      starts[i] = Math.min(starts[i], length);
    }
    return new Prompt(shown, tokens, starts);
  }
}
