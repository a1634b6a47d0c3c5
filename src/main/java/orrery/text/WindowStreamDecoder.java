package orrery.text;

import java.util.Arrays;

/**
 * Streaming for every other tokenizer. Its decoder is a black box: the text of a token is what the
 * token adds to the text of the token before it,
 *
 * <pre>
 *   decode(before, token) minus decode(before)
 * </pre>
 *
 * because decoders look at a token's neighbour (a leading blank, a word piece). This is the method
 * of text-generation-inference and vLLM ({@code detokenizer_utils.py}, prefix and read offsets).
 * Some decoders change text of earlier tokens, for example by replacing across tokens. Then no
 * stream is exact: the text that was handed out stays, and the next piece is the new decoding
 * without the beginning that it shares with the old one.
 *
 * <p>A byte token such as {@code <0xE4>} waits for its character only, not for the whole run of
 * byte tokens. Bytes that are not UTF-8 become one U+FFFD each, as in the native library. But there
 * a single bad byte turns all characters of its run into U+FFFD; here the complete characters stay,
 * since they were handed out before.
 *
 * <p>A decoder with a byte-level step among others decodes half a character to U+FFFD. With such a
 * decoder, a U+FFFD at the end of the text is held back.
 */
final class WindowStreamDecoder implements StreamDecoder {
  /** After this many tokens whose text ends in U+FFFD, the text is handed out as it is. */
  private static final int MAX_PENDING = 64;

  private final Tokenizer tokenizer;
  private final boolean skipSpecial;
  private final Utf8Stream utf8 = new Utf8Stream(true);
  private int[] window = new int[8]; // [count used] the token before, then those of held text
  private int count; // 0 at the beginning of a text
  private String shown; // text of the window that was handed out; null if not computed
  private String held = "";
  private int overdue;

  WindowStreamDecoder(Tokenizer tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  /**
   * Sets the tokens that the text goes on behind, none of them special. If they have only blanks,
   * the next token begins a text, and the decoder's rule for a first token holds.
   */
  void follow(int[] tokens) {
    int last = tokens.length - 1;
    while (last >= 0 && decode(tokens[last]).isBlank()) {
      last--;
    }
    if (last >= 0) {
      int run = tokens.length;
      while (run > 0 && tokenizer.byteOf(tokens[run - 1]) >= 0) {
        run--;
      }
      StringBuilder before = new StringBuilder();
      for (int i = run; i < tokens.length; i++) {
        utf8.take(tokenizer.byteOf(tokens[i]), before);
      }
      utf8.disown();
      standBehind(tokens[tokens.length - 1]);
    }
  }

  @Override
  public String append(int id) {
    overdue = 0;
    if (skipSpecial && tokenizer.isSpecial(id)) {
      return "";
    }
    int value = tokenizer.byteOf(id);
    if (value < 0) {
      StringBuilder text = new StringBuilder();
      utf8.flush(text);
      boolean waits = !held.isEmpty();
      String piece = piece(id);
      overdue = text.length() + (waits && piece.startsWith("\uFFFD") ? 1 : 0);
      return text.append(piece).toString();
    }
    StringBuilder text = new StringBuilder(held);
    overdue = text.length() + utf8.lostBy(value);
    if (count == 0 && value < 0x80) {
      text.append(decode(id)); // a blank may be left out at the beginning
    } else {
      utf8.take(value, text);
    }
    standBehind(id);
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
    rest.append(held);
    count = 0;
    held = "";
    return rest.toString();
  }

  /** What a token adds, if it is not a byte token. */
  private String piece(int id) {
    if (count == window.length) {
      window = Arrays.copyOf(window, 2 * count);
    }
    if (shown == null || count == 0) {
      shown = count == 0 ? "" : decode(Arrays.copyOf(window, count));
    }
    window[count++] = id;
    String all = decode(Arrays.copyOf(window, count));
    boolean open = tokenizer.cutsCharacters() && all.endsWith("\uFFFD") && count < MAX_PENDING;
    String certain = open ? all.substring(0, all.length() - 1) : all;
    String piece = certain.substring(shared(shown, certain));
    if (open) {
      shown = certain;
      held = "\uFFFD";
    } else {
      standBehind(id);
    }
    return piece;
  }

  /** The next token will be decoded behind this one; nothing is held back. */
  private void standBehind(int id) {
    window[0] = id;
    count = 1;
    shown = null;
    held = "";
  }

  private String decode(int... ids) {
    return tokenizer.decode(ids, false);
  }

  /** How many characters both texts begin with; a surrogate pair is not cut. */
  private static int shared(String before, String all) {
    int most = Math.min(before.length(), all.length());
    int i = 0;
    while (i < most && before.charAt(i) == all.charAt(i)) {
      i++;
    }
    return i > 0 && i < all.length() && Character.isLowSurrogate(all.charAt(i)) ? i - 1 : i;
  }
}
