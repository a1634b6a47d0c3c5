package orrery.text;

import java.nio.charset.StandardCharsets;

/**
 * Streaming for byte-level BPE, where a token is a run of bytes and all bytes together are the text
 * in UTF-8. Bytes that are not UTF-8 become U+FFFD, one for each maximal subpart of a character, as
 * in the native library.
 *
 * <p>Token names spell bytes in GPT-2's alphabet. A printable Latin-1 character stands for its own
 * byte; the characters from U+0100 on stand for the 68 other bytes, in order. So a vocabulary holds
 * no blanks or control characters. (Radford et al. 2019, {@code encoder.py: bytes_to_unicode}.)
 * Only an added token can have a name with a character outside that alphabet; it stands for the
 * UTF-8 of its name.
 */
final class ByteStreamDecoder implements StreamDecoder {
  private static final int ALPHABET_END = 0x100 + 68;
  private static final int LONGEST_CHARACTER = 4; // bytes
  private static final byte[] BYTE_OF_LETTER = new byte[ALPHABET_END]; // [letter]
  private static final boolean[] IS_LETTER = new boolean[ALPHABET_END]; // [letter]

  static {
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      int letter = printable ? b : next++;
      BYTE_OF_LETTER[letter] = (byte) b;
      IS_LETTER[letter] = true;
    }
  }

  /** How many of the 256 bytes have no token of their own in a vocabulary of this alphabet. */
  static int bytesWithoutToken(Vocabulary vocabulary) {
    int missing = 0;
    for (char letter = 0; letter < ALPHABET_END; letter++) {
      if (IS_LETTER[letter] && vocabulary.idOf(String.valueOf(letter)).isEmpty()) {
        missing++;
      }
    }
    return missing;
  }

  private final Tokenizer tokenizer;
  private final boolean skipSpecial;

  private final Utf8Stream utf8 = new Utf8Stream(false);
  private int overdue;

  ByteStreamDecoder(Tokenizer tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  /** Sets the tokens that the text goes on behind; they may end inside a character. */
  void follow(int[] tokens) {
    for (int i = Math.max(0, tokens.length - LONGEST_CHARACTER); i < tokens.length; i++) {
      append(tokens[i]);
    }
    utf8.disown();
  }

  @Override
  public String append(int id) {
    overdue = 0;
    if (skipSpecial && tokenizer.isSpecial(id)) {
      return "";
    }
    byte[] bytes = bytes(tokenizer.name(id));
    overdue = bytes.length == 0 ? 0 : utf8.lostBy(bytes[0] & 0xFF);
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      utf8.take(b & 0xFF, text);
    }
    return text.toString();
  }

  @Override
  public int overdue() {
    return overdue;
  }

  @Override
  public String special(int id) {
    return skipSpecial && tokenizer.isSpecial(id) ? tokenizer.name(id) : "";
  }

  @Override
  public String flush() {
    StringBuilder rest = new StringBuilder();
    utf8.flush(rest);
    return rest.toString();
  }

  /** The bytes that a token's name spells. */
  static byte[] bytes(String name) {
    byte[] bytes = new byte[name.length()];
    for (int i = 0; i < bytes.length; i++) {
      char letter = name.charAt(i);
      if (letter >= ALPHABET_END || !IS_LETTER[letter]) {
        return name.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = BYTE_OF_LETTER[letter];
    }
    return bytes;
  }
}
