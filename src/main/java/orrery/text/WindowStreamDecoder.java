package orrery.text;

import java.util.Arrays;

/**
 * Streaming for every other tokenizer, whose decoder is a black box: the text of a token is what it
 * adds to the text of the token before it,
 *
 * <pre>
 *   decode(before, token) minus decode(before)
 * </pre>
 *
 * because decoders look at a token's neighbour (a leading blank, a word piece). The method of
 * text-generation-inference and vLLM ({@code detokenizer_utils.py}, prefix and read offsets). A
 * decoder that changes text it gave, by replacing across tokens for instance, has no exact stream:
 * what was given out stands, and what follows the part that both decodings share comes after it.
 *
 * <p>A byte token such as {@code <0xE4>} waits for its character only, not for the whole run of
 * byte tokens. What is no UTF-8 becomes one U+FFFD for each byte, as in the native library; but
 * there a single bad byte turns all characters of its run into U+FFFD, and here those that are
 * whole stay, since they were given out before.
 *
 * <p>A decoder that turns bytes into text among other steps shows half a character as U+FFFD: where
 * there is such a step, one U+FFFD at the end of a text is held back.
 */
final class WindowStreamDecoder implements StreamDecoder {
  /** So many tokens that all end in U+FFFD are handed out as they are. */
  private static final int MAX_PENDING = 64;

  private final Tokenizer tokenizer;
  private final boolean skipSpecial;
  private final Utf8Stream utf8 = new Utf8Stream(true);
  private int[] window = new int[8]; // [count used] the token before, then those of held text
  private int count; // 0 at the beginning of a text
  private String shown; // text of the window that is no news; null if not computed yet
  private String held = "";
  private int overdue;

  WindowStreamDecoder(Tokenizer tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  /**
   * The text goes on behind {@code tokens}, none of them special. If they are blank, it begins: the
   * decoder's rule for the first token of a text holds.
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

  /** What a token adds that is no byte. */
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

  /** What comes next is looked at behind this token; nothing is held back. */
  private void standBehind(int id) {
    window[0] = id;
    count = 1;
    shown = null;
    held = "";
  }

  private String decode(int... ids) {
    return tokenizer.decode(ids, false);
  }

  /** Characters that both texts begin with; not half of a surrogate pair. */
  private static int shared(String before, String all) {
    int most = Math.min(before.length(), all.length());
    int i = 0;
    while (i < most && before.charAt(i) == all.charAt(i)) {
      i++;
    }
    return i > 0 && i < all.length() && Character.isLowSurrogate(all.charAt(i)) ? i - 1 : i;
  }
}
