package orrery.text;

import java.nio.file.Path;

/** Hugging Face's tokenizer library, in this process or in a process of its own. */
sealed interface NativeTokenizer extends AutoCloseable permits LinkedTokenizer, ForkedTokenizer {
  /**
   * Makes a tokenizer.
   *
   * @param file where the JSON is from, for messages
   * @param trusted true if no text can make the library abort ({@link Pipeline#trusted})
   * @throws TokenizerException if the JSON is no tokenizer
   */
  static NativeTokenizer of(Path file, String json, boolean trusted) {
    return trusted ? new LinkedTokenizer(file, json) : new ForkedTokenizer(file, json);
  }

  /**
   * Token ids of a text without unpaired surrogates.
   *
   * @throws TokenizerException if the library cannot take the text
   */
  int[] encode(String text);

  /**
   * The text of token ids within the vocabulary.
   *
   * @throws TokenizerException if the library cannot put the tokens together
   */
  String decode(int[] ids, boolean skipSpecial);

  @Override
  void close();
}
