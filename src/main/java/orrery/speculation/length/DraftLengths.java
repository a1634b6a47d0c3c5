package orrery.speculation.length;

import orrery.speculation.DraftLength;
import orrery.speculation.SpeculationOptions;

/** Makes the draft length that the switches ask for. */
public final class DraftLengths {
  private DraftLengths() {}

  /** The draft length of one engine; each engine needs its own, because it learns. */
  public static DraftLength of(SpeculationOptions options) {
    if (!options.on() || options.numSteps() == 0) {
      return new FixedLength(0);
    }
    DraftLength length =
        options.adaptive()
            ? new AdaptiveLength(options.numSteps())
            : new FixedLength(options.numSteps());
    return options.disableByBatchSize() == 0
        ? length
        : new OffAbove(options.disableByBatchSize(), length);
  }
}
