package orrery.engine;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.text.Message;
import orrery.text.Tokenizer;

/**
 * Text in, text out: a model with its own engine, like vLLM's {@code LLM} class.
 *
 * <pre>
 *   try (Llm llm = Llm.open(Path.of("tiny-models/storyteller-moe"))) {
 *     System.out.println(llm.generate("Once upon a time"));
 *   }
 * </pre>
 *
 * <p>Many threads may use it. For several answers to a prompt, deadlines and priorities, use {@link
 * #engine}.
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
   * @throws orrery.checkpoint.CheckpointException naming file, tensor or field, if the model cannot
   *     be loaded or has no tokenizer
   * @throws orrery.text.TokenizerException if the tokenizer is broken
   * @throws IllegalArgumentException if an option does not fit the model, or would take more memory
   *     than there is
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

  /**
   * Continues a prompt, with the default parameters: sampled, at most 128 tokens.
   *
   * @throws RequestException if the prompt cannot be answered
   */
  public String generate(String prompt) {
    return generate(prompt, SamplingParams.defaults());
  }

  /**
   * Continues a prompt; returns the text that follows it.
   *
   * @throws RequestException if the prompt cannot be answered
   */
  public String generate(String prompt, SamplingParams params) {
    Objects.requireNonNull(prompt, "prompt: expected a string, found null");
    return generate(List.of(prompt), params).getFirst();
  }

  /**
   * Continues several prompts, computed together; returns their continuations in the same order.
   *
   * @throws RequestException if one of the prompts cannot be answered; the others are cancelled
   */
  public List<String> generate(List<String> prompts, SamplingParams params) {
    Objects.requireNonNull(prompts, "prompts: expected a list, found null");
    List<Request> requests =
        prompts.stream().map(p -> request(tokenizer.encode(p), params)).toList();
    List<Completion> completions = engine.submit(requests);
    try {
      return completions.stream().map(Llm::text).toList();
    } finally {
      completions.forEach(Completion::close); // cancels the others if one failed
    }
  }

  /**
   * Answers one message of a user, with the default parameters; throws as {@link #chat(List,
   * SamplingParams)}.
   */
  public String chat(String message) {
    return chat(List.of(new Message("user", message)), SamplingParams.defaults());
  }

  /**
   * Answers a chat.
   *
   * @throws orrery.checkpoint.CheckpointException if the checkpoint has no chat format, or another
   *     one than Orrery's
   * @throws RequestException if the chat cannot be answered
   */
  public String chat(List<Message> messages, SamplingParams params) {
    return text(engine.submit(model.chat(messages, requireOne(params))));
  }

  /**
   * Begins to continue a prompt; the caller reads the tokens as they come.
   *
   * @throws RequestException if the prompt cannot be answered
   */
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

  /** The engine, for everything else that a request can ask for. */
  public Engine engine() {
    return engine;
  }

  /** The model. */
  public LoadedModel model() {
    return model;
  }

  /** Finishes the requests that it has, and frees the model. */
  @Override
  public void close() {
    engine.close();
    model.close();
  }
}
