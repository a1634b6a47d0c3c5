package orrery.engine;

import java.util.Arrays;
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
    float[] data = cache.rows(stream).floats();
    int[] pages = table.pages(cache.layout().poolOf(stream));
    if (stream == boundary) {
      int width = cache.layout().streams().get(stream).width();
      int from = pages[slot / shape.pageTokens()] * width;
      return Arrays.copyOfRange(data, from, from + width);
    }
    float[] row = new float[shape.keyWidth()];
    for (int h = 0; h < shape.kvHeads(); h++) {
      for (int d = 0; d < shape.headDim(); d++) {
        row[h * shape.headDim() + d] =
            stream % 2 == 0
                ? data[shape.keyIndex(pages, slot, h) + d * shape.tile()]
                : data[shape.valueIndex(pages, slot, h) + d];
      }
    }
    return row;
  }
}
