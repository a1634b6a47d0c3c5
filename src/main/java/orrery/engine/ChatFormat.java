package orrery.engine;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.LfsPointer;
import orrery.text.ChatTemplate;
import orrery.text.Tokenizer;

/**
 * The chat format of a checkpoint. Orrery writes one format; if the checkpoint has another, chats
 * are refused. A model also answers in a format that it was not trained on, but badly, and its user
 * would not know why.
 */
public final class ChatFormat {
  private final boolean ours;
  private final Supplier<ChatTemplate> template; // throws if there is none

  private ChatFormat(boolean ours, Supplier<ChatTemplate> template) {
    this.ours = ours;
    this.template = template;
  }

  /** The format of a checkpoint without a tokenizer: none. */
  static ChatFormat withoutTokenizer(Path directory) {
    return none(directory, "tokenizer.json", "a tokenizer for chats", "no such file");
  }

  private static ChatFormat none(Path file, String item, String expected, String found) {
    return none(file, item + ": expected " + expected + ", found " + found);
  }

  private static ChatFormat none(Path file, String problem) {
    return new ChatFormat(
        false,
        () -> {
          throw new CheckpointException(file, problem);
        });
  }

  /**
   * The format that a checkpoint names. If it names none, it is Orrery's own, if the tokenizer has
   * the marks of that format.
   */
  static ChatFormat of(Path directory, Tokenizer tokenizer, TokenizerConfig config) {
    Optional<String> jinja = config.template();
    Optional<String> pointer = jinja.flatMap(LfsPointer::problem);
    if (pointer.isPresent()) {
      return none(config.templateFile(), pointer.get());
    }
    if (jinja.isPresent() && !ChatTemplate.isWrittenAs(jinja.get())) {
      return none(
          config.templateFile(),
          "chat_template",
          "Orrery's own chat format, the only one that it writes",
          "another; render the chat elsewhere (transformers: apply_chat_template) and give its text"
              + " as a prompt");
    }
    if (jinja.isEmpty() && !ChatTemplate.fits(tokenizer)) {
      return none(
          directory,
          "chat format",
          "a chat_template, or a tokenizer with Orrery's chat marks",
          "neither");
    }
    return new ChatFormat(true, () -> new ChatTemplate(tokenizer));
  }

  /** Whether the checkpoint's chats are in the format that Orrery writes. */
  public boolean isOurs() {
    return ours;
  }

  /**
   * Returns Orrery's chat format, for this checkpoint's tokenizer.
   *
   * @throws CheckpointException if the checkpoint has no chat format, or another one
   * @throws orrery.text.TokenizerException if the tokenizer lacks a mark of the format
   */
  public ChatTemplate require() {
    return template.get();
  }
}
