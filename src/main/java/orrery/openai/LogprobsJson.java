package orrery.openai;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import orrery.openai.Piece.Scored;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.text.Tokenizer;

/**
 * Log-probabilities in the two shapes of OpenAI's API. A token is written as the text that it adds
 * to a text, with the blank in front of a word. One that is only part of a character is written
 * {@code bytes:\xe2\x80}, as OpenAI does; without a tokenizer, {@code token_id:7}, as vLLM does.
 *
 * <p>The drawn token is always in the list of the likeliest, as one more entry if need be: so do
 * OpenAI for completions, and vLLM for both. A chat that asks for no alternatives gets none.
 */
final class LogprobsJson {
  private static final double LOWEST = -9999; // JSON has no -Infinity; vLLM writes this too

  private final Optional<Tokenizer> tokenizer;
  private final boolean brief;

  /**
   * @param brief whether to write the nearest float in the fewest digits that tell it, instead of
   *     all digits of a double
   */
  LogprobsJson(Optional<Tokenizer> tokenizer, boolean brief) {
    this.tokenizer = tokenizer;
    this.brief = brief;
  }

  /**
   * For {@code /v1/completions}: four lists, one entry a token. The first token of a prompt has no
   * log-probability; its entries are {@code null}.
   */
  void completion(JsonGenerator json, List<Scored> tokens) throws IOException {
    json.writeStartObject();
    json.writeArrayFieldStart("tokens");
    for (Scored t : tokens) {
      json.writeString(name(t.token()));
    }
    json.writeEndArray();
    json.writeArrayFieldStart("token_logprobs");
    for (Scored t : tokens) {
      if (t.logprobs() == null) {
        json.writeNull();
      } else {
        number(json, t.logprobs().chosen());
      }
    }
    json.writeEndArray();
    json.writeArrayFieldStart("top_logprobs");
    for (Scored t : tokens) {
      if (t.logprobs() == null) {
        json.writeNull();
      } else {
        top(json, t.logprobs());
      }
    }
    json.writeEndArray();
    json.writeArrayFieldStart("text_offset");
    for (Scored t : tokens) {
      json.writeNumber(t.offset());
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /**
   * An object from names to numbers. If several tokens have the same text, one of them has it as
   * its name.
   */
  private void top(JsonGenerator json, Logprobs t) throws IOException {
    String drawn = name(t.chosen().token());
    Set<String> used = new HashSet<>();
    json.writeStartObject();
    for (TokenLogprob entry : t.topAndChosen()) {
      int token = entry.token();
      String name = name(token);
      if (token != t.chosen().token() && (name.equals(drawn) || used.contains(name))) {
        byte[] bytes = bytes(token);
        name = bytes.length > 0 ? escaped(bytes) : name;
        name = name.equals(drawn) || used.contains(name) ? "token_id:" + token : name;
      }
      used.add(name);
      json.writeFieldName(name);
      number(json, entry);
    }
    json.writeEndObject();
  }

  /** For {@code /v1/chat/completions}: one object a token. */
  void chat(JsonGenerator json, List<Logprobs> tokens) throws IOException {
    json.writeStartObject();
    json.writeArrayFieldStart("content");
    for (Logprobs t : tokens) {
      json.writeStartObject();
      token(json, t.chosen());
      json.writeArrayFieldStart("top_logprobs");
      for (TokenLogprob top : t.top().isEmpty() ? t.top() : t.topAndChosen()) {
        json.writeStartObject();
        token(json, top);
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void token(JsonGenerator json, TokenLogprob t) throws IOException {
    json.writeStringField("token", name(t.token()));
    json.writeFieldName("logprob");
    number(json, t);
    json.writeFieldName("bytes");
    byte[] bytes = bytes(t.token());
    if (bytes == null) {
      json.writeNull();
      return;
    }
    json.writeStartArray();
    for (byte b : bytes) {
      json.writeNumber(b & 0xFF);
    }
    json.writeEndArray();
  }

  private void number(JsonGenerator json, TokenLogprob t) throws IOException {
    double finite = Math.max(LOWEST, t.logprob());
    if (brief) {
      json.writeNumber((float) finite);
    } else {
      json.writeNumber(finite);
    }
  }

  private String name(int token) {
    byte[] bytes = bytes(token);
    if (bytes == null) {
      return "token_id:" + token;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return escaped(bytes);
    }
  }

  private static String escaped(byte[] bytes) {
    StringBuilder name = new StringBuilder("bytes:");
    for (byte b : bytes) {
      name.append(String.format("\\x%02x", b & 0xFF));
    }
    return name.toString();
  }

  /** The token's bytes; null for a spare row of the embedding, or without a tokenizer. */
  private byte[] bytes(int token) {
    return tokenizer.filter(t -> token < t.vocabSize()).map(t -> t.bytes(token)).orElse(null);
  }
}
