package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import orrery.events.Event;
import orrery.events.Event.SparseReads;
import orrery.events.Event.StepDone;

/**
 * What decoding steps read of entries that lie on the host. The first decoding step behind a prompt
 * does not count: its buffer is empty.
 */
final class SparseFigures {
  private SparseFigures() {}

  /** The reads of the steps that count. */
  static List<SparseReads> decoding(Trace t) {
    List<SparseReads> counted = new ArrayList<>();
    SparseReads reads = null; // of the step that is done next
    boolean prompt = true; // whether the step before had prompt rows
    for (Event e : t.events()) {
      if (e instanceof SparseReads r) {
        reads = r;
      } else if (e instanceof StepDone s) {
        if (!prompt && s.prefillRows() == 0 && reads != null) {
          counted.add(reads);
        }
        prompt = s.prefillRows() > 0;
        reads = null;
      }
    }
    return counted;
  }

  private static double sum(Trace t, ToLongFunction<SparseReads> of) {
    return decoding(t).stream().mapToLong(of).sum();
  }

  /** Entries that were chosen for a token, in all layers together. */
  static double chosenForToken(Trace t) {
    return sum(t, SparseReads::chosen) / sum(t, SparseReads::sequences);
  }

  /** Entries that were copied for a token, in all layers together. */
  static double copiedForToken(Trace t) {
    return sum(t, SparseReads::misses) / sum(t, SparseReads::sequences);
  }

  /** Bytes that were copied for a token. */
  static double bytesForToken(Trace t) {
    return sum(t, SparseReads::bytesDown) / sum(t, SparseReads::sequences);
  }

  /** Of 100 chosen entries, those that were copied. */
  static double missPercent(Trace t) {
    return 100 * sum(t, SparseReads::misses) / sum(t, SparseReads::chosen);
  }
}
