package orrery.text;

import java.nio.charset.StandardCharsets;

/**
 * Streaming for byte-level BPE, where a token is a run of bytes and the text is the UTF-8 of them
 * all. Only the beginning of a character, at most three bytes, is ever held back.
 *
 * <p>Token names spell bytes in GPT-2's alphabet: a printable Latin-1 character stands for itself,
 * the 68 other bytes for U+0100 and up in order, so that a vocabulary holds no blanks or control
 * characters. (Radford et al. 2019, {@code encoder.py: bytes_to_unicode}.) A name with a letter
 * outside that alphabet, which only an added token can have, stands for its own UTF-8.
 */
final class ByteStreamDecoder implements StreamDecoder {
  private static final int ALPHABET_END = 0x100 + 68;
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

  private final Tokenizer tokenizer;
  private final boolean skipSpecial;

  // The character being put together: bits so far, bytes still missing, and which next bytes are
  // legal (narrower after some first bytes, so that no overlong or surrogate form gets through).
  private int codePoint;
  private int missing;
  private int low = 0x80;
  private int high = 0xBF;

  ByteStreamDecoder(Tokenizer tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  @Override
  public String append(int id) {
    if (skipSpecial && tokenizer.isSpecial(id)) {
      return "";
    }
    StringBuilder text = new StringBuilder();
    for (byte b : bytes(tokenizer.name(id))) {
      take(b & 0xFF, text);
    }
    return text.toString();
  }

  @Override
  public String flush() {
    String rest = missing > 0 ? "\uFFFD" : "";
    missing = 0;
    return rest;
  }

  /**
   * One byte of UTF-8. A broken sequence becomes one U+FFFD as soon as a byte breaks it, and that
   * byte starts anew: Unicode's "maximal subpart" practice (§3.9), which the native library
   * follows. The JDK's own decoder counts differently when a text ends in the middle.
   */
  private void take(int b, StringBuilder text) {
    if (missing > 0 && (b < low || b > high)) {
      text.append('\uFFFD');
      missing = 0;
    }
    if (missing > 0) {
      codePoint = codePoint << 6 | b & 0x3F;
      low = 0x80;
      high = 0xBF;
      if (--missing == 0) {
        text.appendCodePoint(codePoint);
      }
    } else if (b < 0x80) {
      text.append((char) b);
    } else if (b < 0xC2 || b > 0xF4) {
      text.append('\uFFFD');
    } else {
      missing = b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
      codePoint = b & 0x3F >> missing;
      low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
      high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
    }
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
