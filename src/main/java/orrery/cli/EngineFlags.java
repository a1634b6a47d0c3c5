package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.engine.EngineOptions.KernelChoice;
import picocli.CommandLine.Option;

/** The switches of the engine. None of them changes an answer. */
final class EngineFlags {
  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "1",
      description = "Threads of the forward pass. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--kernels",
      paramLabel = "WHICH",
      defaultValue = "auto",
      description =
          "scalar (plain loops, the definition), vector (Panama), or auto (vector, but for a small"
              + " first step, which must not wait for the JIT). Default: ${DEFAULT-VALUE}")
  private KernelChoice kernels;

  @Option(
      names = "--graph",
      paramLabel = "on|off",
      arity = "1", // else picocli takes a boolean for a flag without a value
      defaultValue = "on",
      converter = OnOff.class,
      description =
          "Capture each step shape once and replay it, or launch every op eagerly. Default:"
              + " ${DEFAULT-VALUE}")
  private boolean graph;

  @Option(
      names = "--chunked-prefill-size",
      paramLabel = "N",
      defaultValue = "512",
      description = "Most prompt tokens of one step. Default: ${DEFAULT-VALUE}")
  private int chunk;

  @Option(
      names = "--context-length",
      paramLabel = "N",
      defaultValue = "0",
      description = "Longest sequence, prompt and answer. Default: what the model was made for")
  private int contextLength;

  EngineOptions options() {
    return new EngineOptions(threads, kernels, graph, chunk, contextLength);
  }
}
