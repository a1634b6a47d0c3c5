package orrery.cli;

import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
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
      ThroughputCommand.class,
      OpsCommand.class,
      FusionCommand.class,
      OverlapCommand.class,
      TiersCommand.class,
      HisparseCommand.class,
      LabCommand.Disagg.class,
      HybridCommand.class,
      FormatsCommand.class,
      FrontierCommand.class,
      NumbersCommand.class,
      BallastCommand.class
    })
public final class LabCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "say which experiment: " + spec.subcommands().keySet());
  }

  @Command(
      name = "batching",
      description = "Continuous against static batching, on answers of very different lengths.")
  static final class Batching extends LabExperiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.batching(settings, System.out);
    }
  }

  @Command(
      name = "paging",
      description = "Pages against one piece of memory per request: waste, and cost of reading.")
  static final class Paging extends LabExperiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.paging(settings, System.out);
    }
  }

  @Command(
      name = "prefix",
      description = "Prefix caches: what sharing saves, what it costs, what to evict.")
  static final class Prefix extends LabExperiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.prefix(settings, System.out);
    }
  }

  @Command(
      name = "kv",
      description = "Cached rows of bf16 and FP8: what they save, and how far they move the model.")
  static final class Kv extends LabExperiment {
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
  static final class Chunking extends LabExperiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.chunking(settings, System.out);
    }
  }

  @Command(
      name = "disagg",
      description = {
        "Long prompts in an engine of their own, against one engine with the threads of both:",
        "how long running requests stand still, and what it costs. --threads: of both together."
      })
  static final class Disagg extends LabExperiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.disagg(settings, System.out);
    }
  }

  @Command(
      name = "policies",
      description = "The schedulers of three engines, and static batching, in tight memory.")
  static final class Policies extends LabExperiment {
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
  static final class Mtp extends LabExperiment {
    @Override
    LabReport run(LabSettings settings) {
      return Lab.mtp(settings, System.out);
    }
  }
}
