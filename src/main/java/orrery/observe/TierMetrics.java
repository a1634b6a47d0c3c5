package orrery.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import orrery.events.Event;
import orrery.events.HostHit;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.events.Loaded;
import orrery.events.NotStored;
import orrery.events.PartsRead;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.events.StorageFault;
import orrery.events.Stored;
import orrery.events.Written;

/**
 * What moves between the tiers, as metrics. The families are there from the first event of a tier
 * on, so an engine without a host tier has none of them, as in SGLang ({@code
 * observability/metrics_collector.py}).
 */
final class TierMetrics {
  private final MetricFamilies families;
  private Families made; // null before the first event

  private static final class Families {
    final CounterDataPoint hitTokens;
    final CounterDataPoint loadedTokens;
    final CounterDataPoint loadedBytes;
    final DistributionDataPoint loadTime;
    final DistributionDataPoint waitTime;
    final CounterDataPoint taken;
    final Counter storedTokens;
    final CounterDataPoint storedBytes;
    final Counter notStored;
    final CounterDataPoint prefetchedTokens;
    final CounterDataPoint readBytes;
    final DistributionDataPoint readTime;
    final CounterDataPoint writtenTokens;
    final CounterDataPoint writtenBytes;
    final Counter faults;
    final GaugeDataPoint hostTokens;
    final GaugeDataPoint hostUsed;
    final Gauge slots;
    final Counter evicted;

    Families(MetricFamilies f) {
      hitTokens = f.counter("orrery:host_hit_tokens", "Tokens of hits that host memory had");
      loadedTokens =
          f.counter("sglang:load_back_tokens", "Tokens whose pages came back from host memory");
      loadedBytes = f.counter("sglang:load_back_bytes", "Bytes copied from host memory");
      loadTime =
          f.seconds(
              "sglang:load_back_duration_seconds", "From the first to the last row of a load");
      waitTime = f.seconds("orrery:load_back_wait_seconds", "Time that a step waited for its load");
      taken =
          f.counter(
              "orrery:load_back_taken_pieces",
              "Pieces of loads that a step copied itself, since the mover had failed");
      storedTokens =
          f.counters(
              "sglang:hicache_backup_tokens", "Tokens of parts copied to host memory", "pool");
      storedBytes = f.counter("sglang:hicache_backup_bytes", "Bytes copied to host memory");
      notStored = f.counters("orrery:host_not_stored_parts", "Parts that were not stored", "pool");
      prefetchedTokens =
          f.counter("sglang:prefetched_tokens", "Tokens that hits were longer by, thanks to files");
      readBytes = f.counter("orrery:storage_read_bytes", "Bytes read from files");
      readTime = f.seconds("orrery:storage_read_seconds", "Time of the disk for one read");
      writtenTokens =
          f.counter("sglang:backuped_tokens", "Tokens of parts written to files, of all pools");
      writtenBytes = f.counter("orrery:storage_written_bytes", "Bytes written to files");
      faults = f.counters("orrery:storage_faults", "What was not read or written", "kind");
      hostTokens =
          f.gauge("sglang:hicache_host_total_tokens", "Tokens that host memory has room for");
      hostUsed = f.gauge("sglang:hicache_host_used_tokens", "Tokens of parts in host memory");
      slots =
          f.gauges("orrery:host_slots", "Slots of a pool: free, whole or storing", "pool", "state");
      evicted =
          f.counters("orrery:host_evicted_parts", "Parts that gave up their host slot", "pool");
    }
  }

  TierMetrics(MetricFamilies families) {
    this.families = families;
  }

  void accept(Event.Tiers event) {
    if (made == null) {
      made = new Families(families);
    }
    switch (event) {
      case HostHit e -> made.hitTokens.inc(e.tokens());
      case Stored e -> {
        made.storedTokens.labelValues(e.pool()).inc(e.tokens());
        made.storedBytes.inc(e.bytes());
      }
      case NotStored e -> made.notStored.labelValues(e.pool()).inc();
      case Loaded e -> {
        made.loadedTokens.inc(e.tokens());
        made.loadedBytes.inc(e.bytes());
        made.loadTime.observe(RequestMetrics.seconds(e.end() - e.begin()));
        made.waitTime.observe(RequestMetrics.seconds(e.waited()));
        made.taken.inc(e.taken());
      }
      case HostPools e -> e.pools().forEach(this::slots);
      case Prefetching e -> {} // its end is counted
      case Prefetched e -> made.prefetchedTokens.inc(e.tokens());
      case PartsRead e -> {
        made.readBytes.inc(e.bytes());
        made.readTime.observe(RequestMetrics.seconds(e.end() - e.begin()));
      }
      case Written e -> {
        made.writtenTokens.inc(e.tokens());
        made.writtenBytes.inc(e.bytes());
      }
      case StorageFault e -> made.faults.labelValues(e.kind()).inc();
    }
    if (event instanceof HostPools e && !e.pools().isEmpty()) { // SGLang tells of the first pool
      HostSlots longest = e.pools().getFirst();
      made.hostTokens.set((double) longest.total() * longest.tokens());
      made.hostUsed.set((double) longest.whole() * longest.tokens());
    }
  }

  private void slots(HostSlots s) {
    made.slots.labelValues(s.pool(), "free").set(s.free());
    made.slots.labelValues(s.pool(), "whole").set(s.whole());
    made.slots.labelValues(s.pool(), "storing").set(s.storing());
    made.evicted.labelValues(s.pool()).inc(s.evicted());
  }
}
