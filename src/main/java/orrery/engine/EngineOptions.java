package orrery.engine;

/**
 * Every switch of the engine. None of them changes an answer, to the bit; they change speed and
 * memory.
 *
 * @param threads threads of the forward pass
 * @param kernels which kernels compute
 * @param graph capture each step shape once and replay it, instead of launching eagerly
 * @param chunkedPrefillSize most prompt tokens of one step
 * @param contextLength longest sequence, prompt and answer; 0 takes what the model was made for
 */
public record EngineOptions(
    int threads, KernelChoice kernels, boolean graph, int chunkedPrefillSize, int contextLength) {
  /** Which kernels compute. */
  public enum KernelChoice {
    /** The definition, in plain loops. */
    SCALAR,
    /** Panama from the first step on, cold as it is. */
    VECTOR,
    /** Scalar for a small first step, so that the first token waits for no JIT; then vector. */
    AUTO
  }

  public EngineOptions {
    check(threads >= 1 && threads <= 256, "threads", "1 to 256", threads);
    check(chunkedPrefillSize >= 1, "chunked-prefill-size", "at least 1", chunkedPrefillSize);
    check(contextLength >= 0, "context-length", "at least 1, or 0 for the model's", contextLength);
  }

  /**
   * One thread, kernels that switch after a small first step, captured steps, chunks of 512 tokens.
   */
  public static EngineOptions defaults() {
    return new EngineOptions(1, KernelChoice.AUTO, true, 512, 0);
  }

  public EngineOptions withThreads(int n) {
    return new EngineOptions(n, kernels, graph, chunkedPrefillSize, contextLength);
  }

  public EngineOptions withKernels(KernelChoice choice) {
    return new EngineOptions(threads, choice, graph, chunkedPrefillSize, contextLength);
  }

  public EngineOptions withGraph(boolean on) {
    return new EngineOptions(threads, kernels, on, chunkedPrefillSize, contextLength);
  }

  public EngineOptions withChunkedPrefillSize(int n) {
    return new EngineOptions(threads, kernels, graph, n, contextLength);
  }

  public EngineOptions withContextLength(int n) {
    return new EngineOptions(threads, kernels, graph, chunkedPrefillSize, n);
  }

  private static void check(boolean holds, String what, String expected, int found) {
    if (!holds) {
      throw new IllegalArgumentException(what + ": expected " + expected + ", found " + found);
    }
  }
}
