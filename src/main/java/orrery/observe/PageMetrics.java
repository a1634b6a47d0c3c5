package orrery.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.events.Event;
import orrery.events.Event.PoolPages;

/**
 * Pages as metrics: of each pool, and in SGLang's terms, which are tokens of the pool whose rows
 * live longest. <em>Used</em> and <em>held</em> pages are those of requests, without pages that
 * only the prefix cache has.
 */
final class PageMetrics {
  private final GaugeDataPoint most;
  private final GaugeDataPoint used;
  private final GaugeDataPoint kvUsed;
  private final GaugeDataPoint kvAvailable;
  private final GaugeDataPoint kvEvictable;
  private final GaugeDataPoint usage;
  private final CounterDataPoint evictedTokens;
  private final Gauge pages;
  private final Counter evictedPages;
  private final Map<String, Pool> pools = new HashMap<>(); // by name
  private String longest; // name of the pool whose rows live longest

  /** The data points of a pool. */
  private record Pool(
      int span,
      GaugeDataPoint free,
      GaugeDataPoint held,
      GaugeDataPoint cached,
      CounterDataPoint evicted) {}

  PageMetrics(MetricFamilies f) {
    most = f.gauge("sglang:max_total_num_tokens", "Tokens that the KV cache has room for");
    used = f.gauge("sglang:num_used_tokens", "Tokens of pages that requests hold");
    kvUsed = f.gauge("sglang:kv_used_tokens", "Tokens of pages that requests hold");
    kvAvailable = f.gauge("sglang:kv_available_tokens", "Tokens of free pages");
    kvEvictable =
        f.gauge("sglang:kv_evictable_tokens", "Tokens of pages that only the prefix cache holds");
    usage = f.gauge("sglang:token_usage", "Share of pages that requests hold, in the fullest pool");
    evictedTokens =
        f.counter("sglang:evicted_tokens", "Tokens of pages that the prefix cache gave up");
    pages = f.gauges("orrery:pages", "Pages of a pool: free, held or cached", "pool", "state");
    evictedPages =
        f.counters("orrery:evicted_pages", "Pages that the prefix cache gave up", "pool");
  }

  /** How the pools stand; the first pool has the rows that live longest. */
  void pools(List<PoolPages> now) {
    PoolPages first = now.getFirst();
    longest = first.pool();
    most.set(first.total() * (double) first.span());
    used.set(first.referenced() * (double) first.span());
    kvUsed.set(first.referenced() * (double) first.span());
    kvAvailable.set(first.free() * (double) first.span());
    kvEvictable.set(first.idle() * (double) first.span());
    double fullest = 0;
    for (PoolPages p : now) {
      Pool pool = pool(p);
      pool.free.set(p.free());
      pool.held.set(p.referenced());
      pool.cached.set(p.idle());
      fullest = Math.max(fullest, (double) p.referenced() / p.total());
    }
    usage.set(fullest);
  }

  private Pool pool(PoolPages p) {
    Pool pool = pools.get(p.pool());
    if (pool == null) {
      pool =
          new Pool(
              p.span(),
              pages.labelValues(p.pool(), "free"),
              pages.labelValues(p.pool(), "held"),
              pages.labelValues(p.pool(), "cached"),
              evictedPages.labelValues(p.pool()));
      pools.put(p.pool(), pool);
    }
    return pool;
  }

  /** Pages left the prefix cache, which a step has filled before. */
  void evicted(Event.Evicted e) {
    Pool pool = pools.get(e.pool());
    pool.evicted.inc(e.pages());
    if (e.pool().equals(longest)) {
      evictedTokens.inc((long) e.pages() * pool.span);
    }
  }
}
