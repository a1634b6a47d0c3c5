package orrery.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import orrery.kv.KvDtype;

/**
 * The settings of all experiments of {@code orrery lab}.
 *
 * @param model a model directory
 * @param twin its ballast twin ({@link Ballast}), if it is measured too
 * @param threads of the forward pass
 * @param seed of every workload
 * @param rounds how often each variant is measured
 * @param quick a small workload, once, without warming up: to see that it runs, not how fast
 * @param kvCacheDtype how cached rows are stored
 */
public record LabSettings(
    Path model,
    Optional<Path> twin,
    int threads,
    long seed,
    int rounds,
    boolean quick,
    KvDtype kvCacheDtype) {
  /** Settings with cached rows of float32. */
  public LabSettings(
      Path model, Optional<Path> twin, int threads, long seed, int rounds, boolean quick) {
    this(model, twin, threads, seed, rounds, quick, KvDtype.F32);
  }

  public LabSettings {
    if (threads < 1 || threads > 256) {
      throw new IllegalArgumentException("threads: expected 1 to 256, found " + threads);
    }
    if (rounds < 1 || rounds > 1000) {
      throw new IllegalArgumentException("rounds: expected 1 to 1000, found " + rounds);
    }
  }

  /** The models to measure, the twin last. */
  List<Path> models() {
    List<Path> all = new ArrayList<>(List.of(model));
    twin.ifPresent(all::add);
    return all;
  }

  /** The same for the model alone. */
  public LabSettings withoutTwin() {
    return new LabSettings(model, Optional.empty(), threads, seed, rounds, quick, kvCacheDtype);
  }

  /** A size of the workload: the full one, or the quick one. */
  int size(int full, int small) {
    return quick ? small : full;
  }
}
