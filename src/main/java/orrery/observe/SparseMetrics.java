package orrery.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import orrery.events.Event.SparseReads;

/**
 * Entries that lie on the host, as metrics. No metric of SGLang that we know counts this, so the
 * names are those of vLLM's HiSparse where it has one. The families are there from the first event
 * on, as those of tiers are.
 */
final class SparseMetrics {
  private final MetricFamilies families;
  private Families made; // null before the first event

  private record Families(
      CounterDataPoint hits,
      CounterDataPoint misses,
      CounterDataPoint bytesDown,
      CounterDataPoint bytesUp,
      CounterDataPoint evicted,
      CounterDataPoint direct,
      CounterDataPoint bytesDirect) {
    static Families of(MetricFamilies f) {
      return new Families(
          f.counter(
              "vllm:hisparse_cache_hits", "Chosen entries that lay in device buffers, or were new"),
          f.counter("vllm:hisparse_cache_misses", "Chosen entries that came from the host"),
          f.counter("vllm:hisparse_host_to_device_bytes", "Bytes of entries that came from there"),
          f.counter("orrery:hisparse_device_to_host_bytes", "Bytes of new entries"),
          f.counter("orrery:hisparse_evicted_entries", "Entries that gave up a buffer's slot"),
          f.counter(
              "orrery:hisparse_direct_entries",
              "Entries that rows read on the host, since a buffer has no room for all of them"),
          f.counter("orrery:hisparse_direct_bytes", "Bytes of entries that were read on the host"));
    }
  }

  SparseMetrics(MetricFamilies families) {
    this.families = families;
  }

  void read(SparseReads e) {
    if (made == null) {
      made = Families.of(families);
    }
    made.hits.inc(e.hits());
    made.misses.inc(e.misses());
    made.bytesDown.inc(e.bytesDown());
    made.bytesUp.inc(e.bytesUp());
    made.evicted.inc(e.evicted());
    made.direct.inc(e.direct());
    made.bytesDirect.inc(e.bytesDirect());
  }
}
