package orrery.openai;

import java.util.ArrayList;
import java.util.List;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonText.Num;
import orrery.engine.LoadedModel;
import orrery.text.Message;
import orrery.text.TokenizerException;

/** Reads the prompts of a body: text, token ids, lists of either, or the messages of a chat. */
public final class PromptFields {
  private static final String EXPECTED = "text or a list of token ids, not empty";

  private final LoadedModel loaded;
  private final int longest; // most token ids
  private final long maxChars; // of a text, or of all texts of a chat
  private final boolean strict;

  /**
   * A prompt.
   *
   * @param written the body's text; null if it has token ids, and for a chat
   * @param tokens [tokens]
   */
  public record Read(String written, int[] tokens) {}

  /**
   * @param longest most tokens of a prompt; a text that must have more is not even given to the
   *     tokenizer
   * @param strict whether unknown fields of messages are refused
   */
  public PromptFields(LoadedModel loaded, int longest, boolean strict) {
    this.loaded = loaded;
    this.longest = longest;
    this.maxChars = ServedReader.CHARS_PER_TOKEN * longest;
    this.strict = strict;
  }

  /** The one prompt of a body. */
  Read one(Fields body) {
    return read(body.path("prompt"), body.value("prompt", EXPECTED));
  }

  /**
   * One prompt, or a list of prompts.
   *
   * @param most prompts
   */
  List<Read> many(Fields body, int most) {
    Object value = body.value("prompt", EXPECTED);
    boolean several =
        value instanceof List<?> items && !items.isEmpty() && !(items.getFirst() instanceof Num);
    if (!several) {
      return List.of(one(body));
    }
    List<?> items = (List<?>) value;
    if (items.size() > most) {
      throw new FieldException("prompt", "at most " + most + " prompts", items.size() + "");
    }
    List<Read> prompts = new ArrayList<>();
    for (Object item : items) {
      prompts.add(read(body.item("prompt", prompts.size()), item));
    }
    return prompts;
  }

  /**
   * The prompt that a value of the body is: text, or a list of token ids.
   *
   * @param at its path
   */
  public Read read(String at, Object value) {
    switch (value) {
      case String text -> {
        if (loaded.tokenizer().isEmpty()) {
          Fields.refuse(at, "token ids (the model has no tokenizer)", text);
        }
        requireShort(at, text.length());
        int[] ids = encode(at, text);
        return ids.length > 0 ? new Read(text, ids) : Fields.refuse(at, EXPECTED, text);
      }
      case List<?> items when !items.isEmpty() -> {
        if (items.size() > longest) {
          throw new FieldException(
              at, "at most " + longest + " token ids, as the context holds", items.size() + "");
        }
        List<Integer> ids = Fields.tokenIds(at, items);
        return new Read(null, ids.stream().mapToInt(i -> i).toArray());
      }
      default -> {
        return Fields.refuse(at, EXPECTED, value);
      }
    }
  }

  /** A text that the tokenizer cannot take is a mistake of the body. */
  private int[] encode(String at, String text) {
    try {
      return loaded.requireTokenizer().encode(text);
    } catch (TokenizerException e) {
      throw FieldException.at(at, e.getMessage());
    }
  }

  private void requireShort(String at, long chars) {
    if (chars > maxChars) {
      throw new FieldException(
          at, "at most " + maxChars + " characters, more than the context holds", chars + "");
    }
  }

  /** The prompt that a chat makes. */
  Read chat(Fields body) {
    List<Message> messages = new ArrayList<>();
    long chars = 0;
    for (Object item : body.list("messages", "a list of messages, not empty")) {
      Fields message = Fields.of(body.item("messages", messages.size()), item);
      Message read = new Message(role(message), content(message));
      if (strict) {
        message.requireNothingElse();
      } else {
        Unsupported.requireNoneInMessage(message);
      }
      messages.add(read);
      chars += read.content().length();
    }
    requireShort(body.path("messages"), chars);
    try {
      return new Read(null, loaded.chatFormat().require().encode(messages));
    } catch (CheckpointException e) {
      String field = strict ? "url" : "messages";
      throw new FieldException(field, "/v1/completions (" + e.getMessage() + ")", "a chat");
    } catch (TokenizerException e) {
      throw FieldException.at(body.path("messages"), e.getMessage());
    }
  }

  /** {@code developer} is OpenAI's newer name of {@code system}. */
  private String role(Fields message) {
    String written = message.string("role");
    String role = !strict && written.equals("developer") ? "system" : written;
    return Message.ROLES.contains(role)
        ? role
        : message.fail("role", "one of " + String.join(", ", Message.ROLES));
  }

  /** Text, or OpenAI's list of parts of type text. */
  private String content(Fields message) {
    String expected = "text or a list of {\"type\":\"text\",\"text\":…}";
    if (message.value("content", expected) instanceof String text) {
      return text;
    }
    StringBuilder all = new StringBuilder();
    int parts = 0;
    for (Object item : message.list("content", expected)) {
      Fields part = Fields.of(message.item("content", parts++), item);
      if (!part.string("type").equals("text")) {
        part.fail("type", "\"text\"");
      }
      all.append(part.string("text"));
      if (strict) {
        part.requireNothingElse();
      }
    }
    return all.toString();
  }
}
