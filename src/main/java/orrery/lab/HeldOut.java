package orrery.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.engine.LoadedModel;
import orrery.text.Tokenizer;

/**
 * Prompts that training has not seen, from a model's {@code prompts.jsonl}: a line each, with
 * {@code kind} and {@code prompt}.
 */
final class HeldOut {
  private static final String FILE = "prompts.jsonl";
  private static final int SHORT_ANSWER = 48;
  private static final int LONG_ANSWER = 256;
  private static final int RANDOM_PROMPTS = 8;
  private static final int RANDOM_TOKENS = 12;

  private record Prompt(String kind, String text) {}

  private HeldOut() {}

  /**
   * Stories, chat, tasks and prose; for a model without such a file, answers to random tokens.
   * Chats that ask for a story are left out: their answers are stories, and the file has others.
   *
   * @throws CheckpointException naming file and line, if the file is no list of prompts
   */
  static List<Text> of(LoadedModel loaded, long seed) {
    Path file = loaded.directory().resolve(FILE);
    if (!Files.exists(file) || loaded.tokenizer().isEmpty()) {
      return List.of(random(loaded, seed));
    }
    Tokenizer tokenizer = loaded.requireTokenizer();
    List<Prompt> all = read(file);
    List<Text> texts = new ArrayList<>();
    add(texts, "stories", all, tokenizer, k -> k.equals("story"), LONG_ANSWER, "");
    add(
        texts,
        "chat",
        all,
        tokenizer,
        k -> k.startsWith("chat:") && !k.equals("chat:story"),
        SHORT_ANSWER,
        "");
    add(texts, "tasks", all, tokenizer, k -> k.startsWith("task:"), SHORT_ANSWER, "\n");
    add(texts, "prose", all, tokenizer, k -> k.equals("prose"), LONG_ANSWER, "");
    if (texts.isEmpty()) {
      throw new CheckpointException(
          file, "kind", "story, chat:…, task:… or prose", "none of these in any line");
    }
    return texts;
  }

  private static void add(
      List<Text> texts,
      String name,
      List<Prompt> all,
      Tokenizer tokenizer,
      Predicate<String> kind,
      int limit,
      String stop) {
    List<int[]> prompts =
        all.stream().filter(p -> kind.test(p.kind)).map(p -> tokenizer.encode(p.text)).toList();
    if (!prompts.isEmpty()) {
      texts.add(new Text(name, prompts, limit, limit == LONG_ANSWER, stop, 0));
    }
  }

  private static Text random(LoadedModel loaded, long seed) {
    Draw draw = new Draw(seed, loaded.model().vocab());
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < RANDOM_PROMPTS; i++) {
      prompts.add(draw.tokens(RANDOM_TOKENS));
    }
    return new Text("random", prompts, LONG_ANSWER, true, "", 0);
  }

  private static List<Prompt> read(Path file) {
    List<Prompt> prompts = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
        prompts.add(prompt(file, prompts.size() + 1, line));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e, e);
    }
    return prompts;
  }

  private static Prompt prompt(Path file, int number, String line) {
    try {
      if (JsonText.value(line) instanceof Map<?, ?> m
          && m.get("kind") instanceof String kind
          && m.get("prompt") instanceof String text
          && !text.isEmpty()) {
        return new Prompt(kind, text);
      }
    } catch (JsonFault e) {
      throw new CheckpointException(
          file, "line " + number + ": expected valid JSON, found " + e.getMessage(), e);
    }
    throw new CheckpointException(
        file, "line " + number, "an object with kind and prompt", CheckpointException.shown(line));
  }
}
