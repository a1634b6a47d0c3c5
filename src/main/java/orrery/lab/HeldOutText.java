package orrery.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.engine.LoadedModel;

/**
 * Text that training has not seen, to compare models on: a model's {@code heldout.jsonl}, a line
 * each, with {@code kind} and {@code text}; or any file of text; or, for a model without a
 * tokenizer, random tokens.
 */
public final class HeldOutText {
  private static final String FILE = "heldout.jsonl";
  private static final int WINDOW = 512; // most tokens of a passage
  private static final int RANDOM_PASSAGES = 4;
  private static final int RANDOM_TOKENS = 256;

  /**
   * Tokens that belong together.
   *
   * @param kind of text
   * @param ids [tokens]
   * @param natural whether it is text, so that it means something how well a model foretells it
   */
  public record Passage(String kind, int[] ids, boolean natural) {}

  private HeldOutText() {}

  /**
   * Passages of at most 512 tokens, each of two tokens or more.
   *
   * @param file of text, or a list as {@code heldout.jsonl}; null for the model's own
   * @throws CheckpointException naming file and line, if a list is none
   */
  public static List<Passage> of(LoadedModel loaded, Path file, long seed) {
    Path own = loaded.directory().resolve(FILE);
    Path source = file == null && Files.exists(own) && loaded.tokenizer().isPresent() ? own : file;
    return source == null ? random(loaded, seed) : cut(loaded, source);
  }

  private static List<Passage> random(LoadedModel loaded, long seed) {
    Draw draw = new Draw(seed, loaded.model().vocab());
    int tokens = Math.min(RANDOM_TOKENS, loaded.model().maxPositions());
    List<Passage> passages = new ArrayList<>();
    for (int i = 0; i < RANDOM_PASSAGES; i++) {
      passages.add(new Passage("random tokens", draw.tokens(tokens), false));
    }
    return passages;
  }

  private static List<Passage> cut(LoadedModel loaded, Path file) {
    int window = Math.min(WINDOW, loaded.model().maxPositions());
    List<Passage> passages = new ArrayList<>();
    for (Map.Entry<String, String> part : read(file)) {
      int[] ids = loaded.requireTokenizer().encode(part.getValue());
      for (int at = 0; at + 1 < ids.length; at += window) {
        int[] cut = Arrays.copyOfRange(ids, at, Math.min(ids.length, at + window));
        if (cut.length > 1) {
          passages.add(new Passage(part.getKey(), cut, true));
        }
      }
    }
    if (passages.isEmpty()) {
      throw new CheckpointException(file, "text", "two tokens or more", "fewer");
    }
    return passages;
  }

  /** Kinds and texts. */
  private static List<Map.Entry<String, String>> read(Path file) {
    List<Map.Entry<String, String>> parts = new ArrayList<>();
    try {
      if (!file.getFileName().toString().endsWith(".jsonl")) {
        return List.of(Map.entry("text", Files.readString(file)));
      }
      for (String line : Files.readAllLines(file)) {
        parts.add(part(file, parts.size() + 1, line));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read as UTF-8 text: " + e, e);
    }
    return parts;
  }

  private static Map.Entry<String, String> part(Path file, int number, String line) {
    try {
      if (JsonText.value(line) instanceof Map<?, ?> m
          && m.get("kind") instanceof String kind
          && m.get("text") instanceof String text) {
        return Map.entry(kind, text);
      }
    } catch (JsonFault e) {
      throw new CheckpointException(
          file, "line " + number + ": expected valid JSON, found " + e.getMessage(), e);
    }
    throw new CheckpointException(
        file, "line " + number, "an object with kind and text", CheckpointException.shown(line));
  }
}
