package orrery.text;

/**
 * Turns tokens into text one by one, handing out only what later tokens cannot change: never half a
 * character, never U+FFFD for a character whose remaining bytes are still to come. All pieces
 * together, {@link #flush} included, are what decoding the whole at once gives. Work per token is
 * bounded, whatever came before.
 *
 * <p>Made by {@link Tokenizer#stream}; for one text and one thread. After {@link #flush} it is as
 * new.
 */
public sealed interface StreamDecoder permits ByteStreamDecoder, WindowStreamDecoder {
  /**
   * Takes the next token and returns the text that has become certain, often the token's own,
   * sometimes none.
   *
   * @throws TokenizerException if the id is outside the vocabulary
   */
  String append(int id);

  /**
   * Ends the text and returns what was held back: U+FFFD for bytes that never became a character.
   */
  String flush();
}
