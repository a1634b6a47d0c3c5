package orrery.text;

/**
 * Bytes to characters, one byte after the other. At most three bytes wait for the rest of their
 * character.
 *
 * <p>A sequence that breaks becomes U+FFFD as soon as a byte breaks it, and that byte starts anew:
 * Unicode's "maximal subpart" practice (§3.9). Whether the broken sequence is one U+FFFD or one for
 * each of its bytes is for the user to say, since decoders differ in that. The JDK's own decoder
 * counts differently when a text ends in the middle.
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

  /** Takes one byte, 0 to 255, and appends what became certain by it. */
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

  /** No byte follows: appends what stands for a character that never became whole. */
  void flush(StringBuilder text) {
    text.repeat('\uFFFD', lost());
    missing = 0;
  }

  /** How many characters would stand for what waits, were a next byte to break it; 0 if it fits. */
  int lostBy(int b) {
    return b < low || b > high ? lost() : 0;
  }

  private int lost() {
    return missing == 0 ? 0 : replaceEachByte ? owned : Math.min(1, owned);
  }

  /** What waits stands in front of this text: its rest may still come, its loss is not shown. */
  void disown() {
    owned = 0;
  }
}
