package orrery.text;

/**
 * Bytes to characters, one byte after the other. At most three bytes wait for the rest of their
 * character.
 *
 * <p>When a byte cannot continue a sequence, the broken sequence becomes U+FFFD at once, and that
 * byte starts a new one: Unicode's "maximal subpart" practice (§3.9). Decoders differ in whether a
 * broken sequence is one U+FFFD or one for each of its bytes, so the caller chooses. The JDK's own
 * decoder counts differently when a text ends inside a character.
 */
final class Utf8Stream {
  private final boolean replaceEachByte;

  // The character being put together: bits so far, bytes still missing, and which next bytes are
  // legal (narrower after some first bytes, so that no overlong or surrogate form gets through).
  private int codePoint;
  private int missing;
  private int low = 0x80;
  private int high = 0xBF;
  private int owned; // its bytes so far that belong to this text

  Utf8Stream(boolean replaceEachByte) {
    this.replaceEachByte = replaceEachByte;
  }

  /** Takes one byte, 0 to 255, and appends the text that has become certain. */
  void take(int b, StringBuilder text) {
    if (missing > 0 && (b < low || b > high)) {
      flush(text);
    }
    if (missing > 0) {
      codePoint = codePoint << 6 | b & 0x3F;
      low = 0x80;
      high = 0xBF;
      owned++;
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
      owned = 1;
    }
  }

  /** Ends the text: appends U+FFFD for a character that never became whole. */
  void flush(StringBuilder text) {
    text.repeat('\uFFFD', lost());
    missing = 0;
  }

  /**
   * How many U+FFFD the waiting bytes become if {@code b} comes next; 0 if {@code b} continues
   * them.
   */
  int lostBy(int b) {
    return b < low || b > high ? lost() : 0;
  }

  private int lost() {
    return missing == 0 ? 0 : replaceEachByte ? owned : Math.min(1, owned);
  }

  /**
   * Marks the waiting bytes as a part of an earlier text: their rest may still come, and if it does
   * not, no U+FFFD is shown for them.
   */
  void disown() {
    owned = 0;
  }
}
