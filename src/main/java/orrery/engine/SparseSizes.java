package orrery.engine;

import orrery.hisparse.HisparseConfig;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvLayout;
import orrery.model.ModelSpec;
import orrery.options.Options;

/** Turns the options of sparse offload into sizes. */
final class SparseSizes {
  private static final int ROOM = 2; // a default buffer holds so many times what a step may read

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
    Options.check(
        layout.chosen() > 0,
        "enable-hisparse",
        "a model with an indexer, which chooses the entries that a row reads",
        model.architecture() + " without one");
    int slots = slots(layout.chosen(), o);
    return layout.onHost(new DeviceBuffers(slots, o.batching().maxRunningRequests()));
  }

  private static int slots(int topk, EngineOptions o) {
    HisparseConfig config = o.hisparse().hisparseConfig();
    Options.check(
        config.topK() == 0 || config.topK() == topk,
        "hisparse-config",
        "top_k " + topk + ", as the model's index_topk",
        config.topK());
    int rows = rows(o);
    int least = least(topk, o);
    int slots = config.deviceBufferSize();
    Options.check(
        slots == 0 || slots >= least,
        "hisparse-config",
        "device_buffer_size of at least %d, %d entries for each of the %d rows of a decode step"
            .formatted(least, topk, rows),
        slots);
    return slots > 0 ? slots : Math.multiplyExact(ROOM, least);
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
