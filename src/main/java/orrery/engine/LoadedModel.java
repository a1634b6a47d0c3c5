package orrery.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.model.Model;
import orrery.model.classic.ClassicModel;
import orrery.text.Tokenizer;

/**
 * A model directory in Hugging Face layout, loaded: config, weights, tokenizer, and the tokens that
 * end an answer.
 *
 * @param directory where it comes from
 * @param tokenizer absent if the directory has no {@code tokenizer.json}; then only ids go in and
 *     out
 * @param eos end-of-sequence tokens: {@code eos_token_id} of {@code generation_config.json}, else
 *     of {@code config.json}
 * @param notices what loading passed over or decided, one line each ({@link Checkpoint#notices})
 */
public record LoadedModel(
    Path directory, Model model, Optional<Tokenizer> tokenizer, int[] eos, List<String> notices)
    implements AutoCloseable {

  /** One of which there is nothing to say. */
  public LoadedModel(Path directory, Model model, Optional<Tokenizer> tokenizer, int[] eos) {
    this(directory, model, tokenizer, eos, List.of());
  }

  /**
   * Loads everything in a directory; tokenizer and weights side by side.
   *
   * @throws CheckpointException naming file, tensor or field, expected and found
   * @throws orrery.text.TokenizerException if {@code tokenizer.json} is there but broken
   */
  public static LoadedModel load(Path directory) {
    Objects.requireNonNull(directory, "model: expected a directory, found null");
    return Heap.making("the model of " + directory, () -> read(directory));
  }

  private static LoadedModel read(Path directory) {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      JsonConfig config = JsonConfig.read(directory.resolve("config.json"));
      var tokenizer = new TokenizerLoad(directory);
      Model model;
      try {
        model =
            switch (config.oneOf("model_type", "glm4_moe")) {
              case "glm4_moe" -> ClassicModel.load(config, checkpoint);
              case String other -> throw new IllegalStateException(other);
            };
      } catch (RuntimeException | Error e) {
        tokenizer.discard();
        throw e;
      }
      LoadedModel loaded =
          new LoadedModel(directory, model, tokenizer.join(), new int[0], checkpoint.notices());
      try {
        loaded.requireSameVocabulary();
        return loaded.withEos(config);
      } catch (RuntimeException | Error e) {
        loaded.close();
        throw e;
      }
    }
  }

  private LoadedModel withEos(JsonConfig config) {
    Path file = directory.resolve("generation_config.json");
    JsonConfig from = config;
    if (Files.exists(file)) {
      JsonConfig generation = JsonConfig.read(file);
      from = generation.has("eos_token_id") ? generation : config;
    }
    int[] ids = from.intsOrNone("eos_token_id");
    for (int id : ids) {
      if (id < 0 || id >= model.vocab()) {
        throw from.bad(
            "eos_token_id", "token ids from 0 to " + (model.vocab() - 1), Arrays.toString(ids));
      }
    }
    return new LoadedModel(directory, model, tokenizer, ids, notices);
  }

  /** The embedding may have spare rows, but a token without a row would end in nonsense. */
  private void requireSameVocabulary() {
    if (tokenizer.isPresent() && tokenizer.get().vocabSize() > model.vocab()) {
      int found = tokenizer.get().vocabSize();
      throw new CheckpointException(
          tokenizer.get().file(),
          "vocabulary",
          "at most the " + model.vocab() + " tokens of config.json's vocab_size",
          found + " tokens");
    }
  }

  /**
   * @throws IllegalStateException if it was closed
   */
  void requireOpen() {
    tokenizer.ifPresent(Tokenizer::requireOpen);
  }

  /** The tokenizer, for those who cannot go on without. */
  public Tokenizer requireTokenizer() {
    return tokenizer.orElseThrow(
        () ->
            new CheckpointException(
                directory,
                "tokenizer.json",
                "a tokenizer for text",
                "no such file; give token ids"));
  }

  /** Frees the tokenizer's native memory; engines of the model are closed before. */
  @Override
  public void close() {
    tokenizer.ifPresent(Tokenizer::close);
  }
}
