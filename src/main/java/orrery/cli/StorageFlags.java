package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.offload.OffloadOptions;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import picocli.CommandLine.Option;

/**
 * The flags for files behind host memory. They name a directory of this machine, so the page that
 * starts another engine has none of them: its engines keep the files of the first one.
 */
final class StorageFlags {
  static final String HEADING = "%nFiles behind the prefix cache:%n";
  static final String BACKEND = "--hicache-storage-backend";
  static final String STORAGE_DIR = "--hicache-storage-dir";
  static final String STORAGE_SIZE = "--hicache-storage-size";
  static final String PREFETCH_POLICY = "--hicache-storage-prefetch-policy";
  static final String PREFETCH_THRESHOLD = "--hicache-storage-prefetch-threshold";

  @Option(
      names = BACKEND,
      paramLabel = "WHICH",
      converter = BackendName.class,
      description =
          "Behind host memory: none, or file (blocks outlive the process, as files). Default: none")
  private StorageBackend backend = StorageBackend.NONE;

  @Option(names = STORAGE_DIR, paramLabel = "DIR", description = "Directory of these files")
  private String storageDir = "";

  @Option(
      names = STORAGE_SIZE,
      paramLabel = "GB",
      description = "Most GB (10^9 bytes) of these files. Default: ${DEFAULT-VALUE}")
  private double storageSize = OffloadOptions.defaults().hicacheStorageSize();

  @Option(
      names = PREFETCH_POLICY,
      paramLabel = "WHICH",
      converter = PrefetchPolicyName.class,
      description =
          "How long a request waits for blocks from files: best-effort (not at all), wait-complete"
              + " or timeout (2 s, and 0.1 s for each 1024 tokens). Default: timeout")
  private PrefetchPolicy prefetchPolicy = PrefetchPolicy.TIMEOUT;

  @Option(
      names = PREFETCH_THRESHOLD,
      paramLabel = "TOKENS",
      description = "Fewest tokens for which files are read. Default: ${DEFAULT-VALUE}")
  private int prefetchThreshold = OffloadOptions.defaults().hicacheStoragePrefetchThreshold();

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options.withOffload(
        o ->
            o.withHicacheStorageBackend(backend)
                .withHicacheStorageDir(storageDir)
                .withHicacheStorageSize(storageSize)
                .withHicacheStoragePrefetchPolicy(prefetchPolicy)
                .withHicacheStoragePrefetchThreshold(prefetchThreshold));
  }

  /** The backends, as users write them. */
  static final class BackendName extends EnumWord<StorageBackend> {
    BackendName() {
      super(StorageBackend.class);
    }
  }

  /** The prefetch policies, as users write them; SGLang's underscores are understood too. */
  static final class PrefetchPolicyName extends EnumWord<PrefetchPolicy> {
    PrefetchPolicyName() {
      super(PrefetchPolicy.class);
    }

    @Override
    public PrefetchPolicy convert(String value) {
      return super.convert(value.replace('_', '-'));
    }
  }
}
