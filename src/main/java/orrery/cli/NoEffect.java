package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.SchedulePolicy;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.graph.ActivationDtype;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Flags that were given but change nothing beside the other flags. That is no mistake, but the user
 * should know. SGLang ignores most of such flags in silence.
 */
final class NoEffect {
  static final String WITHOUT_QUANTISED = "with a model without quantised weights";

  private final CommandSpec spec;
  private final FlagNames names;
  private final List<String> notes = new ArrayList<>();

  NoEffect(CommandSpec spec) {
    this.spec = spec;
    this.names = new FlagNames(spec);
  }

  /**
   * Notes each of the flags that was given, if the condition holds.
   *
   * @param why follows "has no effect"
   */
  NoEffect when(boolean holds, String why, String... flags) {
    for (String flag : flags) {
      if (holds && names.given(flag)) {
        notes.add(names.written(spec.findOption(flag)) + " has no effect " + why);
      }
    }
    return this;
  }

  /** Prints one line on standard error for each noted flag. */
  void tell() {
    String command = spec.qualifiedName();
    notes.forEach(note -> spec.commandLine().getErr().println(command + ": " + note));
    spec.commandLine().getErr().flush();
  }

  /** Notes the flags that have no effect with these options of the engine. */
  NoEffect engine(EngineOptions o) {
    SchedulePolicy policy = o.batching().schedulePolicy();
    String with = "with " + ScheduleFlags.POLICY + " " + EnumWord.of(policy);
    boolean sglang = policy == SchedulePolicy.SGLANG;
    when(!sglang, with, SharingFlags.LPM, ScheduleFlags.MIXED_CHUNK);
    when(!sglang, with, ScheduleFlags.CONSERVATIVENESS);
    PrefixCacheKind prefix = o.prefix().prefixCache();
    boolean off = prefix == PrefixCacheKind.OFF;
    when(sglang && off, "with " + SharingFlags.PREFIX_CACHE + " off", SharingFlags.LPM);
    when(
        prefix != PrefixCacheKind.RADIX,
        "with " + SharingFlags.PREFIX_CACHE + " " + EnumWord.of(prefix),
        SharingFlags.EVICTION);
    when(
        off,
        "with " + SharingFlags.PREFIX_CACHE + " off",
        SharingFlags.HICACHE,
        StorageFlags.BACKEND);
    boolean tiers = o.offload().enableHierarchicalCache() && !off;
    String without = "without " + SharingFlags.HICACHE;
    when(!tiers && !off, without, SharingFlags.RATIO, SharingFlags.SIZE, SharingFlags.WRITE_POLICY);
    when(tiers && o.offload().hicacheSize() > 0, "with " + SharingFlags.SIZE, SharingFlags.RATIO);
    when(
        !o.offload().files(),
        "without " + StorageFlags.BACKEND + " file",
        StorageFlags.STORAGE_DIR,
        StorageFlags.STORAGE_SIZE,
        StorageFlags.PREFETCH_POLICY,
        StorageFlags.PREFETCH_THRESHOLD);
    when(!o.hisparse().enableHisparse(), "without " + HisparseFlags.ENABLE, HisparseFlags.CONFIG);
    when(!o.compute().graph(), "with --graph off", ComputeFlags.FUSION);
    String algorithm = SpeculationFlags.ALGORITHM + " " + EnumWord.of(o.speculation().algorithm());
    when(o.compute().overlap() && o.speculation().on(), "with " + algorithm, ScheduleFlags.OVERLAP);
    return speculation(o.speculation());
  }

  private NoEffect speculation(SpeculationOptions o) {
    String[] all =
        spec.options().stream()
            .map(OptionSpec::longestName)
            .filter(
                n -> n.startsWith(SpeculationFlags.PREFIX) && !n.equals(SpeculationFlags.ALGORITHM))
            .toArray(String[]::new);
    if (!o.on()) {
      boolean said = names.given(SpeculationFlags.ALGORITHM);
      String algorithm = SpeculationFlags.ALGORITHM;
      return when(true, said ? "with " + algorithm + " off" : "without " + algorithm, all);
    }
    boolean mtp = o.algorithm() == Algorithm.MTP;
    String with = "with " + SpeculationFlags.ALGORITHM + " " + EnumWord.of(o.algorithm());
    when(mtp, with, SpeculationFlags.NGRAM_MIN, SpeculationFlags.NGRAM_MAX);
    when(!mtp, with, SpeculationFlags.COUPLED_DRAFTS);
    return when(
        o.synthetic(), "with " + SpeculationFlags.SYNTHETIC_LENGTH, SpeculationFlags.ACCEPTANCE);
  }

  /** Notes what becomes of the flags with the model that the engine has loaded. */
  NoEffect model(Engine engine) {
    int asked = engine.options().kv().pageSize();
    if (asked > 0 && asked != engine.pageTokens() && names.given(MemoryFlags.PAGE_SIZE)) {
      notes.add(
          names.written(spec.findOption(MemoryFlags.PAGE_SIZE))
              + " "
              + asked
              + " is rounded up to "
              + engine.pageTokens()
              + ": a page holds whole rows of all that the model caches");
    }
    boolean fp8 = engine.options().compute().activationDtype() == ActivationDtype.FP8;
    when(fp8 && !engine.roundsActivations(), WITHOUT_QUANTISED, ComputeFlags.ACTIVATIONS);
    String why = "with a model whose rows are all kept for the whole sequence";
    return when(!engine.hasWindows(), why, MemoryFlags.SWA_RATIO);
  }

  /** Notes the flags that have no effect with these parameters of sampling. */
  NoEffect sampling(SamplingParams p, SpeculationOptions speculation) {
    String greedy = "at " + SamplingFlags.TEMPERATURE + " 0: the likeliest token is taken";
    when(p.greedy(), greedy, "--top-k", "--top-p", "--min-p");
    when(p.greedy() && !speculation.synthetic(), greedy, "--seed");
    boolean endless = p.ignoreEos() && p.stop().isEmpty() && p.stopTokenIds().isEmpty();
    return when(
        endless, "with --ignore-eos: nothing but --max-tokens ends the answer", "--min-tokens");
  }
}
