package orrery.text;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.LfsPointer;

/**
 * The tokens that {@code tokenizer.json} lists: their names and ids, which of them are special, and
 * which decoder turns them into text. The native tokenizer has no functions that tell this.
 *
 * <p>The file is read in one stream, since a JSON tree of 150,000 entries would waste memory.
 */
final class Vocabulary {
  /** Larger than any real vocabulary; a false id cannot make a huge array. */
  private static final int MAX_ID = 1 << 22;

  private final Path file;
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<String> specials = new ArrayList<>();
  private String[] names = new String[1024]; // [capacity >= size], by id
  private final BitSet special = new BitSet(); // by id
  private int size;
  private int count; // ids that have a token
  private final Pipeline pipeline = new Pipeline();

  private Vocabulary(Path file) {
    this.file = file;
  }

  static Vocabulary parse(Path file, String json) {
    LfsPointer.problem(json)
        .ifPresent(
            problem -> {
              throw new TokenizerException(file, problem);
            });
    Vocabulary vocabulary = new Vocabulary(file);
    try (JsonParser parser = JsonText.parser(new StringReader(json))) {
      vocabulary.readFile(parser);
    } catch (JsonProcessingException e) {
      String found = JsonFault.of(e, json).getMessage();
      throw new TokenizerException(file, "expected valid JSON, found " + found, e);
    } catch (IOException e) {
      throw new TokenizerException(file, "cannot be read", e);
    }
    if (vocabulary.size == 0) {
      throw new TokenizerException(file, "model.vocab: expected tokens, found none");
    }
    return vocabulary;
  }

  /** One more than the largest id: the rows an embedding table needs. */
  int size() {
    return size;
  }

  /** Ids that have a token: all ids below {@link #size} except those that the file leaves out. */
  int count() {
    return count;
  }

  Optional<Integer> idOf(String token) {
    return Optional.ofNullable(ids.get(token));
  }

  /** The token's name in the file, or null for an id that the vocabulary leaves out. */
  String name(int id) {
    return names[id];
  }

  boolean isSpecial(int id) {
    return special.get(id);
  }

  /** Names of all special tokens. */
  List<String> specials() {
    return specials;
  }

  /** The steps around the model. */
  Pipeline pipeline() {
    return pipeline;
  }

  /**
   * The byte that a token named like {@code <0xE4>} stands for, if the decoder reads such names;
   * else -1.
   */
  int byteOf(int id) {
    String name = names[id];
    boolean isByte =
        pipeline.readsByteTokens()
            && name != null
            && name.length() == 6
            && name.startsWith("<0x")
            && name.endsWith(">")
            && Character.digit(name.charAt(3), 16) >= 0
            && Character.digit(name.charAt(4), 16) >= 0;
    return isByte ? Integer.parseInt(name, 3, 5, 16) : -1;
  }

  private void readFile(JsonParser json) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw new TokenizerException(file, "expected a JSON object, found something else");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "added_tokens" -> readAddedTokens(json);
        case "normalizer", "pre_tokenizer", "decoder" -> pipeline.step(field, json);
        case "model" -> readModel(json);
        default -> json.skipChildren();
      }
    }
    if (json.nextToken() != null) {
      throw new TokenizerException(file, "expected nothing after the JSON object, found more");
    }
  }

  private void readModel(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new TokenizerException(file, "model: expected an object, found something else");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      if (field.equals("vocab") && value == JsonToken.START_OBJECT) {
        readVocab(json);
      } else if (field.equals("vocab") && value == JsonToken.START_ARRAY) {
        readUnigramPieces(json);
      } else if (value.isScalarValue()) {
        pipeline.model(field, json);
      } else {
        json.skipChildren();
      }
    }
  }

  private void readVocab(JsonParser json) throws IOException {
    Set<String> seen = new HashSet<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      json.nextToken();
      if (!seen.add(name)) {
        throw second(name);
      }
      add(name, readId(json, name));
    }
  }

  /** Unigram models list {@code [piece, score]}; a token's id is its place in the list. */
  private void readUnigramPieces(JsonParser json) throws IOException {
    for (int id = 0; json.nextToken() == JsonToken.START_ARRAY; id++) {
      json.nextToken();
      add(json.getText(), id);
      while (json.nextToken() != JsonToken.END_ARRAY) {
        json.skipChildren();
      }
    }
  }

  private void readAddedTokens(JsonParser json) throws IOException {
    while (json.nextToken() == JsonToken.START_OBJECT) {
      String content = null;
      int id = -1;
      boolean isSpecial = false;
      boolean strips = false;
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String field = json.currentName();
        json.nextToken();
        switch (field) {
          case "content" -> content = json.getText();
          case "id" -> id = readId(json, "added_tokens");
          case "lstrip", "rstrip" -> strips |= json.currentToken() == JsonToken.VALUE_TRUE;
          case "special" -> isSpecial = json.currentToken() == JsonToken.VALUE_TRUE;
          default -> json.skipChildren();
        }
      }
      if (content == null || id < 0) {
        throw new TokenizerException(file, "added_tokens: expected content and id in every entry");
      }
      add(content, id);
      pipeline.addedToken(content, strips);
      special.set(id, isSpecial);
      if (isSpecial) {
        specials.add(content);
      }
    }
  }

  private int readId(JsonParser json, String token) throws IOException {
    boolean valid =
        json.currentToken() == JsonToken.VALUE_NUMBER_INT
            && json.getNumberType() == JsonParser.NumberType.INT
            && json.getIntValue() >= 0
            && json.getIntValue() < MAX_ID;
    if (!valid) {
      throw new TokenizerException(
          file,
          "token \""
              + token
              + "\": expected an id from 0 to "
              + (MAX_ID - 1)
              + ", found "
              + json.getText());
    }
    return json.getIntValue();
  }

  private TokenizerException second(String token) {
    return new TokenizerException(file, "token \"" + token + "\": expected one id, found a second");
  }

  /** Adds a token, which may be in both lists, but with one id that is its own. */
  private void add(String name, int id) {
    if (id >= names.length) {
      names = Arrays.copyOf(names, Math.max(id + 1, 2 * names.length));
    }
    if (names[id] != null && !names[id].equals(name)) {
      throw new TokenizerException(
          file,
          "token \"" + name + "\": expected an id of its own, found that of \"" + names[id] + "\"");
    }
    if (ids.getOrDefault(name, id) != id) {
      throw second(name);
    }
    size = Math.max(size, id + 1);
    count += names[id] == null ? 1 : 0;
    names[id] = name;
    ids.put(name, id);
  }
}
