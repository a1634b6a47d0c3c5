package orrery.grammar;

import java.nio.charset.StandardCharsets;

/** Constraints as tests look at them: over tokens of single bytes, and over whole texts. */
final class Texts {
  /** The tokens 0 to 255 are the bytes; token 256 has no text. */
  static final int END = 256;

  private Texts() {}

  static byte[][] singleBytes() {
    byte[][] bytes = new byte[END + 1][]; // [257][0 or 1]
    for (int b = 0; b < END; b++) {
      bytes[b] = new byte[] {(byte) b};
    }
    bytes[END] = new byte[0];
    return bytes;
  }

  static Grammars grammars() {
    return Grammars.of(singleBytes());
  }

  /** The state behind a text. */
  static int after(Constraint constraint, String text) {
    int state = Constraint.START;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      state = state == Constraint.DEAD ? state : constraint.next(state, b & 0xFF);
    }
    return state;
  }

  static boolean accepts(Constraint constraint, String text) {
    return constraint.complete(after(constraint, text));
  }

  /** Whether a text with this beginning is accepted. */
  static boolean canGoOn(Constraint constraint, String text) {
    return after(constraint, text) != Constraint.DEAD;
  }
}
