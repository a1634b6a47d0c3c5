package orrery.lab;

import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.kernels.KernelSet;
import orrery.prefix.PrefixCacheKind;

/** A model under experiment. */
record Subject(LoadedModel loaded, LabSettings settings) {
  String name() {
    return loaded.directory().toAbsolutePath().normalize().getFileName().toString();
  }

  /** Name and what one token reads. */
  String description() {
    return weights() + ", " + threads();
  }

  /** Its name, and how many bytes of weights a token reads. */
  String weights() {
    double megabytes = loaded.model().info().activeBytes() / 1e6;
    return String.format(Locale.ROOT, "%s (%.1f MB of weights a token)", name(), megabytes);
  }

  String threads() {
    return settings.threads() + (settings.threads() == 1 ? " thread" : " threads");
  }

  Draw draw() {
    return new Draw(settings.seed(), loaded.model().vocab());
  }

  int size(int full, int small) {
    return settings.size(full, small);
  }

  /** What every experiment starts from; a prefix cache only where it is the subject. */
  EngineOptions options() {
    return EngineOptions.defaults()
        .withCompute(c -> c.withThreads(settings.threads()).withKernels(KernelSet.VECTOR))
        .withKv(kv -> kv.withKvCacheDtype(settings.kvCacheDtype()))
        .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF));
  }
}
