package orrery.observe;

import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import orrery.events.Event;
import orrery.events.Event.Queue;

/** How many requests stand in each queue between a prefill and a decode engine. */
final class DisaggregationMetrics {
  private final Map<Queue, GaugeDataPoint> gauges = new EnumMap<>(Queue.class);
  private final Map<Integer, Queue> queues = new HashMap<>(); // by sequence

  DisaggregationMetrics(MetricFamilies f) {
    gauge(f, Queue.BOOTSTRAP, "prefill_bootstrap", "Requests whose decode engine has no pages yet");
    gauge(f, Queue.INFLIGHT, "prefill_inflight", "Computed prompts that are being sent");
    gauge(f, Queue.PREALLOC, "decode_prealloc", "Requests that wait for pages");
    gauge(f, Queue.TRANSFER, "decode_transfer", "Requests whose rows are on their way");
  }

  private void gauge(MetricFamilies f, Queue queue, String name, String help) {
    gauges.put(queue, f.gauge("sglang:num_" + name + "_queue_reqs", help));
  }

  void queued(Event.Queued e) {
    queues.put(e.sequence(), e.queue());
    tell();
  }

  void finished(Event.Finished e) {
    if (queues.remove(e.sequence()) != null) {
      tell();
    }
  }

  private void tell() {
    gauges.forEach(
        (queue, gauge) -> gauge.set(queues.values().stream().filter(q -> q == queue).count()));
  }
}
