package orrery.openai;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import orrery.checkpoint.JsonText;

/**
 * Fields that OpenAI, vLLM or SGLang know and that Orrery cannot honour. Clients and routers send
 * many of them with values that ask for nothing; these are accepted. Any other value is refused: an
 * answer that silently ignores it would be a wrong one.
 *
 * <p>A field that is not in this list, and not read elsewhere, is unknown and passes. So a router
 * may add fields of its own.
 */
public final class Unsupported {
  /** Each with the values that ask for nothing, beside those of {@link #asksForNothing}. */
  private static final List<Known> FIELDS =
      List.of(
          field("tools"),
          field("tool_choice", "\"none\"", "\"auto\""),
          field("functions"),
          field("function_call", "\"none\"", "\"auto\""),
          field("modalities", "[\"text\"]"),
          field("audio"),
          field("web_search_options"),
          field("suffix"),
          field("use_beam_search"),
          field("length_penalty", "0", "0.0", "1", "1.0"),
          field("skip_special_tokens", "true"),
          field("no_stop_trim"),
          field("include_stop_str_in_output"),
          field("return_hidden_states"),
          field("return_routed_experts"),
          field("lora_path"),
          field("continue_final_message"),
          field("add_generation_prompt", "true"),
          field("chat_template"),
          field("documents"),
          field("truncate_prompt_tokens"),
          field("prompt_logprobs"),
          field("allowed_token_ids"),
          field("bad_words"),
          field("logits_processors"),
          field("custom_logit_processor"),
          field("stop_regex"),
          field("ebnf"),
          field("guided_grammar"),
          field("structural_tag"),
          field("prompt_embeds"),
          field("input_embeds"),
          field("session_params"));

  private static final List<String> OF_MESSAGES =
      List.of("tool_calls", "function_call", "audio", "tool_call_id");

  /** A field, and values that ask for nothing, as JSON. */
  public record Known(String name, List<String> nothing) {}

  private Unsupported() {}

  /** A field, and values that ask for nothing beside null, false and what is empty. */
  public static Known field(String name, String... nothing) {
    return new Known(name, List.of(nothing));
  }

  /**
   * @throws FieldException naming a field that asks for what Orrery cannot do
   */
  static void requireNone(Fields body, boolean chat) {
    FIELDS.forEach(field -> require(body, field));
    if (chat) {
      require(body, field("echo"));
    }
  }

  /** Names of all these fields. */
  static Set<String> names() {
    Set<String> names = new TreeSet<>(OF_MESSAGES);
    FIELDS.forEach(field -> names.add(field.name()));
    names.add("echo");
    return names;
  }

  /** The same for one message of a chat. */
  static void requireNoneInMessage(Fields message) {
    OF_MESSAGES.forEach(name -> require(message, field(name)));
  }

  /**
   * @throws FieldException if the field is there and asks for something
   */
  public static void require(Fields in, Known field) {
    if (!in.has(field.name())) {
      return;
    }
    Object value = in.value(field.name(), "");
    String shown = JsonText.shown(value);
    boolean on =
        value instanceof Boolean && field.nothing().contains("true"); // unless told otherwise
    if ((on || !asksForNothing(value)) && !field.nothing().contains(shown)) {
      String or = field.nothing().isEmpty() ? "" : " or " + String.join(" or ", field.nothing());
      String at = in.path(field.name());
      throw new FieldException(at, "not supported here: ", "no value" + or, shown);
    }
  }

  private static boolean asksForNothing(Object value) {
    return switch (value) {
      case Boolean b -> !b;
      case String text -> text.isEmpty();
      case List<?> items -> items.isEmpty();
      case Map<?, ?> fields -> fields.isEmpty();
      default -> false;
    };
  }
}
