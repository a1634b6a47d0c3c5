package orrery.engine;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import orrery.batching.SchedulePolicy;
import orrery.hisparse.HisparseConfig;
import orrery.kernels.KernelSet;
import orrery.kv.KvDtype;
import orrery.kv.KvGeometry;
import orrery.model.Model;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCacheKind;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/** One combination of all switches, and which events can and must happen in it. */
record SwitchCell(
    Served model,
    int pageSize,
    PolicyVariant policy,
    int chunk,
    PrefixCacheKind prefix,
    boolean tight,
    Windows windows,
    int maxRunning,
    boolean shuffled,
    int threads,
    KernelSet kernels,
    boolean graph,
    boolean cancels,
    boolean priorities,
    boolean retained,
    Speculation speculation,
    Map<String, Object> others) {

  /**
   * Switches with a column of their own or in that of the model, and one that may change a text.
   */
  private static final Set<String> OWN =
      Set.of(
          "schedule-policy",
          "lpm",
          "enable-mixed-chunk",
          "prefix-cache",
          "kernels",
          "graph",
          "page-size",
          "kv-cache-dtype",
          "activation-dtype",
          "chunked-prefill-size",
          "max-running-requests",
          "threads",
          "speculative-num-steps",
          "speculative-algorithm",
          "speculative-adaptive",
          "speculative-acceptance");

  /** The other switches that have a few values: each is a column without being named here. */
  private static final List<Switch> OTHERS =
      Switch.all().stream().filter(s -> !s.values().isEmpty() && !OWN.contains(s.name())).toList();

  /** The policies, SGLang's in several settings. */
  enum PolicyVariant {
    STATIC(SchedulePolicy.STATIC, false, false),
    SGLANG(SchedulePolicy.SGLANG, false, false),
    SGLANG_MIXED(SchedulePolicy.SGLANG, false, true),
    SGLANG_LPM(SchedulePolicy.SGLANG, true, false),
    VLLM(SchedulePolicy.VLLM, false, false),
    TRTLLM(SchedulePolicy.TRTLLM, false, false),
    TRTLLM_MAX(SchedulePolicy.TRTLLM_MAX_UTILIZATION, false, false);

    final SchedulePolicy schedule;
    final boolean lpm;
    final boolean mixed;

    PolicyVariant(SchedulePolicy schedule, boolean lpm, boolean mixed) {
      this.schedule = schedule;
      this.lpm = lpm;
      this.mixed = mixed;
    }

    boolean retracts() {
      return this != STATIC && this != TRTLLM;
    }
  }

  /** Pages of the pools that keep a window. */
  enum Windows {
    /** As the engine chooses. */
    AUTO,
    /** In tight memory, little more than the longest request needs. */
    FEW,
    /** As many as if they kept all. */
    FULL
  }

  /** Which drafter makes drafts, and how many. */
  enum Speculation {
    OFF(Algorithm.OFF, 0, false),
    MTP_0(Algorithm.MTP, 0, false),
    MTP_1(Algorithm.MTP, 1, false),
    MTP_2(Algorithm.MTP, 2, false),
    MTP_3(Algorithm.MTP, 3, false),
    MTP_4(Algorithm.MTP, 4, false),
    MTP_5(Algorithm.MTP, 5, false),
    MTP_ADAPTIVE(Algorithm.MTP, 4, true),
    NGRAM(Algorithm.NGRAM, 3, false),
    NGRAM_ADAPTIVE(Algorithm.NGRAM, 3, true),
    /** The tests' own drafter, which knows the answers but is often wrong. */
    CRAMMER(Algorithm.NGRAM, 4, false),
    /** The same, but like an MTP layer without drafts it writes its rows late. */
    LAGGARD(Algorithm.NGRAM, 4, false);

    final Algorithm algorithm;
    final int steps;
    final boolean adaptive;

    Speculation(Algorithm algorithm, int steps, boolean adaptive) {
      this.algorithm = algorithm;
      this.steps = steps;
      this.adaptive = adaptive;
    }
  }

  /** The values of all columns but the first one, which is the model. */
  private static final Object[][] VALUES = {
    Switch.valuesOf("page-size"),
    PolicyVariant.values(),
    Switch.valuesOf("chunked-prefill-size"),
    PrefixCacheKind.values(),
    {false, true},
    Windows.values(),
    Switch.valuesOf("max-running-requests"),
    {false, true},
    Switch.valuesOf("threads"),
    {KernelSet.SCALAR, KernelSet.VECTOR},
    {false, true},
    {false, true},
    {false, true},
    {false, true},
    Speculation.values(),
  };

  /**
   * Cells such that any values of any {@code strength} switches are together in one of them, and
   * with any of the models.
   */
  static List<SwitchCell> covering(List<Served> models, int strength, long seed) {
    Object[][] columns =
        Stream.of(
                Stream.<Object[]>of(models.toArray()),
                Stream.of(VALUES),
                OTHERS.stream().map(s -> s.values().toArray()))
            .flatMap(c -> c)
            .toArray(Object[][]::new);
    int[] sizes = Arrays.stream(columns).mapToInt(values -> values.length).toArray();
    return Covering.of(sizes, strength, seed).stream().map(p -> of(columns, p)).toList();
  }

  private static SwitchCell of(Object[][] columns, int[] picks) {
    Object[] p = new Object[picks.length]; // the values
    Arrays.setAll(p, i -> columns[i][picks[i]]);
    Map<String, Object> others = new TreeMap<>();
    for (int i = 0; i < OTHERS.size(); i++) {
      others.put(OTHERS.get(i).name(), p[1 + VALUES.length + i]);
    }
    return new SwitchCell(
        (Served) p[0],
        (int) p[1],
        (PolicyVariant) p[2],
        (int) p[3],
        (PrefixCacheKind) p[4],
        (boolean) p[5],
        (Windows) p[6],
        (int) p[7],
        (boolean) p[8],
        (int) p[9],
        (KernelSet) p[10],
        (boolean) p[11],
        (boolean) p[12],
        (boolean) p[13],
        (boolean) p[14],
        (Speculation) p[15],
        others);
  }

  /** The page size: the switch has 1, 4 and 16, and each model its own sizes in their places. */
  int page() {
    return pageSize == 0 ? 0 : model.pages().get(List.of(1, 4, 16).indexOf(pageSize));
  }

  /** Whether the memory of a sequence is bounded, whatever its length. */
  private boolean windowsOnly() {
    return model == Served.WINDOWS;
  }

  /** Why there can be no hit; null if there can. */
  String whyNoHits() {
    return prefix == PrefixCacheKind.OFF
        ? "no hits without a prefix cache"
        : pageSize == 0 ? "no hits with a page of the maximum length" : null;
  }

  /** Why there can be no draft; null if there can. */
  String whyNoDrafts(Model model) {
    boolean budget = policy == PolicyVariant.VLLM || policy == PolicyVariant.TRTLLM;
    return speculation.steps == 0
        ? "no drafts without speculation, or of 0 steps"
        : !drafts(model)
            ? "no MTP drafts without an MTP layer"
            : chunk == 1 && (budget || policy == PolicyVariant.TRTLLM_MAX)
                ? "no drafts in a token budget of 1"
                : null;
  }

  private boolean drafts(Model model) {
    return speculation.algorithm != Algorithm.MTP || model.hasMtp();
  }

  /** Why there can be no retraction; null if there can. */
  String whyNoRetractions() {
    return !tight
        ? "no retractions in ample memory"
        : !policy.retracts()
            ? "no retractions under static and guaranteed no evict"
            : maxRunning == 1
                ? "no retractions of the only one running"
                : pageSize == 0 && !windowsOnly()
                    ? "no retractions with a page of the maximum length"
                    : null;
  }

  /**
   * Why retractions happen by chance only; null if they happen for sure. With one prompt row in a
   * step, an answer ends before the next prompt is computed, so only forks can hold many pages at
   * the same time.
   */
  String whyFewRetractions() {
    return chunk == 1
        ? "retractions by chance only: one prompt row a step"
        : windowsOnly()
            ? "retractions by chance only: sequences stop to take pages"
            : sized() == Windows.FEW && model.windows()
                ? "retractions by chance only: too few windows for several sequences"
                : null;
  }

  /** Whether static batches are sure to have padding rows; null if that is open. */
  Boolean pads() {
    if (policy != PolicyVariant.STATIC || maxRunning == 1) {
      return false;
    }
    if (tight && (windowsOnly() || sized() == Windows.FEW && model.windows())) {
      return null; // there may be memory for one or for several
    }
    return !(tight && pageSize == 0); // one page: one runs
  }

  /**
   * Whether there must be hits, also behind decoded tokens: in tight memory, blocks may have been
   * evicted.
   */
  boolean hitsForSure() {
    return whyNoHits() == null && !tight;
  }

  /**
   * Whether these numbers of hits behind decoded tokens and of retractions are enough for this
   * cell.
   */
  boolean shows(int hits, int retractions) {
    boolean retracts = whyNoRetractions() == null && whyFewRetractions() == null;
    return (hits == RequestSet.FOLLOWED || !hitsForSure()) && (retractions > 0 || !retracts);
  }

  /**
   * A seed that is the same in every run; a hash code is not, since it depends on identities of
   * enums.
   */
  int seed() {
    return toString().hashCode();
  }

  private SpeculationOptions speculation(Model model) {
    return drafts(model)
        ? SpeculationOptions.defaults()
            .withAlgorithm(speculation.algorithm)
            .withNumSteps(speculation.steps)
            .withAdaptive(speculation.adaptive)
            .withNgram(1, 4)
        : SpeculationOptions.defaults();
  }

  /** Tokens of a memory that is enough for each request, but not for many. */
  private int tightTokens(int context, int longest, int spare) {
    int needed = windowsOnly() && speculation != Speculation.LAGGARD ? 16 : longest;
    int unit = Math.max(16, page());
    return pageSize == 0 ? context : Math.ceilDiv(needed, unit) * unit + spare;
  }

  /** The tests' own drafter may be further behind than a size made of options can know. */
  private Windows sized() {
    return speculation == Speculation.LAGGARD || windows == Windows.FEW && !tight
        ? Windows.FULL
        : windows;
  }

  /** The option that sizes windows. */
  private EngineOptions sized(Model model, EngineOptions full, int context, int longest) {
    double ratio = sized() == Windows.AUTO ? 0 : 1;
    if (sized() == Windows.FEW) {
      KvGeometry g = Sizes.geometry(model, full, context);
      long[] pages = Sizes.pages(full, g, context);
      double needed = 0;
      for (int pool = 0; pool < pages.length; pool++) {
        int most = g.expected(pool, 0, longest, 0, Sizes.margin(full));
        needed = Math.max(needed, g.needsAll(pool) ? 0 : (double) most / pages[pool]);
      }
      ratio = needed > 0 ? Math.min(1, 1.1 * needed) : 1;
    }
    double share = ratio;
    return full.withKv(kv -> kv.withSwaFullTokensRatio(share));
  }

  /** Whether entries of the model lie on the host, from which its indexers choose. */
  boolean hisparse(Model model) {
    return (boolean) others.get("enable-hisparse") && chosen(model) > 0;
  }

  /** Whether the device buffers are as small as they may be. */
  boolean smallest() {
    return others.get("hisparse-config").equals(Switch.SMALLEST);
  }

  private static int chosen(Model model) {
    return model.kvLayout(false, KvDtype.F32).chosen();
  }

  private EngineOptions hisparse(Model model, EngineOptions options) {
    if (!hisparse(model)) {
      return options.withHisparse(h -> h.withEnableHisparse(false));
    }
    int topk = chosen(model);
    HisparseConfig least = new HisparseConfig(topk, SparseSizes.least(topk, options));
    return smallest() ? options.withHisparse(h -> h.withHisparseConfig(least)) : options;
  }

  /** Whether there is host memory behind the pages. */
  boolean tiers() {
    return prefix != PrefixCacheKind.OFF && (boolean) others.get("enable-hierarchical-cache");
  }

  /** Whether there are files behind host memory. */
  boolean files() {
    return tiers() && others.get("hicache-storage-backend") == StorageBackend.FILE;
  }

  /** How long requests wait for files. */
  PrefetchPolicy prefetches() {
    return (PrefetchPolicy) others.get("hicache-storage-prefetch-policy");
  }

  /** When blocks are copied to the host. */
  WritePolicy writes() {
    return (WritePolicy) others.get("hicache-write-policy");
  }

  /** Host memory for few blocks, so that they push each other out, or for most. */
  private EngineOptions hosted(Model model, EngineOptions options) {
    return hostBlocks(model, options, shuffled ? 6 : 40);
  }

  /** These options with host memory for so many blocks of the model. */
  static EngineOptions hostBlocks(Model model, EngineOptions options, int blocks) {
    EngineOptions ample = options.withOffload(o -> o.withHicacheSize(0.01)); // for any block
    double blockBytes = Sizes.hostMemory(model, ample).blockBytes();
    return options.withOffload(o -> o.withHicacheSize((blocks + 0.5) * blockBytes / 1e9));
  }

  EngineOptions options(Model model, int context, int longest, int spare) {
    int tokens = tight ? tightTokens(context, longest, spare) : context * 64;
    EngineOptions options =
        model()
            .numbers(EngineOptions.defaults())
            .withKv(
                kv ->
                    kv.withContextLength(context)
                        .withPageSize(page())
                        .withMaxTotalTokens(tokens)
                        .withSwaFullTokensRatio(1))
            .withBatching(
                b ->
                    b.withSchedulePolicy(policy.schedule)
                        .withLpm(policy.lpm)
                        .withEnableMixedChunk(policy.mixed)
                        .withChunkedPrefillSize(chunk)
                        .withMaxRunningRequests(maxRunning)
                        .withScheduleConservativeness(0.05)
                        .withBatchWaitMillis(0))
            .withPrefix(p -> p.withPrefixCache(prefix))
            .withCompute(c -> c.withThreads(threads).withKernels(kernels).withGraph(graph))
            .withSpeculation(_ -> speculation(model));
    for (Switch s : OTHERS) {
      options = s.with(options, others.get(s.name()));
    }
    options = hisparse(model, options);
    options =
        options.withOffload(
            o ->
                o.withHicacheStorageBackend(files() ? StorageBackend.FILE : StorageBackend.NONE)
                    .withHicacheStorageDir("never opened")
                    .withHicacheStoragePrefetchThreshold(1));
    return hosted(model, sized(model, options, context, longest));
  }
}
