package orrery.text;

/**
 * Turns tokens into text one by one. It hands out only text that later tokens cannot change: never
 * half a character, and never U+FFFD for a character whose remaining bytes may still come. The work
 * for a token is bounded, whatever came before it. At most one character is held back at any time.
 *
 * <p>All pieces together, that of {@link #flush} included, are the text that decoding all tokens at
 * once gives. There is one exception, byte tokens that are not UTF-8: see {@link Tokenizer#decode}.
 *
 * <p>{@link Tokenizer#stream} and {@link Tokenizer#continuing} make decoders. A decoder is for one
 * text and one thread.
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
   * Takes the next token and returns the text that has become certain: often the token's own text,
   * sometimes none.
   *
   * @throws TokenizerException if the id is outside the vocabulary
   */
  String append(int id);

  /**
   * How many characters of the last {@link #append} belong to earlier tokens. They are the U+FFFD
   * for held bytes of a character that the last token did not continue.
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
   * Afterwards the decoder is as new; the next token begins a new text.
   */
  String flush();
}
