package orrery;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.text.Tokenizer;

/**
 * Other engines can load the shipped model directories. transformers reads the files that it knows
 * by name; vLLM and SGLang take every {@code *.safetensors} for weights.
 */
class ModelDirectoriesTest {
  private static final String INDEX = "model.safetensors.index.json";

  /** The files that engines read by name. */
  private static final Set<String> KNOWN =
      Set.of(
          "config.json",
          "generation_config.json",
          "hf_quant_config.json",
          "tokenizer.json",
          "tokenizer_config.json");

  /** The model card and the files that it mentions; no engine opens them. */
  private static final Set<String> CARD =
      Set.of("README.md", "prompts.jsonl", "heldout.jsonl", "evaluation.json");

  static List<Path> models() {
    return Stream.concat(TinyModels.all().stream(), TinyModels.quantised().stream()).toList();
  }

  @ParameterizedTest
  @MethodSource("models")
  void aModelDirectoryHoldsNothingThatAnEngineCouldMistakeForAPartOfTheModel(Path model)
      throws IOException {
    Set<String> allowed = new TreeSet<>(weights(model));
    allowed.addAll(KNOWN);
    allowed.addAll(CARD);
    try (Stream<Path> entries = Files.walk(model).filter(p -> !p.equals(model))) {
      assertThat(entries.map(p -> model.relativize(p).toString())).isSubsetOf(allowed);
    }
    for (String file : weights(model)) {
      assertThat(model.resolve(file)).isRegularFile();
    }
  }

  /** The one file, or the index and the shards that it names. */
  private static Set<String> weights(Path model) throws IOException {
    if (!Files.exists(model.resolve(INDEX))) {
      return Set.of("model.safetensors");
    }
    Set<String> files = new TreeSet<>(Set.of(INDEX));
    JsonNode index = new JsonMapper().readTree(model.resolve(INDEX).toFile());
    index.get("weight_map").forEach(shard -> files.add(shard.textValue()));
    return files;
  }

  @ParameterizedTest
  @ValueSource(strings = {"storyteller-moe", "storyteller-v4"})
  void theShippedTokenizerGivesTheIdsOfHuggingFace(String model) throws IOException {
    Path texts = Path.of("tiny-models", "golden", model + ".text.json");
    JsonNode golden = new JsonMapper().readTree(texts.toFile());
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("tiny-models", model))) {
      assertThat(golden.get("texts").size()).isGreaterThan(10);
      for (JsonNode sample : golden.get("texts")) {
        assertThat(tokenizer.encode(sample.get("text").textValue())).isEqualTo(ids(sample));
      }
      assertThat(golden.get("chats").size()).isPositive();
      for (JsonNode chat : golden.get("chats")) {
        assertThat(tokenizer.encode(chat.get("text").textValue())).isEqualTo(ids(chat));
      }
    }
  }

  private static int[] ids(JsonNode sample) {
    return new JsonMapper().convertValue(sample.get("ids"), int[].class);
  }
}
