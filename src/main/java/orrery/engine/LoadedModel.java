package orrery.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.ModelFingerprint;
import orrery.checkpoint.TensorInfo;
import orrery.kernels.Rehearsal;
import orrery.model.Model;
import orrery.model.ModelConfig;
import orrery.quantization.WeightFormat;
import orrery.sampling.SamplingParams;
import orrery.text.Message;
import orrery.text.Tokenizer;

/**
 * A model directory in Hugging Face layout, loaded: config, weights, tokenizer, the tokens that end
 * an answer and the format of its chats.
 *
 * @param directory the model directory
 * @param tokenizer absent if the directory has no {@code tokenizer.json}; then prompts and answers
 *     are ids only
 * @param eos [any number of] tokens that end every answer: {@code eos_token_id} of {@code
 *     generation_config.json}, else of {@code config.json}, and the {@code eos_token} of {@code
 *     tokenizer_config.json}, as in vLLM and SGLang
 * @param chatFormat how chats become prompts; the answer to a chat also ends at the format's end of
 *     turn
 * @param notices what loading has passed over or decided, one line each ({@link
 *     Checkpoint#notices})
 * @param rehearsal of the kernels that a large model needs ({@link Rehearsal#of})
 * @param fingerprint tells this model from any other, in files and to other servers; it is computed
 *     when it is first asked for
 */
public record LoadedModel(
    Path directory,
    Model model,
    Optional<Tokenizer> tokenizer,
    int[] eos,
    ChatFormat chatFormat,
    List<String> notices,
    CompletableFuture<Boolean> rehearsal,
    ModelFingerprint fingerprint)
    implements AutoCloseable {
  private static final int MANY = 8; // of so many bytes, one makes a format worth rehearsing

  /** A model that a program puts together itself, without a chat format and without notices. */
  public LoadedModel(Path directory, Model model, Optional<Tokenizer> tokenizer, int[] eos) {
    this(
        directory,
        model,
        tokenizer,
        eos,
        ChatFormat.withoutTokenizer(directory),
        List.of(),
        Rehearsal.none(),
        ModelFingerprint.beforeLoading(directory));
  }

  /**
   * Loads a model directory; tokenizer and weights are loaded at the same time.
   *
   * @throws CheckpointException naming file, tensor or field, what was expected and what was found
   * @throws orrery.text.TokenizerException if {@code tokenizer.json} is broken
   */
  public static LoadedModel load(Path directory) {
    Objects.requireNonNull(directory, "model: expected a directory, found null");
    return Heap.making("the model of " + directory, () -> read(directory));
  }

  private static LoadedModel read(Path directory) {
    ModelFingerprint fingerprint = ModelFingerprint.beforeLoading(directory);
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      JsonConfig config = JsonConfig.read(directory.resolve("config.json"));
      ModelConfig known = Architectures.read(config);
      CompletableFuture<Boolean> rehearsal = rehearsal(checkpoint);
      var loading = new TokenizerLoad(directory);
      Model model;
      try {
        model = known.load(checkpoint);
      } catch (RuntimeException | Error e) {
        loading.discard();
        throw e;
      }
      Optional<Tokenizer> tokenizer = loading.join();
      try {
        return together(
            directory, config, model, tokenizer, checkpoint.notices(), rehearsal, fingerprint);
      } catch (RuntimeException | Error e) {
        tokenizer.ifPresent(Tokenizer::close);
        throw e;
      }
    }
  }

  /** Lets the JIT compile the loops that a large model's first step needs, beside the loading. */
  private static CompletableFuture<Boolean> rehearsal(Checkpoint checkpoint) {
    if (checkpoint.bytes() < Rehearsal.WORTH_IT) {
      return Rehearsal.none();
    }
    Set<WeightFormat> formats = new HashSet<>();
    checkpoint.infos().stream()
        .collect(
            Collectors.groupingBy(TensorInfo::dtype, Collectors.summingLong(TensorInfo::bytes)))
        .forEach(
            (dtype, bytes) -> {
              if (bytes >= checkpoint.bytes() / MANY) { // not for a few norms
                formats.addAll(formats(dtype));
              }
            });
    return Rehearsal.of(formats);
  }

  private static Set<WeightFormat> formats(DType dtype) {
    return switch (dtype) {
      case BF16 -> Set.of(WeightFormat.BF16);
      case F16, F32 -> Set.of(WeightFormat.F32);
      default -> Set.of(); // codes
    };
  }

  private static LoadedModel together(
      Path directory,
      JsonConfig config,
      Model model,
      Optional<Tokenizer> tokenizer,
      List<String> notices,
      CompletableFuture<Boolean> rehearsal,
      ModelFingerprint fingerprint) {
    IntStream eos = Arrays.stream(eos(directory, config, model.vocab(), tokenizer));
    ChatFormat chats = ChatFormat.withoutTokenizer(directory);
    if (tokenizer.isPresent()) {
      requireSameVocabulary(tokenizer.get(), model.vocab());
      notices = withLostBytes(notices, tokenizer.get());
      TokenizerConfig more = TokenizerConfig.read(directory, tokenizer.get());
      eos = IntStream.concat(eos, more.eos().stream().mapToInt(id -> id));
      chats = ChatFormat.of(directory, tokenizer.get(), more);
    }
    return new LoadedModel(
        directory,
        model,
        tokenizer,
        eos.distinct().toArray(),
        chats,
        notices,
        rehearsal,
        fingerprint);
  }

  /** Says it when characters can vanish from a prompt: no later step could find out. */
  private static List<String> withLostBytes(List<String> notices, Tokenizer tokenizer) {
    int missing = tokenizer.bytesWithoutToken();
    if (missing == 0) {
      return notices;
    }
    String lost =
        tokenizer.file()
            + ": "
            + missing
            + " of the 256 bytes have no token, so characters with them are lost from a text";
    return Stream.concat(notices.stream(), Stream.of(lost)).toList();
  }

  /**
   * The end-of-sequence tokens of the configs, checked: each has a row in the embedding and a name
   * in the tokenizer.
   */
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
            "tokens of " + tokenizer.get().file() + " (both files must belong to the same model)",
            id + ", which is not one of them");
      }
    }
    return ids;
  }

  /**
   * Refuses the tokenizer of another model. Every token needs a row in the embedding. A sound
   * embedding may have spare rows without a token, for example up to the next power of two. But if
   * most of its rows are spare, the tokenizer belongs to another model.
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
   * Makes a request of a chat.
   *
   * @throws CheckpointException if the checkpoint has no chat format, or another one than Orrery's
   */
  public Request chat(List<Message> messages, SamplingParams params) {
    return Request.of(chatFormat.require().encode(messages), endingWithTheTurn(params));
  }

  /** The parameters for the answer to a chat, which also ends at the end of its turn. */
  public SamplingParams endingWithTheTurn(SamplingParams params) {
    int end = chatFormat.require().endId();
    boolean ends = Arrays.stream(eos).anyMatch(id -> id == end);
    return ends || params.ignoreEos() ? params : params.alsoStoppingAt(end);
  }

  /**
   * @throws IllegalStateException if the model was closed
   */
  void requireOpen() {
    tokenizer.ifPresent(Tokenizer::requireOpen);
  }

  /**
   * Returns the tokenizer.
   *
   * @throws CheckpointException if the model has none
   */
  public Tokenizer requireTokenizer() {
    return tokenizer.orElseThrow(
        () ->
            new CheckpointException(
                directory,
                "tokenizer.json",
                "a tokenizer for text",
                "no such file; give token ids"));
  }

  /** Frees the tokenizer's native memory. Close the engines of the model first. */
  @Override
  public void close() {
    tokenizer.ifPresent(Tokenizer::close);
  }
}
