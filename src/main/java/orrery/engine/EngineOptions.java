package orrery.engine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import orrery.batching.BatchingOptions;
import orrery.graph.ComputeOptions;
import orrery.hisparse.HisparseOptions;
import orrery.kv.KvOptions;
import orrery.offload.OffloadOptions;
import orrery.options.Options;
import orrery.prefix.PrefixOptions;
import orrery.speculation.SpeculationOptions;

/**
 * Every switch of the engine, in one record for each package that has switches. A switch that
 * SGLang has too has SGLang's name. No switch changes a bit of an answer; they change speed and
 * memory. What makes another model is no switch: {@code kvCacheDtype} and {@code activationDtype}
 * round rows, and within one value of them no switch changes a bit. (For {@code speculation} this
 * holds with its default, coupled acceptance. The published rules keep the distribution, not the
 * text.)
 *
 * <p>A change gives new options:
 *
 * <pre>{@code
 * EngineOptions.defaults()
 *     .withKv(kv -> kv.withPageSize(4).withContextLength(512))
 *     .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.HASH));
 * }</pre>
 *
 * @param compute how the rows of a step are computed
 * @param kv the size of the KV cache and of its pages
 * @param batching which sequences run in which step
 * @param prefix which beginnings of prompts are kept and shared
 * @param offload the slower memory behind the pages of the KV cache
 * @param hisparse which cached rows lie on the host, and how many of them on the device too
 * @param speculation which drafter makes drafts, and how many
 */
public record EngineOptions(
    ComputeOptions compute,
    KvOptions kv,
    BatchingOptions batching,
    PrefixOptions prefix,
    OffloadOptions offload,
    HisparseOptions hisparse,
    SpeculationOptions speculation) {
  /**
   * @throws IllegalArgumentException naming the record that is missing
   */
  public EngineOptions {
    Options.check(compute != null, "compute", "options", null);
    Options.check(kv != null, "kv", "options", null);
    Options.check(batching != null, "batching", "options", null);
    Options.check(prefix != null, "prefix", "options", null);
    Options.check(offload != null, "offload", "options", null);
    Options.check(hisparse != null, "hisparse", "options", null);
    Options.check(speculation != null, "speculation", "options", null);
  }

  /** The default options. */
  public static EngineOptions defaults() {
    return new EngineOptions(
        ComputeOptions.defaults(),
        KvOptions.defaults(),
        BatchingOptions.defaults(),
        PrefixOptions.defaults(),
        OffloadOptions.defaults(),
        HisparseOptions.defaults(),
        SpeculationOptions.defaults());
  }

  /**
   * Every switch with its value: its name is that of its flag, without the dashes in front.
   *
   * @return in the order of the records
   */
  public Map<String, Object> switches() {
    Map<String, Object> all = new LinkedHashMap<>();
    for (Record part : List.of(compute, kv, batching, prefix, offload, hisparse)) {
      all.putAll(Options.named(part, ""));
    }
    all.putAll(Options.named(speculation, "speculative-"));
    return all;
  }

  public EngineOptions withCompute(UnaryOperator<ComputeOptions> change) {
    return Options.with(this, "compute", change.apply(compute));
  }

  public EngineOptions withKv(UnaryOperator<KvOptions> change) {
    return Options.with(this, "kv", change.apply(kv));
  }

  public EngineOptions withBatching(UnaryOperator<BatchingOptions> change) {
    return Options.with(this, "batching", change.apply(batching));
  }

  public EngineOptions withPrefix(UnaryOperator<PrefixOptions> change) {
    return Options.with(this, "prefix", change.apply(prefix));
  }

  public EngineOptions withOffload(UnaryOperator<OffloadOptions> change) {
    return Options.with(this, "offload", change.apply(offload));
  }

  public EngineOptions withHisparse(UnaryOperator<HisparseOptions> change) {
    return Options.with(this, "hisparse", change.apply(hisparse));
  }

  public EngineOptions withSpeculation(UnaryOperator<SpeculationOptions> change) {
    return Options.with(this, "speculation", change.apply(speculation));
  }
}
