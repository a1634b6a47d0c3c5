package orrery.engine;

import orrery.kernels.AttentionShape;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.model.Model;
import orrery.model.classic.ClassicConfig;
import orrery.model.classic.ClassicModel;

/** Reads the rows of a classic model's streams out of its cache, by (stream, position). */
final class CachedRows {
  private final KvCache cache;
  private final AttentionShape shape;
  private final int layers; // with the MTP layer
  final int boundary; // stream of MTP inputs; the streams before are keys and values in turn

  CachedRows(Model model, KvCache cache) {
    ClassicConfig c = ((ClassicModel) model).config();
    this.cache = cache;
    this.shape =
        new AttentionShape(c.heads(), c.kvHeads(), c.headDim(), c.headDim(), cache.spanOf(0), 1);
    this.boundary = cache.layout().boundary();
    this.layers = c.layers() + (boundary < 0 ? 0 : 1);
  }

  int streams() {
    return cache.layout().streams().size();
  }

  /** Whether a stream is the MTP layer's keys or values. */
  boolean isMtp(int stream) {
    return boundary >= 0 && stream / 2 == layers - 1 && stream != boundary;
  }

  /** The floats of one row, without padding. */
  float[] row(int stream, PageTable table, int slot) {
    int[] pages = table.pages(cache.layout().poolOf(stream));
    if (stream == boundary) {
      float[] row = new float[cache.layout().streams().get(stream).width()];
      cache.rows(stream).read(pages[slot / shape.pageTokens()], row, 0);
      return row;
    }
    float[] row = new float[shape.keyWidth()];
    for (int h = 0; h < shape.kvHeads(); h++) {
      int at = h * shape.headDim();
      if (stream % 2 == 0) {
        shape.key(cache.rows(stream), pages, slot, h, row, at, 1);
      } else {
        shape.value(cache.rows(stream), pages, slot, h, row, at);
      }
    }
    return row;
  }
}
