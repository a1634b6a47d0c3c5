package orrery.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.text.Tokenizer;

/**
 * Log-probabilities in the two shapes of OpenAI's API. A token that is only part of a character is
 * written {@code bytes:\xe2\x80}, as OpenAI does; without a tokenizer, {@code token_id:7}, as vLLM
 * does.
 */
final class LogprobsJson {
  private static final double LOWEST = -9999; // JSON has no -Infinity; vLLM writes this too

  private final Optional<Tokenizer> tokenizer;

  LogprobsJson(Optional<Tokenizer> tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** For {@code /v1/completions}: four lists, one entry a token. */
  void completion(JsonGenerator json, List<Logprobs> tokens) throws IOException {
    json.writeStartObject();
    json.writeArrayFieldStart("tokens");
    for (Logprobs t : tokens) {
      json.writeString(name(t.chosen().token()));
    }
    json.writeEndArray();
    json.writeArrayFieldStart("token_logprobs");
    for (Logprobs t : tokens) {
      json.writeNumber(finite(t.chosen()));
    }
    json.writeEndArray();
    json.writeArrayFieldStart("top_logprobs");
    for (Logprobs t : tokens) {
      json.writeStartObject();
      Set<String> names = new HashSet<>(); // two tokens may be spelled alike: the likelier stays
      for (TokenLogprob top : t.top()) {
        if (names.add(name(top.token()))) {
          json.writeNumberField(name(top.token()), finite(top));
        }
      }
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("text_offset");
    int offset = 0; // characters of the names before
    for (Logprobs t : tokens) {
      json.writeNumber(offset);
      String name = name(t.chosen().token());
      offset += name.codePointCount(0, name.length());
    }
    json.writeEndArray();
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
      for (TokenLogprob top : t.top()) {
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
    json.writeNumberField("logprob", finite(t));
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

  private static double finite(TokenLogprob t) {
    return Math.max(LOWEST, t.logprob());
  }

  private String name(int token) {
    byte[] bytes = bytes(token);
    if (bytes == null) {
      return "token_id:" + token;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      StringBuilder name = new StringBuilder("bytes:");
      for (byte b : bytes) {
        name.append(String.format("\\x%02x", b & 0xFF));
      }
      return name.toString();
    }
  }

  /** The token's bytes; null for a spare row of the embedding, or without a tokenizer. */
  private byte[] bytes(int token) {
    return tokenizer.filter(t -> token < t.vocabSize()).map(t -> t.bytes(token)).orElse(null);
  }
}
