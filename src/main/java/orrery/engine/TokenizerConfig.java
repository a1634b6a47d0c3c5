package orrery.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.JsonText;
import orrery.text.Tokenizer;

/**
 * The facts about tokens that a checkpoint has outside of {@code tokenizer.json}: the token that
 * ends a text, and the chat template. They are read from the files in which transformers looks for
 * them.
 *
 * @param eos the id of {@code eos_token} in {@code tokenizer_config.json}, else in the older {@code
 *     special_tokens_map.json}
 * @param template the text of {@code chat_template.jinja}, else of {@code chat_template} in {@code
 *     tokenizer_config.json} (the one called {@code default} if it is a list), else in {@code
 *     chat_template.json}
 * @param templateFile the file that has the template
 */
record TokenizerConfig(Optional<Integer> eos, Optional<String> template, Path templateFile) {
  private static final String TEMPLATE = "chat_template";
  private static final String ADDED = "added_tokens_decoder";

  /**
   * Reads those of the files that exist.
   *
   * @throws CheckpointException if a file is broken, or names a token that the tokenizer does not
   *     have
   */
  static TokenizerConfig read(Path directory, Tokenizer tokenizer) {
    Path file = directory.resolve("tokenizer_config.json");
    Optional<JsonConfig> config = ifThere(file);
    config.ifPresent(c -> requireAddedTokens(c, tokenizer));
    Optional<Integer> eos = config.flatMap(c -> eos(c, tokenizer));
    if (eos.isEmpty()) {
      eos = ifThere(directory.resolve("special_tokens_map.json")).flatMap(c -> eos(c, tokenizer));
    }
    Path jinja = directory.resolve("chat_template.jinja");
    if (Files.exists(jinja)) {
      return new TokenizerConfig(eos, Optional.of(text(jinja)), jinja);
    }
    Optional<String> template = config.flatMap(TokenizerConfig::template);
    if (template.isPresent()) {
      return new TokenizerConfig(eos, template, file);
    }
    Path older = directory.resolve("chat_template.json");
    return new TokenizerConfig(eos, ifThere(older).flatMap(TokenizerConfig::template), older);
  }

  private static Optional<JsonConfig> ifThere(Path file) {
    return Files.exists(file) ? Optional.of(JsonConfig.read(file)) : Optional.empty();
  }

  /** The file's text. Bytes that are not UTF-8 become U+FFFD, which no format of ours has. */
  private static String text(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * The id of {@code eos_token}: a name such as {@code "</s>"}, or {@code {"content": "</s>", …}}
   * as older versions write it.
   */
  private static Optional<Integer> eos(JsonConfig config, Tokenizer tokenizer) {
    if (!config.has("eos_token")) {
      return Optional.empty();
    }
    String name =
        config.any("eos_token") instanceof Map<?, ?>
            ? config.object("eos_token").string("content")
            : config.string("eos_token");
    Optional<Integer> id = tokenizer.idOf(name);
    if (id.isEmpty()) {
      throw config.bad("eos_token", "a token of " + tokenizer.file(), JsonText.shown(name));
    }
    return id;
  }

  /**
   * The template, or the JSON in its place if that is none: only a chat needs a template, so only a
   * chat is refused.
   */
  private static Optional<String> template(JsonConfig config) {
    if (!config.has(TEMPLATE)) {
      return Optional.empty();
    }
    if (config.any(TEMPLATE) instanceof List<?> named) {
      for (Object item : named) {
        if (item instanceof Map<?, ?> entry
            && "default".equals(entry.get("name"))
            && entry.get("template") instanceof String template) {
          return Optional.of(template);
        }
      }
    }
    Object value = config.any(TEMPLATE);
    return Optional.of(value instanceof String text ? text : JsonText.shown(value));
  }

  /**
   * Refuses a config that lists other added tokens than the tokenizer: then the two files belong to
   * different models.
   */
  private static void requireAddedTokens(JsonConfig config, Tokenizer tokenizer) {
    if (!(config.any(ADDED) instanceof Map<?, ?> added)) {
      return;
    }
    added.forEach(
        (id, entry) -> {
          Object content = entry instanceof Map<?, ?> token ? token.get("content") : null;
          if (content instanceof String name
              && !tokenizer.idOf(name).map(Object::toString).equals(Optional.of(id))) {
            String found = tokenizer.idOf(name).map(i -> "id " + i).orElse("no such token");
            throw config.bad(
                ADDED + "." + id,
                JsonText.shown(name)
                    + " with this id in "
                    + tokenizer.file()
                    + " (both files must belong to the same model)",
                found);
          }
        });
  }
}
