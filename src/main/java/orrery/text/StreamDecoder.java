package orrery.text;

/**
 * Turns tokens into text one by one, handing out only what later tokens cannot change: never half a
 * character, never U+FFFD for a character whose remaining bytes are still to come. Work per token
 * is bounded, whatever came before, and no more than one character is ever held back.
 *
 * <p>All pieces together, {@link #flush} included, are what decoding the whole at once gives, with
 * one exception: {@link Tokenizer} says what becomes of byte tokens that are no UTF-8.
 *
 * <p>Made by {@link Tokenizer#stream} and {@link Tokenizer#continuing}; for one text and one
 * thread.
 */
public interface StreamDecoder {
  /** For models without a tokenizer: no token has text. */
  StreamDecoder NONE =
      new StreamDecoder() {
        @Override
        public String append(int id) {
          return "";
        }

        @Override
        public String flush() {
          return "";
        }
      };

  /**
   * Takes the next token and returns the text that has become certain, often the token's own,
   * sometimes none.
   *
   * @throws TokenizerException if the id is outside the vocabulary
   */
  String append(int id);

  /**
   * How many characters of the last {@link #append} belong to tokens before its own: U+FFFD for
   * bytes that this token showed to be without their rest.
   */
  default int overdue() {
    return 0;
  }

  /** The name of a special token that this decoder leaves out; empty for every other token. */
  default String special(int id) {
    return "";
  }

  /**
   * Ends the text and returns what was held back: U+FFFD for bytes that never became a character.
   * Afterwards the decoder is as new, and what comes is the beginning of a text.
   */
  String flush();
}
