package orrery.engine;

import java.util.Locale;
import orrery.hisparse.HisparseConfig;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.ModelSpec;
import orrery.options.Options;

/** Turns the options of sparse offload into sizes. */
final class SparseSizes {
  private static final int ROOM = 2; // a default buffer holds so many times what a step may read

  private static final int MOST_NUMBERS = Integer.MAX_VALUE - 16; // of one Java array

  private SparseSizes() {}

  /**
   * A layout with the entries on the host from which rows choose, if the options want that.
   *
   * @throws IllegalArgumentException if the model has no such entries, or the options' numbers do
   *     not fit it
   */
  static KvLayout onHost(KvLayout layout, ModelSpec model, EngineOptions o) {
    if (!o.hisparse().enableHisparse()) {
      return layout;
    }
    int chosen = layout.chosen();
    Options.check(
        chosen > 0,
        "enable-hisparse",
        "a model with an indexer, which chooses the entries that a row reads",
        model.architecture() + " without one");
    int slots = slots(layout, model, o);
    int count = o.batching().maxRunningRequests();
    int width = streams(layout).mapToInt(Stream::width).max().orElseThrow();
    double numbers = (double) slots * count * width;
    Options.check(
        numbers <= MOST_NUMBERS,
        o.hisparse().hisparseConfig().deviceBufferSize() > 0
            ? "hisparse-config"
            : "max-running-requests",
        words("device buffers of at most %,d numbers in each layer", MOST_NUMBERS),
        words(
            "%,.0f (%,d max-running-requests with %,d entries of %,d)",
            numbers, count, slots, width));
    return layout.onHost(new DeviceBuffers(slots, count));
  }

  private static java.util.stream.Stream<Stream> streams(KvLayout layout) {
    return layout.streams().stream().filter(s -> s.chosen() > 0);
  }

  private static int slots(KvLayout layout, ModelSpec model, EngineOptions o) {
    HisparseConfig config = o.hisparse().hisparseConfig();
    int topk = layout.chosen();
    Options.check(
        config.topK() == 0 || config.topK() == topk,
        "hisparse-config",
        "\"top_k\" " + topk + ", the model's index_topk",
        config.topK());
    int rows = rows(o);
    int least = least(topk, o);
    int all = entries(layout, Sizes.contextLength(model, o));
    int slots = config.deviceBufferSize();
    Options.check(
        slots == 0 || slots >= Math.min(least, all),
        "hisparse-config",
        "device_buffer_size of at least "
            + (all < least
                ? words("%d, all entries of a sequence of context-length", all)
                : words(
                    "%d, %s",
                    least, rows == 1 ? "which a decode step may choose" : each(topk, rows))),
        slots);
    return slots > 0 ? slots : Math.min(all, Math.multiplyExact(ROOM, least));
  }

  private static String each(int topk, int rows) {
    return words("%d entries for each of the %d rows of a decode step", topk, rows);
  }

  /** The most entries of a sequence in a layer. */
  private static int entries(KvLayout layout, int contextLength) {
    return Math.max(
        1, contextLength / streams(layout).mapToInt(Stream::tokensPerRow).min().orElseThrow());
  }

  private static String words(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** The fewest slots of a buffer: what the rows of a decode step may choose together. */
  static int least(int topk, EngineOptions o) {
    return Math.multiplyExact(topk, rows(o));
  }

  /** The most rows of a sequence in a decode step: its newest token, and its drafts. */
  private static int rows(EngineOptions o) {
    return Sizes.logitRows(o) / o.batching().maxRunningRequests();
  }
}
