package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import orrery.events.Event;
import orrery.events.Event.SparseReads;
import orrery.events.Event.StepDone;

/** What the decoding steps of an answer read of entries that lie on the host. */
final class SparseFigures {
  private SparseFigures() {}

  /** The reads of all steps without rows of a prompt. */
  static List<SparseReads> decoding(Trace t) {
    List<SparseReads> counted = new ArrayList<>();
    SparseReads reads = null; // of the step that is done next
    for (Event e : t.events()) {
      if (e instanceof SparseReads r) {
        reads = r;
      } else if (e instanceof StepDone s) {
        if (s.prefillRows() == 0 && reads != null) {
          counted.add(reads);
        }
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
