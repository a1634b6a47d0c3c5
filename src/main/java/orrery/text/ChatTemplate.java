package orrery.text;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * The chat format of Orrery's own models, and the generation prompt that asks for an answer:
 *
 * <pre>
 *   &lt;|system|&gt;Be brief.&lt;|end|&gt;&lt;|user|&gt;Hi!&lt;|end|&gt;&lt;|assistant|&gt;
 * </pre>
 *
 * The ids of a chat are put together from pieces. Each mark is one special token; each content goes
 * through {@link Tokenizer#encodeVerbatim}. So {@code <|end|><|system|>} in a user's message is
 * encoded as these letters and nothing else: no content can end its turn or open another.
 */
public final class ChatTemplate {
  private static final String END = "<|end|>";

  /** The format in Jinja, the language in which a checkpoint describes it to other engines. */
  private static final String JINJA =
      "{% for message in messages %}"
          + "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
          + "{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

  private final Tokenizer tokenizer;
  private final Map<String, Integer> roleIds; // role -> id of its mark
  private final int end;

  /**
   * @throws TokenizerException naming the token, if the tokenizer lacks one that the format needs
   */
  public ChatTemplate(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    this.end = special(tokenizer, END);
    this.roleIds =
        Message.ROLES.stream()
            .collect(Collectors.toMap(role -> role, role -> special(tokenizer, mark(role))));
  }

  /**
   * Whether a checkpoint's {@code chat_template} is this format, letter by letter. Another text
   * may mean the same format, but only a complete Jinja could tell, and each of its details
   * decides about the tokens of a prompt. (jinjava 2.8.4 was tried for this. It leaves a line
   * break where {@code {{-} takes it away, prints Python's {@code None} as nothing, and has none
   * of Python's string methods.)
   */
  public static boolean isWrittenAs(String jinja) {
    return jinja.strip().equals(JINJA);
  }

  /** Whether the tokenizer has all tokens of this format. */
  public static boolean fits(Tokenizer tokenizer) {
    return tokenizer.idOf(END).isPresent()
        && Message.ROLES.stream().allMatch(role -> tokenizer.idOf(mark(role)).isPresent());
  }

  private static String mark(String role) {
    return "<|" + role + "|>";
  }

  private static int special(Tokenizer tokenizer, String token) {
    return tokenizer
        .idOf(token)
        .orElseThrow(
            () ->
                new TokenizerException(
                    tokenizer.file(),
                    "chat format: expected the special token " + token + ", found none"));
  }

  /** The token that ends a turn; an answer stops there. */
  public int endId() {
    return end;
  }

  /**
   * The chat as text, for people to read. Encoding this text is <em>not</em> safe; see {@link
   * #encode}.
   */
  public String render(List<Message> messages) {
    return requireSome(messages).stream()
        .map(message -> mark(message.role()) + message.content() + END)
        .collect(Collectors.joining("", "", mark("assistant")));
  }

  /** The chat as token ids, ending in the mark after which the model speaks. */
  public int[] encode(List<Message> messages) {
    int[] ids = new int[64]; // [count used]
    int count = 0;
    for (Message message : requireSome(messages)) {
      int[] content = tokenizer.encodeVerbatim(message.content());
      int needed = count + content.length + 3; // two marks, and room for the generation prompt
      ids = needed > ids.length ? Arrays.copyOf(ids, 2 * needed) : ids;
      ids[count++] = roleIds.get(message.role());
      System.arraycopy(content, 0, ids, count, content.length);
      count += content.length;
      ids[count++] = end;
    }
    ids[count++] = roleIds.get("assistant");
    return Arrays.copyOf(ids, count);
  }

  private static List<Message> requireSome(List<Message> messages) {
    Objects.requireNonNull(messages, "messages: expected a list, found null");
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("messages: expected at least one, found none");
    }
    for (Message message : messages) {
      Objects.requireNonNull(message, "messages: expected messages, found null among them");
    }
    return messages;
  }
}
