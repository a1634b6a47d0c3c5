package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Puts the chunks of a stream together, as a client does that wants the whole answer. */
public final class Chunks {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private Chunks() {}

  /**
   * The whole answer that a stream tells. Fields that every answer has anew ({@code id}, {@code
   * created}) are left out; all chunks must agree on them.
   */
  public static JsonNode joined(List<JsonNode> chunks) {
    ObjectNode whole = JSON.objectNode();
    Map<Integer, ObjectNode> choices = new TreeMap<>();
    JsonNode usage = null;
    for (JsonNode chunk : chunks) {
      assertThat(chunk.get("error")).isNull();
      for (String name : List.of("id", "object", "created", "model")) {
        assertThat(chunk.get(name)).isEqualTo(chunks.getFirst().get(name));
      }
      for (JsonNode choice : chunk.get("choices")) {
        ObjectNode into =
            choices.computeIfAbsent(choice.get("index").asInt(), i -> JSON.objectNode());
        assertThat(into.path("finish_reason").isTextual()).as("a chunk behind the end").isFalse();
        choice.properties().forEach(field -> add(into, field.getKey(), field.getValue()));
      }
      usage = chunk.path("usage").isObject() ? chunk.get("usage") : usage;
    }
    whole.put("object", chunks.getFirst().get("object").asText().replace(".chunk", ""));
    whole.set("model", chunks.getFirst().get("model"));
    ArrayNode all = whole.putArray("choices");
    choices.values().forEach(all::add);
    if (usage != null) {
      whole.set("usage", usage);
    }
    return whole;
  }

  /** The same of an answer that came whole. */
  public static JsonNode comparable(JsonNode whole) {
    ObjectNode copy = whole.deepCopy();
    assertThat(copy.remove("id").asText()).isNotEmpty();
    assertThat(copy.remove("created").asLong()).isPositive();
    return copy;
  }

  /** Texts and lists go on; any other value replaces the one before. */
  private static void add(ObjectNode into, String name, JsonNode value) {
    JsonNode before = into.get(name);
    switch (name) {
      case "delta" -> {
        ObjectNode message = into.withObject("/message");
        value.properties().forEach(field -> add(message, field.getKey(), field.getValue()));
        message.putNull("refusal"); // a whole message has the field
      }
      case "text", "content" -> {
        if (value.isTextual()) {
          into.put(name, (before == null ? "" : before.asText()) + value.asText());
        } else {
          extend(into, name, before, value);
        }
      }
      case "logprobs" -> {
        if (value.isObject()) {
          ObjectNode lists = into.withObject("/logprobs");
          value
              .properties()
              .forEach(f -> extend(lists, f.getKey(), lists.get(f.getKey()), f.getValue()));
        } else if (before == null) {
          into.set(name, value);
        }
      }
      case "token_ids" -> extend(into, name, before, value);
      default -> into.set(name, value);
    }
  }

  private static void extend(ObjectNode into, String name, JsonNode before, JsonNode more) {
    ArrayNode all = JSON.arrayNode();
    if (before != null) {
      all.addAll((ArrayNode) before);
    }
    into.set(name, all.addAll((ArrayNode) more));
  }
}
