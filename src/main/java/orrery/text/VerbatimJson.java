package orrery.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.JsonText;

/**
 * Makes the JSON of the same tokenizer with special tokens that no text can contain.
 *
 * <p>The native library finds special tokens in any text that it encodes, and its switch against
 * that ({@code encode_special_tokens}) cannot be reached from Java. So a second tokenizer is made
 * from the same JSON, in which each special token has another name. This name holds a character
 * that is removed from every text first. Only names change; every id, merge and rule stays. So all
 * other text gets the same ids as before.
 */
final class VerbatimJson {
  /** A Unicode noncharacter, set aside for a program's inner use. */
  static final char MARK = '\uFDD0';

  private static final List<String> NON_NUMBERS = List.of("NaN", "Infinity");

  private VerbatimJson() {}

  /** The new name of special token {@code id}. */
  static String unwritable(int id) {
    return MARK + Integer.toString(id) + MARK;
  }

  /**
   * The same JSON without {@code NaN} and {@code Infinity}: Python writes them, but the standard
   * and the native library do not know them. They become null.
   */
  static String standard(String json) throws IOException {
    boolean suspect = NON_NUMBERS.stream().anyMatch(name -> standsAsValue(name, json));
    return suspect ? rename(json, Map.of()) : json;
  }

  /** Whether the JSON may have the name as a value somewhere, not inside a string. */
  private static boolean standsAsValue(String name, String json) {
    for (int at = json.indexOf(name); at > 0; at = json.indexOf(name, at + 1)) {
      int end = at + name.length();
      if (":[,- \t\r\n".indexOf(json.charAt(at - 1)) >= 0
          && end < json.length()
          && ",]} \t\r\n".indexOf(json.charAt(end)) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** Copies {@code json}, giving each token that is a key of {@code renamed} its new name. */
  static String rename(String json, Map<String, String> renamed) throws IOException {
    StringWriter copy = new StringWriter(json.length());
    try (JsonParser from = JsonText.parser(new StringReader(json));
        JsonGenerator to = new JsonFactory().createGenerator(copy)) {
      for (JsonToken token = from.nextToken(); token != null; token = from.nextToken()) {
        String name = isTokenName(from.getParsingContext(), token) ? from.getText() : null;
        String newName = name == null ? null : renamed.get(name);
        if (token == JsonToken.VALUE_NUMBER_FLOAT && from.isNaN()) {
          to.writeNull();
        } else if (newName == null) {
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
   * Whether the parser has reached the name of a token: a key of {@code model.vocab}, the first
   * item of a Unigram {@code [piece, score]}, an added token's {@code content}, or {@code
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
