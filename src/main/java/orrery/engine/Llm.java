package orrery.engine;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.text.Message;
import orrery.text.Tokenizer;

/**
 * Text in, text out: a model and an engine of its own, as vLLM's {@code LLM} class.
 *
 * <pre>
 *   try (Llm llm = Llm.open(Path.of("tiny-models/storyteller-moe"))) {
 *     System.out.println(llm.generate("Once upon a time"));
 *   }
 * </pre>
 *
 * <p>May be used by many threads. What it does not have, {@link #engine} does: several answers to a
 * prompt, deadlines, priorities.
 */
public final class Llm implements AutoCloseable {
  private final LoadedModel model;
  private final Tokenizer tokenizer;
  private final Engine engine;

  private Llm(LoadedModel model, Tokenizer tokenizer, Engine engine) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.engine = engine;
  }

  /**
   * Loads a model and starts an engine with the default options.
   *
   * @throws RuntimeException as {@link #open(Path, EngineOptions)}
   */
  public static Llm open(Path directory) {
    return open(directory, EngineOptions.defaults());
  }

  /**
   * Loads a model and starts an engine.
   *
   * @throws orrery.checkpoint.CheckpointException naming file, tensor or field; also if there is no
   *     tokenizer
   * @throws orrery.text.TokenizerException if the tokenizer is broken
   * @throws IllegalArgumentException if an option does not go with the model
   */
  public static Llm open(Path directory, EngineOptions options) {
    LoadedModel model = LoadedModel.load(directory);
    try {
      return new Llm(model, model.requireTokenizer(), Engine.start(model, options));
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** What follows the prompt, by the default parameters: sampled, at most 128 tokens. */
  public String generate(String prompt) {
    return generate(prompt, SamplingParams.builder().build());
  }

  /**
   * What follows the prompt.
   *
   * @throws RequestException if it cannot be answered
   */
  public String generate(String prompt, SamplingParams params) {
    return generate(List.of(prompt), params).getFirst();
  }

  /** What follows each of the prompts, in their order; they are computed together. */
  public List<String> generate(List<String> prompts, SamplingParams params) {
    List<Request> requests =
        prompts.stream().map(p -> request(tokenizer.encode(p), params)).toList();
    List<Completion> completions = engine.submit(requests);
    try {
      return completions.stream().map(Llm::text).toList();
    } finally {
      completions.forEach(Completion::close); // of the others, if one failed
    }
  }

  /** The answer to one message of a user, by the default parameters. */
  public String chat(String message) {
    return chat(List.of(new Message("user", message)), SamplingParams.builder().build());
  }

  /**
   * The answer to a chat.
   *
   * @throws orrery.checkpoint.CheckpointException if the checkpoint's chats have another format
   *     than ours, or none
   * @throws RequestException if it cannot be answered
   */
  public String chat(List<Message> messages, SamplingParams params) {
    return text(engine.submit(model.chat(messages, requireOne(params))));
  }

  /** Begins to continue a prompt: the tokens can be read as they come. */
  public Completion stream(String prompt, SamplingParams params) {
    return engine.submit(request(tokenizer.encode(prompt), params));
  }

  private static Request request(int[] prompt, SamplingParams params) {
    return Request.of(prompt, requireOne(params));
  }

  private static SamplingParams requireOne(SamplingParams params) {
    Objects.requireNonNull(params, "params: expected sampling parameters, found null");
    if (params.n() != 1) {
      throw new IllegalArgumentException(
          "n: expected 1, found " + params.n() + "; Engine.submit gives several answers");
    }
    return params;
  }

  private static String text(Completion completion) {
    Answer answer = completion.join().getFirst();
    if (answer.finish() instanceof FinishReason.Abort abort) { // half a text must not look whole
      throw new RequestException(
          RequestException.Kind.CLOSED,
          "request " + completion.id() + ": cut off (" + abort.cause() + ")");
    }
    return answer.text();
  }

  /** Its engine, for all that a request can ask for. */
  public Engine engine() {
    return engine;
  }

  /** Its model. */
  public LoadedModel model() {
    return model;
  }

  /** Finishes what it was asked for, and frees the model. */
  @Override
  public void close() {
    engine.close();
    model.close();
  }
}
