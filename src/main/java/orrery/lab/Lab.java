package orrery.lab;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import orrery.engine.LoadedModel;
import orrery.kernels.VectorKernels;
import orrery.kernels.VectorModule;

/**
 * {@code orrery lab}: each experiment runs a technique and what it replaces on one workload, side
 * by side in one process, and prints the table of its chapter.
 */
public final class Lab {
  /**
   * Measures one model and returns its charts; there is one where a curve says more than the table.
   */
  interface Experiment {
    List<Chart> on(Subject subject, Sheet sheet);

    /**
     * Refuses a model that the experiment cannot measure, before anything is computed.
     *
     * @throws IllegalArgumentException naming the option that does not go with the model
     */
    default void require(Subject subject) {}

    /**
     * The picture.
     *
     * @param models charts of each model in order; those of the last one are shown unless an
     *     experiment says otherwise
     */
    default List<Chart> picture(List<List<Chart>> models) {
      return models.getLast();
    }
  }

  private Lab() {}

  /** Continuous against static batching. */
  public static LabReport batching(LabSettings settings, PrintStream out) {
    return run(settings, out, new BatchingLab());
  }

  /** Pages against contiguous allocation. */
  public static LabReport paging(LabSettings settings, PrintStream out) {
    return run(settings, out, new PagingLab());
  }

  /** Shared prefixes, and the cost of looking for them. */
  public static LabReport prefix(LabSettings settings, PrintStream out) {
    return run(settings, out, new PrefixLab());
  }

  /** Cached rows of fewer bits. */
  public static LabReport kv(LabSettings settings, PrintStream out) {
    return run(settings, out, new CachedRowsLab());
  }

  /** A long prompt among running requests. */
  public static LabReport chunking(LabSettings settings, PrintStream out) {
    return run(settings, out, new ChunkingLab());
  }

  /** Three engines' schedulers in tight memory. */
  public static LabReport policies(LabSettings settings, PrintStream out) {
    return run(settings, out, new PoliciesLab());
  }

  /** Multi-token prediction: where it pays. */
  public static LabReport mtp(LabSettings settings, PrintStream out) {
    return run(settings, out, new MtpLab());
  }

  /** Tokens a second at several batch sizes. */
  public static LabReport throughput(
      LabSettings settings, ThroughputLab.Shape shape, PrintStream out) {
    return run(settings, out, new ThroughputLab(shape));
  }

  /** Where the time of a decode step goes. */
  public static LabReport ops(LabSettings settings, OpsLab.Shape shape, PrintStream out) {
    return run(settings, out, new OpsLab(shape));
  }

  /** What each rule of fusion saves. */
  public static LabReport fusion(LabSettings settings, FusionLab.Shape shape, PrintStream out) {
    return run(settings, out, new FusionLab(shape));
  }

  /** What overlap gains. */
  public static LabReport overlap(LabSettings settings, OverlapLab.Shape shape, PrintStream out) {
    return run(settings, out, new OverlapLab(shape));
  }

  /** Slower memory behind the KV cache. */
  public static LabReport tiers(LabSettings settings, TiersLab.Shape shape, PrintStream out) {
    return run(settings, out, new TiersLab(shape));
  }

  /** Entries on the host, and few of them on the device. */
  public static LabReport hisparse(LabSettings settings, HisparseLab.Shape shape, PrintStream out) {
    return run(settings, out, new HisparseLab(shape));
  }

  /** Long prompts in an engine of their own. */
  public static LabReport disagg(LabSettings settings, PrintStream out) {
    return run(settings, out, new DisaggLab());
  }

  /**
   * Throughput against interactivity.
   *
   * @param progress gets a line now and then
   */
  public static FrontierReport frontier(
      LabSettings settings, FrontierLab.Shape shape, PrintStream out, Consumer<String> progress) {
    FrontierLab lab = new FrontierLab(shape, progress);
    LabReport report = run(settings, out, lab);
    return new FrontierReport(report, lab.json(), lab.recipe());
  }

  /**
   * Numbers of few bits: weights, activations and cached rows.
   *
   * @param beside models to measure beside, of any architecture
   * @param questions what to measure; all if there is none
   */
  public static LabReport formats(
      LabSettings settings,
      List<Path> beside,
      Set<FormatsLab.Question> questions,
      PrintStream out) {
    List<Path> models = new ArrayList<>(settings.models());
    models.addAll(beside);
    return run(settings, models, out, new FormatsLab(questions));
  }

  /**
   * Windows and compressed rows, against the length of the context.
   *
   * @param beside models to measure beside, of any architecture
   * @param questions what to measure; all if there is none
   */
  public static LabReport hybrid(
      LabSettings settings, List<Path> beside, Set<HybridLab.Question> questions, PrintStream out) {
    List<Path> models = new ArrayList<>(settings.models());
    models.addAll(beside);
    return run(settings, models, out, new HybridLab(questions));
  }

  /**
   * Checks all models first: a twin that cannot be measured must be refused before its model is
   * measured.
   */
  private static void requireAll(LabSettings settings, List<Path> models, Experiment experiment) {
    for (Path directory : models) {
      try (LoadedModel loaded = LoadedModel.load(directory)) {
        experiment.require(new Subject(loaded, settings));
      }
    }
  }

  private static LabReport run(LabSettings settings, PrintStream out, Experiment experiment) {
    return run(settings, settings.models(), out, experiment);
  }

  private static LabReport run(
      LabSettings settings, List<Path> models, PrintStream out, Experiment experiment) {
    VectorModule.require();
    requireAll(settings, models, experiment);
    Machine machine = Machine.look();
    out.printf(
        Locale.ROOT,
        "%s, %d processors, %s kernels, Java %s, load %s, seed %d%n",
        machine.processor(),
        Runtime.getRuntime().availableProcessors(),
        new VectorKernels().name(),
        Runtime.version(),
        Machine.load(),
        settings.seed());
    if (settings.quick()) {
      out.println("quick: a small workload, once, not warmed up; no figure here means anything");
    } else {
      out.println(
          "median [quartiles] over interleaved rounds; at least two rounds and "
              + Rounds.WARM_UP_SECONDS
              + " s before them do not count");
    }
    Sheet sheet = new Sheet(out);
    List<List<Chart>> charts = new ArrayList<>(); // of each model
    for (Path directory : models) {
      try (LoadedModel loaded = LoadedModel.load(directory)) {
        charts.add(experiment.on(new Subject(loaded, settings), sheet));
      }
    }
    out.printf("%nload after the run: %s%n", Machine.load());
    return new LabReport(sheet.figures(), experiment.picture(charts));
  }
}
