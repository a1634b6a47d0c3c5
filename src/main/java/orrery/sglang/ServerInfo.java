package orrery.sglang;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import orrery.checkpoint.JsonConfig;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.observe.Metrics;

/**
 * What a server tells about its model, its options and its load, as SGLang's clients and routers
 * read it. Loads come from {@link Metrics}, and so from events.
 */
public final class ServerInfo {
  private final String name;
  private final String directory;
  private final boolean hasTokenizer;
  private final String type;
  private final List<String> architectures;
  private final Supplier<Engine> engine;
  private final Metrics metrics;
  private final String version;
  private final String mode;

  /**
   * @param name of the model, as clients are told
   * @param engine gives the engine that answers now
   * @param metrics the engine's
   * @param version of Orrery
   * @param mode the part of each request that the server does: null, prefill or decode
   */
  public ServerInfo(
      String name,
      LoadedModel loaded,
      Supplier<Engine> engine,
      Metrics metrics,
      String version,
      String mode) {
    this.mode = mode;
    this.name = name;
    this.directory = loaded.directory().toAbsolutePath().normalize().toString();
    this.hasTokenizer = loaded.tokenizer().isPresent();
    Path file = loaded.directory().resolve("config.json");
    boolean known = Files.exists(file); // a program may have put the model together itself
    this.type = known ? JsonConfig.read(file).stringOr("model_type", null) : null;
    this.architectures = known ? JsonConfig.read(file).stringsOrNone("architectures") : List.of();
    this.engine = engine;
    this.metrics = metrics;
    this.version = version;
  }

  /** {@code /model_info}. */
  public void model(JsonGenerator json) throws IOException {
    json.writeStartObject();
    paths(json);
    json.writeBooleanField("is_generation", true);
    json.writeNullField("preferred_sampling_params");
    json.writeStringField("weight_version", GenerateResponse.WEIGHTS);
    json.writeStringField("model_type", type);
    json.writeArrayFieldStart("architectures");
    for (String architecture : architectures) {
      json.writeString(architecture);
    }
    json.writeEndArray();
    json.writeStringField("disaggregation_mode", mode);
    json.writeBooleanField("has_image_understanding", false);
    json.writeBooleanField("has_audio_understanding", false);
    json.writeEndObject();
  }

  private void paths(JsonGenerator json) throws IOException {
    json.writeStringField("model_path", directory);
    json.writeStringField("tokenizer_path", hasTokenizer ? directory : null);
    json.writeStringField("served_model_name", name);
  }

  /**
   * {@code /server_info}: paths, every option of the engine, sizes, and one internal state, as of
   * one data-parallel rank.
   */
  public void server(JsonGenerator json) throws IOException {
    json.writeStartObject();
    paths(json);
    for (Map.Entry<String, Object> option : options(engine.get().options()).entrySet()) {
      json.writeFieldName(option.getKey());
      json.writeObject(option.getValue());
    }
    for (String size : List.of("tp_size", "pp_size", "dp_size", "ep_size")) {
      json.writeNumberField(size, 1);
    }
    json.writeStringField("disaggregation_mode", mode);
    json.writeNumberField("max_total_num_tokens", engine.get().cacheTokens());
    json.writeNumberField("max_req_input_len", engine.get().longest() - 1);
    json.writeStringField("version", version);
    json.writeArrayFieldStart("internal_states");
    json.writeStartObject();
    json.writeNumberField("last_gen_throughput", metrics.throughput());
    if (metrics.acceptLength() > 0) { // else a load generator would print it
      json.writeNumberField("avg_spec_accept_length", metrics.acceptLength());
    }
    json.writeEndObject();
    json.writeEndArray();
    json.writeEndObject();
  }

  /** Every option by the name of its flag, with underscores. */
  static Map<String, Object> options(EngineOptions options) {
    Map<String, Object> all = new LinkedHashMap<>();
    options
        .switches()
        .forEach(
            (name, value) ->
                all.put(
                    name.replace('-', '_'),
                    switch (value) {
                      case Enum<?> word -> word.name().toLowerCase(Locale.ROOT);
                      case Record json -> json.toString();
                      default -> value;
                    }));
    return all;
  }

  /** {@code /get_load}: a list with the one rank, as SGLang's router reads it. */
  public void load(JsonGenerator json) throws IOException {
    Metrics.Load load = metrics.load();
    json.writeStartArray();
    json.writeStartObject();
    json.writeNumberField("dp_rank", 0);
    json.writeNumberField("num_reqs", load.running() + load.waiting());
    json.writeNumberField("num_waiting_reqs", load.waiting());
    json.writeNumberField("num_tokens", used(load) + load.waitingTokens());
    json.writeEndObject();
    json.writeEndArray();
  }

  /** {@code /v1/loads}: the same with more fields, as the router's successor reads it. */
  public void loads(JsonGenerator json) throws IOException {
    Metrics.Load load = metrics.load();
    json.writeStartObject();
    json.writeStringField("version", version);
    json.writeNumberField("dp_rank_count", 1);
    json.writeArrayFieldStart("loads");
    json.writeStartObject();
    json.writeNumberField("dp_rank", 0);
    json.writeNumberField("num_running_reqs", load.running());
    json.writeNumberField("num_waiting_reqs", load.waiting());
    json.writeNumberField("num_used_tokens", used(load));
    json.writeNumberField("num_total_tokens", used(load) + load.waitingTokens());
    json.writeNumberField("max_total_num_tokens", engine.get().cacheTokens());
    json.writeNumberField("token_usage", (double) used(load) / engine.get().cacheTokens());
    json.writeNumberField("gen_throughput", metrics.throughput());
    json.writeNumberField(
        "max_running_requests", engine.get().options().batching().maxRunningRequests());
    json.writeEndObject();
    json.writeEndArray();
    json.writeEndObject();
  }

  private static long used(Metrics.Load load) {
    return load.pools().isEmpty()
        ? 0
        : (long) load.pools().getFirst().referenced() * load.pools().getFirst().span();
  }
}
