package orrery.lab;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import orrery.engine.EngineOptions;
import orrery.options.Options;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * The best switches of a model on a machine, by the number of requests that are expected at once. A
 * recipe changes speed and no answer. {@link RecipeFile} reads and writes it.
 *
 * <p>The big engines are run so: the published measurements of DeepSeek-V4 choose another recipe
 * for each concurrency, with fewer drafts and larger chunks the higher it is.
 *
 * @param model name of the model's directory
 * @param fingerprint of the model ({@link Fingerprint})
 * @param machine processor
 * @param processors of the machine
 * @param workload that was measured, in words
 * @param rows ascending by concurrency, at least one
 */
public record Recipe(
    String model,
    String fingerprint,
    String machine,
    int processors,
    String workload,
    List<Row> rows) {
  public Recipe {
    rows = List.copyOf(rows);
    Options.check(!rows.isEmpty(), "recipes", "at least one", "none");
    for (int i = 1; i < rows.size(); i++) {
      int before = rows.get(i - 1).concurrency;
      int here = rows.get(i).concurrency;
      Options.check(here > before, "recipes[" + i + "].concurrency", "more than " + before, here);
    }
  }

  /**
   * The best switches for a number of requests at once.
   *
   * @param concurrency requests at once
   * @param threads of the forward pass
   * @param chunk most prompt tokens of a step, 0 for no limit
   * @param running most sequences that run at once; further ones wait
   * @param drafts of the MTP layer for each sequence in a step, 0 for no speculation
   * @param total tokens a second that were measured, prompts and answers
   */
  public record Row(
      int concurrency, int threads, int chunk, int running, int drafts, double total) {
    /**
     * @throws IllegalArgumentException naming the option, what was expected and what was found
     */
    public Row {
      Options.check(concurrency >= 1, "concurrency", "at least 1", concurrency);
      Options.check(total > 0 && total < 1e12, "tokens-per-second", "above 0", total);
      EngineOptions.defaults()
          .withCompute(c -> c.withThreads(threads))
          .withBatching(b -> b.withChunkedPrefillSize(chunk).withMaxRunningRequests(running))
          .withSpeculation(s -> s.withNumSteps(drafts)); // these refuse what is out of range
    }

    /** These options with the switches of this row. */
    public EngineOptions applyTo(EngineOptions options) {
      return applyTo(options, flag -> true);
    }

    /**
     * These options with some switches of this row.
     *
     * @param wanted says of a flag, without its dashes, whether the row may set it
     */
    public EngineOptions applyTo(EngineOptions options, Predicate<String> wanted) {
      EngineOptions changed = options;
      for (Map.Entry<String, UnaryOperator<EngineOptions>> each : switches().entrySet()) {
        changed = wanted.test(each.getKey()) ? each.getValue().apply(changed) : changed;
      }
      return changed;
    }

    /** By flag, in order. A row without drafts says nothing about their number. */
    private Map<String, UnaryOperator<EngineOptions>> switches() {
      Map<String, UnaryOperator<EngineOptions>> all = new LinkedHashMap<>();
      all.put("threads", o -> o.withCompute(c -> c.withThreads(threads)));
      all.put("chunked-prefill-size", o -> o.withBatching(b -> b.withChunkedPrefillSize(chunk)));
      all.put("max-running-requests", o -> o.withBatching(b -> b.withMaxRunningRequests(running)));
      all.put("speculative-algorithm", o -> o.withSpeculation(s -> s.withAlgorithm(algorithm())));
      if (drafts != 0) {
        all.put("speculative-num-steps", o -> o.withSpeculation(s -> s.withNumSteps(drafts)));
      }
      return all;
    }

    private Algorithm algorithm() {
      return drafts == 0 ? Algorithm.OFF : Algorithm.MTP;
    }

    /** Its switches as flags of the command line, without the dashes in front; in order. */
    public Map<String, String> flags() {
      Map<String, String> flags = new LinkedHashMap<>();
      flags.put("threads", Integer.toString(threads));
      flags.put("chunked-prefill-size", Integer.toString(chunk));
      flags.put("max-running-requests", Integer.toString(running));
      flags.put("speculative-algorithm", Options.word(algorithm()));
      if (drafts != 0) {
        flags.put("speculative-num-steps", Integer.toString(drafts));
      }
      return flags;
    }
  }

  /** Where it was measured, and what this machine is, in words; empty if that is the same. */
  public Optional<String> elsewhere() {
    String here = Machine.look().processor();
    int found = Runtime.getRuntime().availableProcessors();
    return machine.equals(here) && processors == found
        ? Optional.empty()
        : Optional.of(
            "measured with %d processors of %s, found %d of %s"
                .formatted(processors, machine, found, here));
  }

  /** The row of the least concurrency that is not below {@code expected}; else the last row. */
  public Row at(int expected) {
    return rows.stream()
        .filter(row -> row.concurrency >= expected)
        .findFirst()
        .orElse(rows.getLast());
  }
}
