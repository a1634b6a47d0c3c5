package orrery.offload;

/** What lies behind host memory; the names are SGLang's. */
public enum StorageBackend {
  /** Nothing: what leaves host memory is computed again. */
  NONE,
  /** Files in a directory, which outlive the process. */
  FILE
}
