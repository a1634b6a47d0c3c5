package orrery.cli;

import orrery.kv.KvDtype;
import picocli.CommandLine.Option;

/** How cached rows are stored, as a flag of its own for commands without an engine. */
final class KvDtypeFlag {
  static final String NAME = "--kv-cache-dtype";

  static final String DESCRIPTION =
      "How cached rows are stored: f32, bf16 or fp8 (rounded row by row when they are written)."
          + " Changes answers. Default: f32";

  @Option(names = NAME, paramLabel = "DTYPE", converter = Name.class, description = DESCRIPTION)
  private KvDtype dtype = KvDtype.F32;

  KvDtype dtype() {
    return dtype;
  }

  /** The dtypes as users write them. */
  static final class Name extends EnumWord<KvDtype> {
    Name() {
      super(KvDtype.class);
    }
  }
}
