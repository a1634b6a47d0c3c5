package orrery.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The same tokenizer with its special tokens made unwritable.
 *
 * <p>The native library finds special tokens in any text it encodes, and its switch against that
 * ({@code encode_special_tokens}) is not reachable from Java. So a second tokenizer is made from
 * the same JSON in which each special token has another name, one with a character that no text
 * reaching it contains. Names are all that changes: every id, merge and rule stays, hence all other
 * text gets the same ids as before.
 */
final class VerbatimJson {
  /** A Unicode noncharacter, set aside for a program's inner use. */
  static final char MARK = '\uFDD0';

  private VerbatimJson() {}

  static String of(Path file, String json) {
    JsonMapper mapper = new JsonMapper();
    try {
      JsonNode root = mapper.readTree(json);
      Map<String, String> renamed = new HashMap<>();
      for (JsonNode token : root.path("added_tokens")) {
        if (token.path("special").asBoolean()) {
          String name = MARK + token.path("id").asText() + MARK;
          renamed.put(token.path("content").asText(), name);
          ((ObjectNode) token).put("content", name);
        }
      }
      if (root.path("model") instanceof ObjectNode model) {
        renameModel(model, renamed);
      }
      return mapper.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new TokenizerException(file, "expected valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static void renameModel(ObjectNode model, Map<String, String> renamed) {
    String unknown = model.path("unk_token").asText(null);
    if (renamed.containsKey(unknown)) {
      model.put("unk_token", renamed.get(unknown));
    }
    if (model.path("vocab") instanceof ObjectNode vocab) {
      for (Map.Entry<String, String> entry : renamed.entrySet()) {
        JsonNode id = vocab.remove(entry.getKey());
        if (id != null) {
          vocab.set(entry.getValue(), id);
        }
      }
    } else if (model.path("vocab") instanceof ArrayNode pieces) { // Unigram: [[piece, score], …]
      for (JsonNode piece : pieces) {
        String name = renamed.get(piece.path(0).asText());
        if (name != null) {
          ((ArrayNode) piece).set(0, name);
        }
      }
    }
  }
}
