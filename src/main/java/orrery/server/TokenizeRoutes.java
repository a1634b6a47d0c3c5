package orrery.server;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import orrery.engine.LoadedModel;
import orrery.openai.FieldException;
import orrery.openai.Fields;
import orrery.openai.PromptFields;
import orrery.openai.ServedReader;
import orrery.text.Tokenizer;

/**
 * The tokenizer over HTTP: {@code /tokenize}, {@code /detokenize} and {@code /tokenizer_info}, as
 * vLLM and SGLang have them. A model without a tokenizer has none of them (404).
 */
public final class TokenizeRoutes {
  private final Serving serving;
  private final ForEngine<PromptFields> prompts;

  public TokenizeRoutes(Serving serving) {
    this.serving = serving;
    this.prompts =
        new ForEngine<>(serving, e -> new PromptFields(serving.loaded(), e.longest(), false));
  }

  /** Adds the routes of this API. */
  public Routes addTo(Routes routes) {
    return routes
        .post("/tokenize", this::tokenize)
        .post("/detokenize", this::detokenize)
        .get("/tokenizer_info", this::info);
  }

  private Tokenizer tokenizer() {
    return serving
        .loaded()
        .tokenizer()
        .orElseThrow(
            () ->
                HttpException.refused(
                    404, null, "tokenizer: expected a model with one, found none"));
  }

  /** Token ids of a text, or of each of a list of texts. */
  private void tokenize(Call call) throws IOException {
    tokenizer();
    Tokenized read = call.body(this::tokenized);
    boolean list = read.list();
    int[][] all = read.all(); // [texts][tokens]
    byte[] answer =
        JsonBytes.of(
            json -> {
              json.writeStartObject();
              json.writeFieldName("tokens");
              if (list) {
                writeLists(json, all);
              } else {
                json.writeArray(all[0], 0, all[0].length);
                json.writeNumberField("count", all[0].length);
              }
              json.writeNumberField("max_model_len", serving.engine().longest());
              json.writeEndObject();
            });
    call.answer(200, JsonBytes.TYPE, answer);
  }

  /**
   * Token ids of the texts of a body.
   *
   * @param all [texts][tokens]
   * @param list whether the body has a list of texts
   */
  private record Tokenized(int[][] all, boolean list) {}

  private Tokenized tokenized(byte[] bytes) {
    String expected = "text, or a list of texts";
    Fields body = Fields.parse(bytes);
    Object prompt = body.value("prompt", expected);
    boolean list = prompt instanceof List<?>;
    List<?> texts = list ? (List<?>) prompt : List.of(prompt);
    if (texts.size() > ServedReader.MAX_CHOICES) {
      throw new FieldException(
          "prompt", "at most " + ServedReader.MAX_CHOICES + " texts", texts.size() + "");
    }
    int[][] all = new int[texts.size()][]; // [texts][tokens]
    for (int i = 0; i < all.length; i++) {
      String text = texts.get(i) instanceof String s ? s : body.fail("prompt", expected);
      String at = list ? body.item("prompt", i) : "prompt";
      all[i] = text.isEmpty() ? new int[0] : prompts.get().read(at, text).tokens();
    }
    return new Tokenized(all, list);
  }

  private static void writeLists(JsonGenerator json, int[][] all) throws IOException {
    json.writeStartArray();
    for (int[] ids : all) {
      json.writeArray(ids, 0, ids.length);
    }
    json.writeEndArray();
    int[] counts = Arrays.stream(all).mapToInt(ids -> ids.length).toArray(); // [texts]
    json.writeFieldName("count");
    json.writeArray(counts, 0, counts.length);
  }

  /** The text of token ids, under the names of vLLM ({@code prompt}) and SGLang ({@code text}). */
  private void detokenize(Call call) throws IOException {
    Tokenizer tokenizer = tokenizer();
    String text = call.body(bytes -> text(tokenizer, Fields.parse(bytes)));
    byte[] answer =
        JsonBytes.of(
            json -> {
              json.writeStartObject();
              json.writeStringField("prompt", text);
              json.writeStringField("text", text);
              json.writeEndObject();
            });
    call.answer(200, JsonBytes.TYPE, answer);
  }

  private static String text(Tokenizer tokenizer, Fields body) {
    body.value("tokens", "a list of token ids");
    int[] ids = body.ints("tokens", "a list of token ids").stream().mapToInt(id -> id).toArray();
    for (int i = 0; i < ids.length; i++) {
      if (!tokenizer.has(ids[i])) {
        String at = body.item("tokens", i);
        throw HttpException.invalid(at, at + ": expected an id of a token, found " + ids[i]);
      }
    }
    return tokenizer.decode(ids, body.boolOr("skip_special_tokens", false));
  }

  /** What a client needs that tokenizes here; fields as in {@code tokenizer_config.json}. */
  private void info(Call call) throws IOException {
    Tokenizer tokenizer = tokenizer();
    LoadedModel loaded = serving.loaded();
    String eos = loaded.eos().length == 0 ? null : tokenizer.name(loaded.eos()[0]);
    byte[] answer =
        JsonBytes.of(
            json -> {
              json.writeStartObject();
              json.writeStringField("tokenizer_class", "orrery");
              json.writeStringField("eos_token", eos);
              json.writeNullField("bos_token"); // no token is ever added
              json.writeNullField("pad_token");
              json.writeNumberField("vocab_size", tokenizer.vocabSize());
              json.writeNumberField("model_max_length", serving.engine().longest());
              json.writeEndObject();
            });
    call.answer(200, JsonBytes.TYPE, answer);
  }
}
