package orrery.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.model.Model;
import orrery.model.classic.ClassicModel;
import orrery.sampling.SamplingParams;
import orrery.text.Message;
import orrery.text.Tokenizer;

/**
 * A model directory in Hugging Face layout, loaded: config, weights, tokenizer, the tokens that end
 * an answer and the format of its chats.
 *
 * @param directory where it comes from
 * @param tokenizer absent if the directory has no {@code tokenizer.json}; then only ids go in and
 *     out
 * @param eos tokens that end every answer: {@code eos_token_id} of {@code generation_config.json},
 *     else of {@code config.json}, and the {@code eos_token} of {@code tokenizer_config.json}, as
 *     in vLLM and SGLang
 * @param chatFormat how its chats become prompts; a chat's answer also ends at the format's end of
 *     turn
 * @param notices what loading passed over or decided, one line each ({@link Checkpoint#notices})
 */
public record LoadedModel(
    Path directory,
    Model model,
    Optional<Tokenizer> tokenizer,
    int[] eos,
    ChatFormat chatFormat,
    List<String> notices)
    implements AutoCloseable {

  /** A model put together by hand: not asked for chats, and there is nothing to say of it. */
  public LoadedModel(Path directory, Model model, Optional<Tokenizer> tokenizer, int[] eos) {
    this(directory, model, tokenizer, eos, ChatFormat.withoutTokenizer(directory), List.of());
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
      var loading = new TokenizerLoad(directory);
      Model model;
      try {
        model =
            switch (config.oneOf("model_type", "glm4_moe")) {
              case "glm4_moe" -> ClassicModel.load(config, checkpoint);
              case String other -> throw new IllegalStateException(other);
            };
      } catch (RuntimeException | Error e) {
        loading.discard();
        throw e;
      }
      Optional<Tokenizer> tokenizer = loading.join();
      try {
        return together(directory, config, model, tokenizer, checkpoint.notices());
      } catch (RuntimeException | Error e) {
        tokenizer.ifPresent(Tokenizer::close);
        throw e;
      }
    }
  }

  private static LoadedModel together(
      Path directory,
      JsonConfig config,
      Model model,
      Optional<Tokenizer> tokenizer,
      List<String> notices) {
    IntStream eos = Arrays.stream(eos(directory, config, model.vocab(), tokenizer));
    ChatFormat chats = ChatFormat.withoutTokenizer(directory);
    if (tokenizer.isPresent()) {
      requireSameVocabulary(tokenizer.get(), model.vocab());
      TokenizerConfig more = TokenizerConfig.read(directory, tokenizer.get());
      eos = IntStream.concat(eos, more.eos().stream().mapToInt(id -> id));
      chats = ChatFormat.of(directory, tokenizer.get(), more);
    }
    return new LoadedModel(directory, model, tokenizer, eos.distinct().toArray(), chats, notices);
  }

  /** The config's own tokens, each with a row in the embedding and a name in the tokenizer. */
  private static int[] eos(
      Path directory, JsonConfig config, int vocab, Optional<Tokenizer> tokenizer) {
    Path file = directory.resolve("generation_config.json");
    JsonConfig from = config;
    if (Files.exists(file)) {
      JsonConfig generation = JsonConfig.read(file);
      from = generation.has("eos_token_id") ? generation : config;
    }
    int[] ids = from.intsOrNone("eos_token_id");
    for (int id : ids) {
      if (id < 0 || id >= vocab) {
        throw from.bad("eos_token_id", "token ids from 0 to " + (vocab - 1), Arrays.toString(ids));
      }
      if (tokenizer.isPresent() && !tokenizer.get().has(id)) {
        throw from.bad(
            "eos_token_id",
            "tokens of " + tokenizer.get().file() + ", which has to belong to the same model",
            id + ", which it has not");
      }
    }
    return ids;
  }

  /**
   * A token without a row would end in nonsense, a row without a token would be a word that
   * vanishes. An honest embedding has spare rows all the same, up to the next power of two or some
   * such number; one of which most rows are spare has been given another model's tokenizer.
   */
  private static void requireSameVocabulary(Tokenizer tokenizer, int vocab) {
    if (tokenizer.vocabSize() > vocab) {
      throw new CheckpointException(
          tokenizer.file(),
          "vocabulary",
          "ids below config.json's vocab_size " + vocab,
          "ids up to " + (tokenizer.vocabSize() - 1) + "; is it another model's tokenizer?");
    }
    if (2L * tokenizer.tokens() < vocab) {
      throw new CheckpointException(
          tokenizer.file(),
          "vocabulary",
          "tokens for at least half of config.json's vocab_size " + vocab,
          tokenizer.tokens() + " tokens; is it another model's tokenizer?");
    }
  }

  /**
   * A chat as a request.
   *
   * @throws CheckpointException if the checkpoint's chats have another format than ours
   */
  public Request chat(List<Message> messages, SamplingParams params) {
    return Request.of(chatFormat.require().encode(messages), endingWithTheTurn(params));
  }

  /** The parameters of a chat's answer: it ends at the latest with its turn. */
  public SamplingParams endingWithTheTurn(SamplingParams params) {
    int end = chatFormat.require().endId();
    boolean ends = Arrays.stream(eos).anyMatch(id -> id == end);
    return ends || params.ignoreEos() ? params : params.alsoStoppingAt(end);
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
