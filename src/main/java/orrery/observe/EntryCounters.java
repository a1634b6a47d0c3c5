package orrery.observe;

import java.io.IOException;
import orrery.events.Event.SparseReads;

/**
 * Counters of a trace: what each step read of entries that lie on the host. A step without such
 * reads has no event, so the counters go back to zero when it is done.
 */
final class EntryCounters {
  private final int process;
  private boolean told; // whether the next step that is done has its numbers already
  private boolean shown; // whether the counters are more than zero

  EntryCounters(int process) {
    this.process = process;
  }

  /** What a step read; it is done next. */
  void read(TraceEvents out, SparseReads e) throws IOException {
    write(out, e.nanos(), e.hits(), e.misses(), e.direct(), e.bytesDown(), e.bytesDirect());
    told = true;
    shown = true;
  }

  /** A step is done, or no step comes for now. */
  void done(TraceEvents out, long nanos) throws IOException {
    if (shown && !told) {
      write(out, nanos, 0, 0, 0, 0, 0);
      shown = false;
    }
    told = false;
  }

  private void write(
      TraceEvents out,
      long nanos,
      long hits,
      long misses,
      long direct,
      long bytesDown,
      long bytesDirect)
      throws IOException {
    out.counter(process, nanos, "entries")
        .arg("in buffers", hits)
        .arg("copied from the host", misses)
        .arg("read on the host", direct)
        .close();
    out.counter(process, nanos, "bytes from the host")
        .arg("copied", bytesDown)
        .arg("read in place", bytesDirect)
        .close();
  }
}
