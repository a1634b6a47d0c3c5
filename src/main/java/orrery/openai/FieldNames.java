package orrery.openai;

/**
 * The names of the fields as the body writes them. If the body says {@code max_completion_tokens},
 * an error of the engine must not speak of {@code max_tokens}.
 *
 * @param path in front of a field, such as {@code body.}
 * @param maxTokens the name under which the body limits its answer's length
 */
public record FieldNames(String path, boolean chat, String maxTokens) {

  static FieldNames of(Fields body, boolean chat) {
    boolean completion = chat && (body.has("max_completion_tokens") || !body.has("max_tokens"));
    return new FieldNames(body.path(""), chat, completion ? "max_completion_tokens" : "max_tokens");
  }

  /** Names of a body for a server, where completions may use both names of the length, too. */
  static FieldNames served(Fields body, boolean chat) {
    boolean both = chat || body.has("max_completion_tokens");
    return new FieldNames("", chat, of(body, both).maxTokens);
  }

  /** {@code FIELD: PROBLEM} of sampling or engine, of the body's own field. */
  public FieldException refused(String message) {
    String[] parts = message.split(": ", 2);
    String field =
        switch (parts[0]) {
          case "prompt" -> chat ? "messages" : "prompt";
          case "max_tokens", "request" -> maxTokens;
          case String other -> other;
        };
    return FieldException.at(path + field, parts[1]);
  }
}
