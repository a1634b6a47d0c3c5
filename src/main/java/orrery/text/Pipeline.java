package orrery.text;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The steps that {@code tokenizer.json} puts around its model, and whether the native library can
 * be trusted with them.
 *
 * <p>The library is written in Rust and called through JNI: where its code panics, the whole
 * process aborts. A reading of its code and half a million random tokenizers with random texts
 * found these places. None of them lies in a step that is trusted here.
 *
 * <ul>
 *   <li>a normalizer that removes characters (BertNormalizer, Strip, StripAccents, Nmt,
 *       Precompiled, Replace by nothing), with an added token of which it leaves nothing: this
 *       empty token then matches everywhere, also inside a character
 *   <li>Replace by a regular expression that matches nothing
 *   <li>an added token of blanks, with another one that takes the blanks beside it ({@code lstrip},
 *       {@code rstrip})
 *   <li>the decoder Strip, when it cuts more characters than a token has
 *   <li>FixedLength 0; merges shorter than {@code continuing_subword_prefix}
 *   <li>a regular expression that tries ten million ways without success: it repeats a repetition,
 *       or the text has millions of blanks in a row ({@link LinkedTokenizer#MAX_CHARS})
 * </ul>
 */
final class Pipeline {
  private static final Set<String> KEPT_CHARACTERS =
      Set.of("NFC", "NFD", "NFKC", "NFKD", "Lowercase");
  private static final Set<String> SPLITTERS =
      Set.of(
          "BertPreTokenizer",
          "ByteLevel",
          "Digits",
          "Metaspace",
          "Punctuation",
          "Whitespace",
          "WhitespaceSplit",
          "UnicodeScripts",
          "CharDelimiterSplit");
  private static final Set<String> DECODERS =
      Set.of("BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "Fuse", "Metaspace", "WordPiece");
  private static final Set<String> MODELS = Set.of("BPE", "Unigram", "WordLevel", "WordPiece");

  private final Map<String, Object> steps = new HashMap<>(); // name -> Map, or null
  private final Map<String, Object> model = new HashMap<>(); // the model's plain values
  private final List<String> decoders = new ArrayList<>(); // types, in the order of the file
  private boolean blankToken; // an added token begins or ends with a blank
  private boolean takesBlanks; // an added token takes the blanks beside it

  /** Reads the step that the parser has reached. */
  void step(String name, JsonParser json) throws IOException {
    steps.put(name, value(json));
    if (name.equals("decoder")) {
      decoders.clear(); // of two decoders the last one counts, as in the native library
      collectDecoders(steps.get(name));
    }
  }

  /** Takes note of a plain value of the model. */
  void model(String name, JsonParser json) throws IOException {
    model.put(name, value(json));
  }

  /** Takes note of an added token. */
  void addedToken(String content, boolean strips) {
    blankToken |= !content.equals(content.strip());
    takesBlanks |= strips;
  }

  private static Object value(JsonParser json) throws IOException {
    return switch (json.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> fields = new HashMap<>();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          json.nextToken();
          fields.put(name, value(json));
        }
        yield fields;
      }
      case START_ARRAY -> {
        List<Object> items = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          items.add(value(json));
        }
        yield items;
      }
      case VALUE_NULL -> null;
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> json.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> json.getText();
    };
  }

  /** Whether a normalizer rewrites the text before it is split into tokens. */
  boolean normalizes() {
    return steps.get("normalizer") != null;
  }

  /**
   * Whether token names spell bytes (in GPT-2's alphabet) and the decoder only joins these bytes.
   */
  boolean isByteLevel() {
    return decoders.equals(List.of("ByteLevel"));
  }

  /** Whether token names spell bytes, whatever else the decoder does to them. */
  boolean hasByteLevel() {
    return decoders.contains("ByteLevel");
  }

  /** Whether the decoder turns tokens named like {@code <0xE4>} into bytes. */
  boolean readsByteTokens() {
    return decoders.contains("ByteFallback");
  }

  private void collectDecoders(Object step) {
    if (type(step).equals("Sequence")) {
      if (((Map<?, ?>) step).get("decoders") instanceof List<?> items) {
        items.forEach(this::collectDecoders);
      }
    } else if (step != null) {
      decoders.add(type(step));
    }
  }

  /** Whether no text can make the native library end the process. */
  boolean trusted() {
    Object type = model.get("type");
    boolean cutsMerges = "BPE".equals(type) && model.get("continuing_subword_prefix") != null;
    return type != null
        && MODELS.contains(type)
        && !cutsMerges
        && !(blankToken && takesBlanks)
        && all("normalizer", "normalizers", Pipeline::keepsCharacters)
        && all("pre_tokenizer", "pretokenizers", Pipeline::splitsSafely)
        && all("decoder", "decoders", Pipeline::decodesSafely);
  }

  private boolean all(String name, String items, Predicate<Map<?, ?>> trusted) {
    return all(steps.get(name), items, trusted);
  }

  private static boolean all(Object step, String items, Predicate<Map<?, ?>> trusted) {
    if (type(step).equals("Sequence")) {
      return ((Map<?, ?>) step).get(items) instanceof List<?> list
          && list.stream().allMatch(item -> item != null && all(item, items, trusted));
    }
    return step == null || step instanceof Map<?, ?> fields && trusted.test(fields);
  }

  private static boolean keepsCharacters(Map<?, ?> step) {
    return switch (type(step)) {
      case "Prepend" -> isText(step.get("prepend"));
      case "Replace" -> replacesText(step) && isText(step.get("content"));
      default -> KEPT_CHARACTERS.contains(type(step));
    };
  }

  private static boolean splitsSafely(Map<?, ?> step) {
    return switch (type(step)) {
      case "Split" ->
          step.get("pattern") instanceof Map<?, ?> pattern
              && (isText(pattern.get("String"))
                  || pattern.get("Regex") instanceof String regex && !repeatsGroups(regex));
      default -> SPLITTERS.contains(type(step));
    };
  }

  private static boolean decodesSafely(Map<?, ?> step) {
    return switch (type(step)) {
      case "Replace" -> replacesText(step);
      case "Strip" -> Double.valueOf(0).equals(step.get("stop"));
      default -> DECODERS.contains(type(step));
    };
  }

  /** Whether a group is repeated: a regular expression may try it in exponentially many ways. */
  private static boolean repeatsGroups(String regex) {
    String plain = regex.replaceAll("\\\\.", "x").replaceAll("\\[[^\\]]*\\]", "x");
    return plain.matches("(?s).*\\)[*+{].*");
  }

  private static boolean replacesText(Map<?, ?> step) {
    return step.get("pattern") instanceof Map<?, ?> pattern && isText(pattern.get("String"));
  }

  private static boolean isText(Object value) {
    return value instanceof String text && !text.isEmpty();
  }

  private static String type(Object step) {
    return step instanceof Map<?, ?> fields && fields.get("type") instanceof String type
        ? type
        : "";
  }
}
