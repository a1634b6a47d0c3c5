package orrery.engine;

import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.sampling.FinishReason;
import orrery.sampling.History;
import orrery.sampling.Logprobs;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.sampling.StopChecker;
import orrery.text.StreamDecoder;

/**
 * The plainest engine: one request at a time, from prompt to last token.
 *
 * <pre>
 *   prompt ── chunks of rows ──> model ── logits of the last row ──> sampler ──> token
 *                                  ^                                              |
 *                                  └────────────── one row ──────────────────────-┘
 * </pre>
 *
 * <p>Its cache has one page, of the maximum length. Not safe for use by several threads at once.
 */
public final class Generator implements AutoCloseable {
  /** Hears of every token as it comes. */
  @FunctionalInterface
  public interface Listener {
    /**
     * @param token the token drawn
     * @param text what may be shown now; empty while a character or stop string is incomplete
     * @param logprobs of this token, or null if not asked for
     */
    void token(int token, String text, Logprobs logprobs);
  }

  private final LoadedModel loaded;
  private final Model model;
  private final EngineOptions options;
  private final int contextLength;
  private final Team team;
  private final KernelSwitch kernels;
  private final ModelRunner runner;
  private final Step step;
  private final KvCache cache;
  private final Sampler sampler;

  public Generator(LoadedModel loaded, EngineOptions options) {
    this.loaded = loaded;
    this.model = loaded.model();
    this.options = options;
    this.contextLength = contextLength(model, options.contextLength());
    // What may fail comes before what starts threads.
    this.cache = new KvCache(model.kvLayout(), contextLength, contextLength, 1);
    this.team = new Team(options.threads());
    this.kernels = new KernelSwitch(options.kernels());
    int rows = Math.min(options.chunkedPrefillSize(), contextLength);
    this.runner = new ModelRunner(model, cache, team, rows, options.graph());
    this.step = new Step(rows, 1, options.threads(), new ScalarKernels());
    this.sampler = new Sampler(model.vocab(), loaded.eos());
  }

  private static int contextLength(Model model, int wanted) {
    if (wanted > model.maxPositions()) {
      throw new IllegalArgumentException(
          "context-length: expected at most the model's "
              + model.maxPositions()
              + " positions, found "
              + wanted);
    }
    return wanted > 0 ? wanted : Math.min(model.maxPositions(), 8192);
  }

  /** Longest sequence, prompt and answer together. */
  public int contextLength() {
    return contextLength;
  }

  /**
   * Answers one prompt.
   *
   * @param prompt token ids, at least one
   * @param choice which of the request's n answers
   * @throws IllegalArgumentException if the prompt is empty, too long or no tokens of this model
   * @throws orrery.sampling.SamplingException if the model's logits are NaN
   */
  public Answer generate(
      int[] prompt, SamplingParams params, long seed, int choice, Listener listener) {
    int room = room(prompt);
    params.requireTokensBelow(model.vocab());
    PageTable table = cache.newTable();
    cache.reserve(table, contextLength);
    try {
      step.tables[0] = table;
      return answer(prompt, params, seed, choice, room, listener);
    } finally {
      cache.release(table);
    }
  }

  private int room(int[] prompt) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("prompt: expected at least one token, found none");
    }
    for (int i = 0; i < prompt.length; i++) {
      if (prompt[i] < 0 || prompt[i] >= model.vocab()) {
        throw new IllegalArgumentException(
            "prompt: expected token ids from 0 to "
                + (model.vocab() - 1)
                + ", found "
                + prompt[i]
                + " at position "
                + i);
      }
    }
    if (prompt.length >= contextLength) {
      throw new IllegalArgumentException(
          "prompt: expected fewer tokens than the context length "
              + contextLength
              + ", found "
              + prompt.length);
    }
    return contextLength - prompt.length;
  }

  private Answer answer(
      int[] prompt, SamplingParams params, long seed, int choice, int room, Listener listener) {
    long start = System.nanoTime();
    History history = new History(model.vocab(), prompt);
    StopChecker stop = new StopChecker(params, loaded.eos(), room);
    StreamDecoder decoder = loaded.tokenizer().map(t -> t.stream(true)).orElse(null);
    StringBuilder text = new StringBuilder();
    Forward forward = prefill(prompt);
    long firstToken = 0;
    while (true) {
      Buffer logits = forward.logits();
      int token = sampler.sample(logits.data, 0, params, history, seed, choice);
      if (firstToken == 0) {
        firstToken = System.nanoTime();
      }
      Logprobs logprobs =
          params.logprobs() < 0
              ? null
              : Logprobs.of(logits.data, 0, model.vocab(), token, params.logprobs());
      String shown = stop.accept(token, pieceOf(token, decoder));
      if (decoder != null
          && stop.finished()
          && stop.finishReason() instanceof FinishReason.Length) {
        shown += decoder.flush(); // cut off inside a character: show that something is missing
      }
      text.append(shown);
      listener.token(token, shown, logprobs);
      history.push(token);
      if (stop.finished()) {
        break;
      }
      step.clear();
      step.add(token, history.length() - 1, 0, true);
      step.kernels(kernels.next(step.rows()));
      forward = runner.run(step);
    }
    int[] tokens = new int[history.outputLength()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = history.output(i);
    }
    long end = System.nanoTime();
    return new Answer(
        prompt.length,
        tokens,
        text.toString(),
        stop.finishReason(),
        firstToken - start,
        end - firstToken);
  }

  /** The text a token adds; an embedding's spare row beyond the tokenizer's vocabulary has none. */
  private String pieceOf(int token, StreamDecoder decoder) {
    boolean named = loaded.tokenizer().filter(t -> token < t.vocabSize()).isPresent();
    return named ? decoder.append(token) : "";
  }

  /** Computes the prompt in chunks; only its last row goes through the head. */
  private Forward prefill(int[] prompt) {
    Forward forward = null;
    for (int from = 0; from < prompt.length; from += step.maxRows()) {
      int to = Math.min(from + step.maxRows(), prompt.length);
      step.clear();
      for (int p = from; p < to; p++) {
        step.add(prompt[p], p, 0, p == prompt.length - 1);
      }
      step.kernels(kernels.next(step.rows()));
      forward = runner.run(step);
    }
    return forward;
  }

  /** What the engine runs with. */
  public EngineOptions options() {
    return options;
  }

  /** The kernels that would compute the next step. */
  public String kernelName() {
    return kernels.name();
  }

  @Override
  public void close() {
    team.close();
  }

  /**
   * A finished answer.
   *
   * @param promptTokens tokens of the prompt
   * @param tokens the answer's tokens, the one that ended it included
   * @param text the answer's text; empty without a tokenizer
   * @param firstTokenNanos from the call to the first token
   * @param decodeNanos from the first token to the last
   */
  public record Answer(
      int promptTokens,
      int[] tokens,
      String text,
      FinishReason finish,
      long firstTokenNanos,
      long decodeNanos) {
    /** Prompt tokens per second, the first token's step included. */
    public double promptRate() {
      return promptTokens / (firstTokenNanos / 1e9);
    }

    /** Tokens per second after the first; 0 if there was none. */
    public double decodeRate() {
      return tokens.length > 1 ? (tokens.length - 1) / (decodeNanos / 1e9) : 0;
    }
  }
}
