package orrery.text;

import java.util.Arrays;

/**
 * The text stream of an answer. It goes on behind the prompt and leaves special tokens out. An id
 * that names no token (a spare row of the embedding) has no text. The prompt is decoded only when
 * the first token of the answer comes, so a request that waits costs nothing.
 */
final class AnswerDecoder implements StreamDecoder {
  private final Tokenizer tokenizer;
  private final int[] prompt; // [prompt tokens]
  private StreamDecoder decoder; // null before the first token
  private int overdue;

  AnswerDecoder(Tokenizer tokenizer, int[] prompt) {
    this.tokenizer = tokenizer;
    this.prompt = prompt;
  }

  @Override
  public String append(int id) {
    if (decoder == null) {
      decoder = follow();
    }
    boolean named = id < tokenizer.vocabSize();
    String text = named ? decoder.append(id) : "";
    overdue = named ? decoder.overdue() : 0;
    return text;
  }

  @Override
  public int overdue() {
    return overdue;
  }

  @Override
  public String special(int id) {
    return id < tokenizer.vocabSize() && tokenizer.isSpecial(id) ? tokenizer.name(id) : "";
  }

  @Override
  public String flush() {
    return decoder == null ? "" : decoder.flush();
  }

  /** A decoder that goes on behind the prompt's tokens after its last special token. */
  private StreamDecoder follow() {
    int from = prompt.length;
    while (from > 0
        && prompt[from - 1] < tokenizer.vocabSize()
        && !tokenizer.isSpecial(prompt[from - 1])) {
      from--;
    }
    return tokenizer.streamBehind(Arrays.copyOfRange(prompt, from, prompt.length));
  }
}
