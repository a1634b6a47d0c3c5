package orrery.text;

import java.util.Arrays;

/**
 * Streaming for every other tokenizer, whose decoder is a black box: decode a short window of
 * tokens with and without the new ones, and hand out the difference. The window begins with tokens
 * already handed out, because decoders look at a token's neighbour (a leading blank, a word piece).
 * The method of text-generation-inference and vLLM ({@code detokenizer_utils.py}, prefix and read
 * offsets).
 *
 * <pre>
 *   tokens:  … handed out … | context | pending … new
 *                           prefix    read
 * </pre>
 *
 * Text is held back while it ends in U+FFFD, and while the last token is a byte such as {@code
 * <0xE4>}: a run of byte tokens becomes text or U+FFFDs as a whole. Exact for decoders that look no
 * further back than one run and never change text they gave; a decoder that strips the end of a
 * text or replaces across tokens has no exact stream.
 */
final class WindowStreamDecoder implements StreamDecoder {
  /** A run of this many undecodable tokens is handed out as it is: work per token stays bounded. */
  private static final int MAX_PENDING = 64;

  private final Tokenizer tokenizer;
  private final boolean skipSpecial;
  private int[] window = new int[8]; // [count used] context, then pending
  private int context;
  private int count;

  WindowStreamDecoder(Tokenizer tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  @Override
  public String append(int id) {
    if (skipSpecial && tokenizer.isSpecial(id)) {
      return "";
    }
    if (count == window.length) {
      window = Arrays.copyOf(window, 2 * count);
    }
    window[count++] = id;
    boolean full = count - context >= MAX_PENDING;
    String text = pendingText();
    if (!full && (text.endsWith("\uFFFD") || tokenizer.name(id).matches("<0x[0-9A-F]{2}>"))) {
      return "";
    }
    // What was pending becomes the context of what follows.
    System.arraycopy(window, context, window, 0, count - context);
    count -= context;
    context = count;
    return text;
  }

  @Override
  public String flush() {
    String rest = pendingText();
    context = 0;
    count = 0;
    return rest;
  }

  private String pendingText() {
    String before = tokenizer.decode(Arrays.copyOf(window, context), false);
    String all = tokenizer.decode(Arrays.copyOf(window, count), false);
    return all.startsWith(before) ? all.substring(before.length()) : "";
  }
}
