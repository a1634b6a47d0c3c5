package orrery.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
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

  /** The name that stands for special token {@code id}. */
  static String unwritable(int id) {
    return MARK + Integer.toString(id) + MARK;
  }

  /** Copies {@code json}, giving each token that is a key of {@code renamed} its new name. */
  static String rename(String json, Map<String, String> renamed) throws IOException {
    JsonFactory factory = new JsonFactory();
    StringWriter copy = new StringWriter(json.length());
    try (JsonParser from = factory.createParser(json);
        JsonGenerator to = factory.createGenerator(copy)) {
      for (JsonToken token = from.nextToken(); token != null; token = from.nextToken()) {
        String name = isTokenName(from.getParsingContext(), token) ? from.getText() : null;
        String newName = name == null ? null : renamed.get(name);
        if (newName == null) {
          to.copyCurrentEventExact(from);
        } else if (token == JsonToken.FIELD_NAME) {
          to.writeFieldName(newName);
        } else {
          to.writeString(newName);
        }
      }
    }
    return copy.toString();
  }

  /**
   * Whether the parser stands on the name of a token: a key of {@code model.vocab}, the first item
   * of a Unigram {@code [piece, score]}, an added token's {@code content}, or {@code
   * model.unk_token}.
   */
  private static boolean isTokenName(JsonStreamContext here, JsonToken token) {
    JsonStreamContext parent = here.getParent();
    if (parent == null) {
      return false;
    }
    if (token == JsonToken.FIELD_NAME) {
      return "vocab".equals(parent.getCurrentName());
    }
    if (token != JsonToken.VALUE_STRING) {
      return false;
    }
    if (here.inArray()) {
      return here.getCurrentIndex() == 0 && parent.inArray() && isIn(parent, "vocab");
    }
    return "content".equals(here.getCurrentName()) && isIn(parent, "added_tokens")
        || "unk_token".equals(here.getCurrentName()) && "model".equals(parent.getCurrentName());
  }

  private static boolean isIn(JsonStreamContext array, String field) {
    return array.getParent() != null && field.equals(array.getParent().getCurrentName());
  }
}
