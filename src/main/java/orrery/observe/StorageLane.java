package orrery.observe;

import java.io.IOException;
import orrery.events.PartsRead;
import orrery.events.StorageFault;
import orrery.events.Written;

/** The disk's lane of a Perfetto trace: what its thread reads and writes, and what failed. */
final class StorageLane {
  private final TraceEvents out;
  private final int process;
  private final int lane;

  /** Names the lane. */
  StorageLane(TraceEvents out, int process, int lane) throws IOException {
    this.out = out;
    this.process = process;
    this.lane = lane;
    out.threadName(process, lane, "disk");
  }

  void write(Written e) throws IOException {
    out.span(process, lane, e.begin(), e.end(), "write")
        .arg("pool", e.pool())
        .arg("bytes", String.valueOf(e.bytes()))
        .close();
  }

  void write(PartsRead e) throws IOException {
    out.span(process, lane, e.begin(), e.end(), "read " + e.parts() + " parts")
        .arg("wanted", e.wanted())
        .arg("bytes", String.valueOf(e.bytes()))
        .close();
  }

  void write(StorageFault e) throws IOException {
    out.instant(process, lane, e.nanos(), e.kind()).arg("what", e.what()).close();
  }
}
