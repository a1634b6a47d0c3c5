package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Callable;
import orrery.engine.LoadedModel;
import orrery.lab.Ballast;
import orrery.lab.FormatsLab;
import orrery.lab.FusionLab;
import orrery.lab.HybridLab;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import orrery.lab.OpsLab;
import orrery.lab.ThroughputLab;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code orrery lab}: the experiments of the docs. */
@Command(
    name = "lab",
    header = "Run an experiment of the docs.",
    mixinStandardHelpOptions = true,
    description = {
      "Run an experiment of the docs: a technique beside what it replaces, on one workload, in one"
          + " process.",
      "Every figure is read from the engine's events."
    },
    subcommands = {
      LabCommand.Batching.class,
      LabCommand.Paging.class,
      LabCommand.Prefix.class,
      LabCommand.Kv.class,
      LabCommand.Chunking.class,
      LabCommand.Policies.class,
      LabCommand.Mtp.class,
      LabCommand.Throughput.class,
      LabCommand.Ops.class,
      LabCommand.Fused.class,
      LabCommand.Hybrid.class,
      LabCommand.Formats.class,
      FrontierCommand.class,
      NumbersCommand.class,
      LabCommand.BallastTwin.class
    })
public final class LabCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "say which experiment: " + spec.subcommands().keySet());
  }

  /** One experiment: measures, prints, writes. */
  abstract static class Experiment implements Callable<Integer> {
    @Mixin LabFlags flags;
    @Spec CommandSpec spec;

    abstract LabReport run(LabSettings settings);

    /** Models that are measured beside that of {@code --model}. */
    List<Path> beside() {
      return List.of();
    }

    /** Adds the files that only this experiment has. */
    CommandFiles files(CommandFiles files) {
      return files;
    }

    /** Writes the files that only this experiment has. */
    void write() throws IOException {}

    /** Refuses wrong options before anything runs. */
    void check() {}

    /** Notes the flags that have no effect in this experiment. */
    NoEffect effects(NoEffect notes) {
      return notes;
    }

    @Override
    public Integer call() throws IOException {
      LabSettings settings = flags.settings(beside(), this::files);
      check();
      effects(new NoEffect(spec).when(settings.quick(), "with --quick", "--rounds", "--seconds"))
          .tell();
      if (!settings.quick()) {
        PrintWriter err = spec.commandLine().getErr();
        err.println(LabTime.about(spec.name(), settings));
        err.flush();
      }
      int code = flags.write(run(settings));
      write();
      return code;
    }
  }

  @Command(
      name = "batching",
      description = "Continuous against static batching, on answers of very different lengths.")
  static final class Batching extends Experiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.batching(settings, System.out);
    }
  }

  @Command(
      name = "paging",
      description = "Pages against one piece of memory per request: waste, and cost of reading.")
  static final class Paging extends Experiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.paging(settings, System.out);
    }
  }

  @Command(
      name = "prefix",
      description = "Prefix caches: what sharing saves, what it costs, what to evict.")
  static final class Prefix extends Experiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.prefix(settings, System.out);
    }
  }

  @Command(
      name = "kv",
      description = "Cached rows of bf16 and FP8: what they save, and how far they move the model.")
  static final class Kv extends Experiment {
    @Override
    NoEffect effects(NoEffect notes) {
      return notes
          .when(true, "in lab kv, which draws no curve", "--svg")
          .when(true, "in lab kv, which measures no time", "--rounds")
          .when(true, "in lab kv, which has all of them", KvDtypeFlag.NAME);
    }

    @Override
    LabReport run(LabSettings settings) {
      return Lab.kv(settings, System.out);
    }
  }

  @Command(
      name = "chunking",
      description = "A long prompt arrives among running requests: how long do they stand still?")
  static final class Chunking extends Experiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.chunking(settings, System.out);
    }
  }

  @Command(
      name = "policies",
      description = "The schedulers of three engines, and static batching, in tight memory.")
  static final class Policies extends Experiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.policies(settings, System.out);
    }
  }

  @Command(
      name = "mtp",
      description = {
        "Multi-token prediction: which text, batch size and number of drafts it pays for.",
        "Use one thread if other programs run: a thread that is held up delays the others."
      })
  static final class Mtp extends Experiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.mtp(settings, System.out);
    }
  }

  @Command(
      name = "throughput",
      description = "Tokens a second, prefill and decode, of any checkpoint; random token ids.")
  static final class Throughput extends Experiment {
    @Option(
        names = "--batch",
        paramLabel = "N",
        split = ",",
        description = "Requests at once. Default: 1,8,32")
    private List<Integer> batches = List.of(1, 8, 32);

    @Option(
        names = "--prompt",
        paramLabel = "N",
        description = "Tokens of each prompt. Default: ${DEFAULT-VALUE}")
    private int prompt = 64;

    @Option(
        names = "--tokens",
        paramLabel = "N",
        description = "Tokens of each answer. Default: ${DEFAULT-VALUE}")
    private int tokens = 128;

    @Override
    LabReport run(LabSettings settings) {
      return Lab.throughput(settings, shape(), System.out);
    }

    @Override
    void check() {
      shape();
    }

    private ThroughputLab.Shape shape() {
      return new ThroughputLab.Shape(batches, prompt, tokens);
    }
  }

  @Command(name = "ops", description = "Where the time of a decode step goes, op by op.")
  static final class Ops extends Experiment {
    @Option(
        names = "--rows",
        paramLabel = "N",
        description = "Decoding requests, one row each. Default: ${DEFAULT-VALUE}")
    private int rows = 1;

    @Option(
        names = "--context",
        paramLabel = "N",
        description = "Tokens of each request in the KV cache. Default: ${DEFAULT-VALUE}")
    private int context = 128;

    @Option(
        names = "--seconds",
        paramLabel = "S",
        description = "Measuring time. Default: ${DEFAULT-VALUE}")
    private double seconds = 3;

    @Option(
        names = ComputeFlags.FUSION,
        paramLabel = "on|off",
        arity = "1",
        converter = OnOff.class,
        description = "Time the fused program, or the ops as they are launched. Default: on")
    private boolean fusion = true;

    @Override
    NoEffect effects(NoEffect notes) {
      return notes
          .when(true, "in lab ops, which draws no curve", "--svg")
          .when(true, "in lab ops, which measures for --seconds", "--rounds");
    }

    @Override
    LabReport run(LabSettings settings) {
      return Lab.ops(settings, shape(), System.out);
    }

    @Override
    void check() {
      shape();
    }

    private OpsLab.Shape shape() {
      return new OpsLab.Shape(rows, context, seconds, fusion);
    }
  }

  @Command(name = "fusion", description = "What each rule of fusion saves in a decode step.")
  static final class Fused extends Experiment {
    @Option(
        names = "--rows",
        paramLabel = "N,N,...",
        split = ",",
        description = "Decoding requests, one row each. Default: 1,8,32")
    private int[] rows = {1, 8, 32};

    @Option(
        names = "--context",
        paramLabel = "N",
        description = "Tokens of each request in the KV cache. Default: ${DEFAULT-VALUE}")
    private int context = 128;

    @Option(
        names = "--seconds",
        paramLabel = "S",
        description =
            "Measuring time of each number of rows and threads. Default: ${DEFAULT-VALUE}")
    private double seconds = 3;

    @Override
    NoEffect effects(NoEffect notes) {
      return notes.when(true, "in lab fusion, which measures for --seconds", "--rounds");
    }

    @Override
    LabReport run(LabSettings settings) {
      return Lab.fusion(settings, shape(), System.out);
    }

    @Override
    void check() {
      shape();
    }

    private FusionLab.Shape shape() {
      return new FusionLab.Shape(rows, context, seconds);
    }
  }

  /** An experiment for a given time, which may measure a second model too. */
  abstract static class TwoModels extends Experiment {
    @Option(
        names = "--beside",
        paramLabel = "DIR",
        description = "Also measure this model, of any architecture.")
    private Path beside;

    @Override
    final List<Path> beside() {
      return beside == null ? List.of() : List.of(beside);
    }

    @Override
    final NoEffect effects(NoEffect notes) {
      String where = "in lab " + spec.name() + ", which measures for a given time";
      return notes.when(true, where, "--rounds");
    }
  }

  @Command(
      name = "hybrid",
      description = {
        "Windows and compressed rows: memory and time against the length of the context.",
        "Use --threads 1 if other programs run."
      })
  static final class Hybrid extends TwoModels {
    @Option(
        names = "--part",
        paramLabel = "NAME",
        split = ",",
        converter = PartName.class,
        description = "What to measure: memory, steps, fit or decode. Default: all")
    private List<HybridLab.Part> parts = List.of();

    /** Reads a part's name. */
    static final class PartName extends EnumWord<HybridLab.Part> {
      PartName() {
        super(HybridLab.Part.class);
      }
    }

    @Override
    LabReport run(LabSettings settings) {
      return Lab.hybrid(settings, beside(), new HashSet<>(parts), System.out);
    }
  }

  @Command(
      name = "formats",
      description = {
        "Numbers of few bits: weights, activations and cached rows; bytes, speed and answers.",
        "Writes copies of the model to a temporary directory. Its --kv-cache-dtype is that of the"
            + " tables of weights."
      })
  static final class Formats extends TwoModels {
    @Option(
        names = "--part",
        paramLabel = "NAME",
        split = ",",
        converter = PartName.class,
        description = "What to measure: weights or rows. Default: both")
    private List<FormatsLab.Part> parts = List.of();

    /** Reads a part's name. */
    static final class PartName extends EnumWord<FormatsLab.Part> {
      PartName() {
        super(FormatsLab.Part.class);
      }
    }

    @Override
    LabReport run(LabSettings settings) {
      return Lab.formats(settings, beside(), new HashSet<>(parts), System.out);
    }
  }

  @Command(
      name = "ballast",
      description = {
        "Write the ballast twin of a model: its feed-forwards are wider, but the added weights"
            + " compute nothing.",
        "Its answers are the model's, to the bit, but it reads its weights from memory like a large"
            + " model."
      })
  static final class BallastTwin implements Callable<Integer> {
    @Mixin private ModelOption model;
    @Spec private CommandSpec spec;

    @Option(
        names = "--factor",
        paramLabel = "N",
        description =
            "How many times as wide. Default: the least factor with which one token's weights are"
                + " four times the last-level cache; a twin takes 2 GiB at most")
    private Integer factor;

    @Option(
        names = "--out",
        paramLabel = "DIR",
        required = true,
        description = "A new or empty directory.")
    private Path out;

    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Show this help.")
    private boolean help;

    @Override
    public Integer call() {
      Ballast.Choice choice;
      try (LoadedModel loaded = model.load()) {
        choice =
            factor == null
                ? Ballast.choose(model.directory(), loaded.model().info())
                : new Ballast.Choice(factor, "");
      }
      if (!choice.why().isEmpty()) {
        spec.commandLine()
            .getErr()
            .println("factor " + choice.factor() + ": " + choice.why() + "; --factor sets another");
      }
      int times = choice.factor();
      try {
        Ballast.write(model.directory(), times, out);
      } catch (IllegalArgumentException e) {
        boolean flag = e.getMessage().startsWith("factor:");
        throw flag ? new ParameterException(spec.commandLine(), "--" + e.getMessage(), e) : e;
      }
      try (LoadedModel twin = LoadedModel.load(out)) {
        var info = twin.model().info();
        spec.commandLine()
            .getOut()
            .printf(
                java.util.Locale.ROOT,
                "%s: factor %d, %.0f M parameters, %.0f MB of weights a token%n",
                out,
                times,
                info.parameters() / 1e6,
                info.activeBytes() / 1e6);
      }
      return 0;
    }
  }
}
