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
 * The library in this process: fast, and a panic in it is the end of the process.
 *
 * <p>A regular expression that looks for the end of a run of blanks gives up, with a panic, after
 * ten million steps at one place. So a long text goes through a process of its own all the same;
 * the time that it takes to start is nothing beside that of computing such a prompt.
 */
final class LinkedTokenizer implements NativeTokenizer {
  /** A hundredth of the blanks on which the common pattern {@code \s*[\r\n]+} panicked. */
  static final int MAX_CHARS = 100_000;

  private static final Map<String, String> AS_IT_IS =
      Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

  private final Path file;
  private final String json;
  private final HuggingFaceTokenizer tokenizer;

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
   * DJL would fetch a GPU build of its library where it sees a GPU, and report its use from cloud
   * machines. Neither belongs in a program that promises to need nothing but its files; a user who
   * set one of these on the command line keeps it.
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
    if (text.length() <= MAX_CHARS) {
      return encodeHere(text);
    }
    try (NativeTokenizer alone = new ForkedTokenizer(file, json)) {
      return alone.encode(text);
    }
  }

  /** As {@link #encode}, in this process however long the text is. */
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
  public void close() {
    tokenizer.close();
  }
}
