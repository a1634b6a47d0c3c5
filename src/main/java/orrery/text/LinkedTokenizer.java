package orrery.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * The native library in this process. It is fast, but a panic in it ends the process.
 *
 * <p>A regular expression that looks for the end of a run of blanks panics after ten million steps
 * at one place. So a long text goes through a process of its own here too. There is one process for
 * all long texts, which take turns: it starts with the first of them and then stays.
 */
final class LinkedTokenizer implements NativeTokenizer {
  /**
   * A hundredth of the number of blanks on which the common pattern {@code \s*[\r\n]+} panicked.
   */
  static final int MAX_CHARS = 100_000;

  private static final Map<String, String> AS_IT_IS =
      Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

  private final Path file;
  private final String json;
  private final HuggingFaceTokenizer tokenizer;
  private TokenizerChild forLongTexts; // made when first needed, under this object's lock

  LinkedTokenizer(Path file, String json) {
    this.file = file;
    this.json = json;
    stayOffline();
    try {
      byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
      tokenizer = HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(bytes), AS_IT_IS);
    } catch (LinkageError | EngineException e) {
      throw new TokenizerException(
          file,
          "the native tokenizer library cannot be loaded ("
              + e.getMessage()
              + "); it is unpacked to ~/.djl.ai, or where DJL_CACHE_DIR says",
          e);
    } catch (IOException | RuntimeException e) {
      throw new TokenizerException(file, "expected a tokenizer, found: " + e.getMessage(), e);
    }
  }

  /**
   * DJL fetches a GPU build of its library where it sees a GPU, and reports its use from cloud
   * machines. Neither belongs in a program that promises to need nothing but its files. A property
   * that the user set on the command line stays as it is.
   */
  private static void stayOffline() {
    for (String property : new String[] {"ai.djl.offline", "OPT_OUT_TRACKING"}) {
      if (System.getProperty(property) == null) {
        System.setProperty(property, "true");
      }
    }
  }

  @Override
  public int[] encode(String text) {
    return text.length() <= MAX_CHARS ? encodeHere(text) : forLongTexts().encode(text);
  }

  private synchronized TokenizerChild forLongTexts() {
    forLongTexts = forLongTexts == null ? new TokenizerChild(file, json) : forLongTexts;
    return forLongTexts;
  }

  /** As {@link #encode}, but always in this process, however long the text is. */
  int[] encodeHere(String text) {
    try {
      long[] wide = tokenizer.encode(text, false, false).getIds();
      return Arrays.stream(wide).mapToInt(Math::toIntExact).toArray();
    } catch (RuntimeException e) {
      throw new TokenizerException(file, "cannot take this text: " + e.getMessage(), e);
    }
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    try {
      return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), skipSpecial);
    } catch (RuntimeException e) {
      throw new TokenizerException(file, "cannot decode these tokens: " + e.getMessage(), e);
    }
  }

  @Override
  public synchronized void close() {
    tokenizer.close();
    if (forLongTexts != null) {
      forLongTexts.close();
    }
  }
}
