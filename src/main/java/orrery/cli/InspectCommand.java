package orrery.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.TensorInfo;
import orrery.checkpoint.quantized.CodedBits;
import orrery.engine.Architectures;
import orrery.engine.EngineOptions;
import orrery.engine.Heap;
import orrery.engine.HeapPlan;
import orrery.engine.LoadedModel;
import orrery.kv.KvDtype;
import orrery.model.ModelConfig;
import orrery.model.ModelInfo;
import orrery.model.ModelInfo.Stored;
import orrery.model.ModelInfo.WeightGroup;
import orrery.model.ModelSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery inspect}: what a model directory holds. */
@Command(
    name = "inspect",
    header = "Show what a model consists of.",
    mixinStandardHelpOptions = true,
    description = {
      "",
      "Shows what a model consists of: parameters and bytes by role, how much of it one token uses,"
          + " and what a token leaves in the KV cache.",
      "",
      "'active' is what a step with a single decoded token must read. Such a step takes at least"
          + " active bytes over memory speed."
    })
final class InspectCommand implements Callable<Integer> {
  private static final String ROW_HEAD = "%-32s %15s %15s %17s %15s%n";
  private static final String ROW = "%-32s %,15d %,15d %,17d %,15d%n";
  private static final String FORMAT_HEAD = "%-32s %15s %15s %17s %15s%n";
  private static final String FORMAT = "%-32s %,15d %15.3f %17.3f %,15d%n";
  private static final String MEMORY = "%12s  %s%n";

  @Mixin private ModelOption model;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "Tell this of a config.json alone, and the memory that the model would take; needs no"
              + " weights, so it works for models of any size")
  private Path config;

  @Option(names = "--tensors", description = "List every tensor of the checkpoint as well")
  private boolean tensors;

  @Option(
      names = "--program",
      description =
          "List the captured programs, which --graph on replays, as well, one op a line: of a step,"
              + " of the MTP layer, and of a chain of its drafts")
  private boolean program;

  @Option(
      names = ComputeFlags.FUSION,
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description =
          "With --program: list the programs as rules rewrite them, and what each rule did, or as"
              + " they are launched. Default: on")
  private boolean fusion = true;

  @Option(
      names = "--rows",
      paramLabel = "N",
      description = "With --program: rows of the step. Default: ${DEFAULT-VALUE}")
  private int rows = 1;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "With --program: threads of the step; with more than one, the ops stand in regions, which"
              + " are handed over to the threads as one. Default: ${DEFAULT-VALUE}")
  private int threads = 1;

  @Mixin private KvDtypeFlag kv;

  @Mixin private HisparseFlags hisparse;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    new NoEffect(spec)
        .when(config != null, "with --config", "--model", "--tensors", "--program")
        .when(config != null || !program, "without --program", "--rows", "--threads")
        .when(config != null || !program, "without --program", ComputeFlags.FUSION)
        .when(
            config == null && !program,
            "without --program or --config",
            HisparseFlags.ENABLE,
            HisparseFlags.CONFIG)
        .when(
            !hisparse.enabled() && (config != null || program),
            "without " + HisparseFlags.ENABLE,
            HisparseFlags.CONFIG)
        .tell();
    ProgramListing.require(rows, threads);
    if (config != null) {
      ModelConfig read = Architectures.read(config);
      print(config, read, kv.dtype(), out);
      memory(read, out);
      out.flush();
      return 0;
    }
    if (tensors) {
      try (Checkpoint checkpoint = Checkpoint.open(model.directory())) {
        checkpoint.infos().forEach(info -> out.println(tensor(checkpoint, info)));
        out.println();
      }
    }
    try (LoadedModel loaded = model.load()) {
      print(loaded, kv.dtype(), out);
      if (program) {
        new ProgramListing(loaded.model(), options(), rows, threads, fusion, out).print();
      }
    }
    out.flush();
    return 0;
  }

  /** Those of an engine, as far as flags of this command say them. */
  private EngineOptions options() {
    return hisparse.applyTo(EngineOptions.defaults().withKv(k -> k.withKvCacheDtype(kv.dtype())));
  }

  private static String tensor(Checkpoint checkpoint, TensorInfo t) {
    return String.format(
        Locale.ROOT,
        "%-64s %-7s %-14s %,12d bytes%s",
        t.name(),
        t.dtype(),
        Arrays.toString(t.shape()),
        t.bytes(),
        CodedBits.of(checkpoint, t).map(bits -> "  " + bits).orElse(""));
  }

  private static void print(LoadedModel loaded, KvDtype dtype, PrintWriter out) {
    print(loaded.directory(), loaded.model(), dtype, out);
    out.printf(
        "tokenizer: %s; end of answer: %s%n",
        loaded.tokenizer().map(t -> t.vocabSize() + " tokens").orElse("none"),
        Arrays.toString(loaded.eos()));
  }

  private static void print(Path file, ModelSpec m, KvDtype dtype, PrintWriter out) {
    ModelInfo info = m.info();
    out.printf(
        Locale.ROOT,
        "%s  %s, %d layers%s, hidden %d, vocabulary %d, %,d positions%n%n",
        file,
        m.architecture(),
        m.layers(),
        m.hasMtp() ? " + 1 MTP layer" : "",
        m.hidden(),
        m.vocab(),
        m.maxPositions());
    out.printf(ROW_HEAD, "role", "parameters", "active", "bytes", "active bytes");
    for (WeightGroup g : info.groups()) {
      row(out, g.role(), g.parameters(), g.activeParameters(), g.bytes(), g.activeBytes());
    }
    row(
        out,
        "all (active without MTP)",
        info.parameters(),
        info.activeParameters(),
        info.bytes(),
        info.activeBytes());
    formats(info, out);
    out.println();
    CacheTables cache = new CacheTables(m.kvLayout(false, dtype), dtype, out);
    cache.summary("KV cache:");
    if (m.hasMtp()) {
      cache = new CacheTables(m.kvLayout(true, dtype), dtype, out);
      cache.summary("with MTP:");
    }
    cache.kinds();
    cache.lengths(m.maxPositions());
  }

  /** How the weights are stored, if any of them are codes. */
  private static void formats(ModelInfo info, PrintWriter out) {
    List<Stored> stored = info.stored();
    if (stored.stream().allMatch(s -> s.scaleBytes() == 0)) {
      return;
    }
    out.printf("%n" + FORMAT_HEAD, "stored as", "parameters", "bits each", "of scales", "bytes");
    long weights = 0;
    long scales = 0;
    long bytes = 0;
    for (Stored s : stored) {
      format(out, s.format().label(), s.weights(), s.scaleBytes(), s.bytes());
      weights += s.weights();
      scales += s.scaleBytes();
      bytes += s.bytes();
    }
    format(out, "all", weights, scales, bytes);
  }

  private static void format(PrintWriter out, String what, long weights, long scales, long bytes) {
    out.printf(
        Locale.ROOT, FORMAT, what, weights, 8.0 * bytes / weights, 8.0 * scales / weights, bytes);
  }

  private static void row(
      PrintWriter out, String role, long parameters, long active, long bytes, long activeBytes) {
    out.printf(Locale.ROOT, ROW, role, parameters, active, bytes, activeBytes);
  }

  /** The memory that an engine would take for a model that is not there. */
  private void memory(ModelConfig config, PrintWriter out) {
    HeapPlan plan = HeapPlan.of(config, options());
    long weights = config.info().bytes();
    List<String> beside = new ArrayList<>();
    if (kv.dtype() != KvDtype.F32) {
      beside.add(KvDtypeFlag.NAME + " " + EnumWord.of(kv.dtype()));
    }
    if (hisparse.enabled()) {
      beside.add(HisparseFlags.ENABLE);
    }
    String but = beside.isEmpty() ? "" : " but " + String.join(" ", beside);
    out.printf("%nmemory of an engine with default options%s:%n", but);
    out.printf(MEMORY, Heap.size(weights), "weights");
    plan.kinds().forEach(k -> out.printf(MEMORY, Heap.size(k.bytes()), k.what()));
    out.printf(MEMORY, Heap.size(Heap.plus(weights, plan.bytes())), "all");
  }
}
