package orrery.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The metric families of one model: each has a help text, a type and the label model_name. */
final class MetricFamilies {
  /**
   * 1, 2, 5 per decade from 0.1 ms: a token of a small model takes far less than of a large one.
   */
  private static final double[] SECONDS = {
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100
  }; // [buckets] upper bounds

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final Labels model;

  MetricFamilies(String modelName) {
    this.model = Labels.of("model_name", modelName);
  }

  /** A counter, whose name gets the end {@code _total}. */
  CounterDataPoint counter(String name, String help) {
    return counters(name, help);
  }

  /** A counter for each value of some labels. */
  Counter counters(String name, String help, String... labels) {
    return Counter.builder()
        .name(name)
        .help(help)
        .constLabels(model)
        .labelNames(labels)
        .withoutExemplars()
        .register(registry);
  }

  GaugeDataPoint gauge(String name, String help) {
    return gauges(name, help);
  }

  /** A gauge for each value of some labels. */
  Gauge gauges(String name, String help, String... labels) {
    return Gauge.builder()
        .name(name)
        .help(help)
        .constLabels(model)
        .labelNames(labels)
        .withoutExemplars()
        .register(registry);
  }

  /** A histogram of times; the name ends in {@code _seconds}. */
  DistributionDataPoint seconds(String name, String help) {
    return Histogram.builder()
        .name(name)
        .help(help)
        .unit(Unit.SECONDS)
        .constLabels(model)
        .classicOnly()
        .classicUpperBounds(SECONDS)
        .withoutExemplars()
        .register(registry);
  }

  /** All families in Prometheus' text format 0.0.4. */
  byte[] text() {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try {
      PrometheusTextFormatWriter.create().write(text, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory can always be written
    }
    return text.toByteArray();
  }
}
