package orrery.text;

import java.nio.charset.StandardCharsets;

/**
 * The bytes that a single token adds inside a text; lists of log-probabilities name tokens by them.
 */
final class TokenBytes {
  private static final int NOT_SOUGHT = -2;
  private static final int NONE = -1;

  private final Tokenizer tokenizer;
  private int word = NOT_SOUGHT; // sought when first needed, under this object's lock

  TokenBytes(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** See {@link Tokenizer#bytes}. */
  byte[] of(int id) {
    if (tokenizer.isSpecial(id)) {
      return tokenizer.name(id).getBytes(StandardCharsets.UTF_8);
    }
    if (tokenizer.cutsCharacters()) {
      return ByteStreamDecoder.bytes(tokenizer.name(id));
    }
    int value = tokenizer.byteOf(id);
    return value < 0 ? insideText(id).getBytes(StandardCharsets.UTF_8) : new byte[] {(byte) value};
  }

  /** What a token adds to a text that has begun. */
  private String insideText(int id) {
    int before = word();
    WindowStreamDecoder decoder = new WindowStreamDecoder(tokenizer, false);
    decoder.follow(before == NONE ? new int[0] : new int[] {before});
    return decoder.append(id);
  }

  /** The first token whose text has a letter; {@code NONE} if there is none. */
  private synchronized int word() {
    if (word == NOT_SOUGHT) {
      word = NONE;
      for (int id = 0; id < tokenizer.vocabSize() && word == NONE; id++) {
        boolean text = !tokenizer.isSpecial(id) && tokenizer.byteOf(id) < 0;
        if (text
            && tokenizer.decode(new int[] {id}, false).codePoints().anyMatch(Character::isLetter)) {
          word = id;
        }
      }
    }
    return word;
  }
}
