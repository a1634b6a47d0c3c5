package orrery.model.deepseekv4;

import java.util.ArrayList;
import java.util.List;
import orrery.attention.LatentKv;
import orrery.graph.StreamRows;
import orrery.hisparse.EntryBuffers;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.quantization.RowFormat;

/**
 * The rows that a token leaves in the cache, and the layers' handles on them. Both follow the same
 * order: each layer's streams one after the other, those of the MTP layer last.
 *
 * <pre>
 *   raw          a row a token; a token reads those of its window
 *   state        a row a token, until the entry is made that it takes part in
 *   compressed   a row for {@code ratio} tokens; later tokens read all of them
 *   index.state  as state,        of the keys by which an indexer selects: CSA alone
 *   index.key    as compressed
 * </pre>
 *
 * <p>State rows count from the beginning of an entry on, and a prefix ends where an entry ends. So
 * it needs none of them, but for CSA the rows of one entry: those that take part in the next entry
 * too.
 */
final class CacheStreams {
  private static final int BLOCK = 64; // columns of an FP8 row that share a scale

  private CacheStreams() {}

  static KvLayout layout(DeepSeekV4Config c, boolean mtp, KvDtype dtype) {
    List<Stream> streams = new ArrayList<>();
    for (int l = 0; l < c.layers(); l++) {
      add(c, c.plans().get(l), "layers." + l + ".", dtype, streams);
    }
    if (mtp) {
      add(c, LayerPlan.WINDOW, "mtp.", dtype, streams);
      streams.add(Stream.boundary("mtp.boundary", c.streamsWidth()));
    }
    return new KvLayout(streams);
  }

  private static void add(
      DeepSeekV4Config c, LayerPlan plan, String layer, KvDtype dtype, List<Stream> streams) {
    int width = c.attention().headDim();
    RowFormat format = dtype.format(BLOCK, c.attention().rotaryDim());
    streams.add(new Stream(layer + "raw", width, 1, c.window(), c.window() - 1, format));
    if (plan.attention().compresses()) {
      streams.add(state(layer + "state", width, plan));
      int topk = plan.attention() == LayerPlan.Attention.CSA ? c.attention().index().topK() : 0;
      streams.add(entries(layer + "compressed", width, plan, format, topk));
    }
    if (plan.attention() == LayerPlan.Attention.CSA) {
      int keyWidth = c.attention().index().headDim();
      streams.add(state(layer + "index.state", keyWidth, plan));
      streams.add(entries(layer + "index.key", keyWidth, plan, dtype.format(keyWidth, 0), 0));
    }
  }

  /** A vector and a gate for each entry that a token takes part in. */
  private static Stream state(String name, int width, LayerPlan plan) {
    int entries = plan.entriesOfToken();
    int needs = (entries - 1) * plan.ratio();
    return new Stream(name, 2 * entries * width, 1, entries * plan.ratio(), needs);
  }

  private static Stream entries(
      String name, int width, LayerPlan plan, RowFormat format, int chosen) {
    return new Stream(name, width, plan.ratio(), Stream.ALL, Stream.ALL, format, chosen);
  }

  /** The handles of all layers whose rows a cache has; last, if there, that of the MTP layer. */
  static LatentKv[] handles(DeepSeekV4Config c, KvCache cache) {
    List<LayerPlan> plans = new ArrayList<>(c.plans());
    boolean mtp = cache.layout().boundary() >= 0;
    if (mtp) {
      plans.add(LayerPlan.WINDOW);
    }
    LatentKv[] handles = new LatentKv[plans.size()];
    int next = 0; // stream
    for (int l = 0; l < handles.length; l++) {
      boolean compresses = plans.get(l).attention().compresses();
      boolean index = plans.get(l).attention() == LayerPlan.Attention.CSA;
      StreamRows raw = StreamRows.of(cache, next++);
      StreamRows state = compresses ? StreamRows.of(cache, next++) : null;
      StreamRows compressed = compresses ? StreamRows.of(cache, next++) : null;
      handles[l] =
          new LatentKv(
              raw,
              state,
              compressed,
              index ? StreamRows.of(cache, next++) : null,
              index ? StreamRows.of(cache, next++) : null,
              index ? EntryBuffers.of(cache, compressed) : null,
              c.window(),
              l < c.layers() ? 0 : 1);
    }
    return handles;
  }
}
