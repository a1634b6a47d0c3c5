package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.kernels.AttentionShape;
import orrery.kernels.CachedRows;
import orrery.kernels.F32Rows;
import orrery.kernels.Kernels;
import orrery.kernels.Scratch;

/**
 * The cost of pages for attention: one query row over a context, which is cut into pages of several
 * sizes.
 */
final class AttentionTable {
  private static final int HEADS = 8;
  private static final int KV_HEADS = 2;
  private static final int DIM = 64;
  private static final int[] CONTEXTS = {64, 512};
  private static final int[] PAGES = {0, 16, 4, 1}; // 0: one page of the whole context

  private AttentionTable() {}

  static void print(Sheet sheet, Kernels kernels, double seconds) {
    List<Trial.Variant> variants = new ArrayList<>();
    for (int context : CONTEXTS) {
      for (int page : PAGES) {
        String name = "context " + context + ", pages of " + (page == 0 ? context : page);
        variants.add(variant(name, kernels, context, page == 0 ? context : page));
      }
    }
    List<Trial.Timing> timings = Trial.run(variants, seconds);
    sheet.title(
        "attention of one row, one thread",
        HEADS
            + " heads of "
            + DIM
            + ", "
            + KV_HEADS
            + " key/value heads; pages lie scattered in their pool");
    for (int i = 0; i < timings.size(); i++) {
      Trial.Timing t = timings.get(i);
      Trial.Timing whole = timings.get(i / PAGES.length * PAGES.length);
      String remark = t == whole ? "" : Sheet.times(t.median(), whole.median()) + " of one page";
      sheet.add(Figure.micros("attention", t), remark);
    }
  }

  private static Trial.Variant variant(String name, Kernels kernels, int context, int pageTokens) {
    AttentionShape shape =
        new AttentionShape(HEADS, KV_HEADS, DIM, DIM, pageTokens, (float) (1 / Math.sqrt(DIM)));
    int n = context / pageTokens;
    int[] pages = new int[n]; // [pages] a permutation: 7 is prime to all counts here
    for (int i = 0; i < n; i++) {
      pages[i] = (int) (7L * i % n);
    }
    CachedRows keys = new F32Rows(shape.keyWidth(), fill(context * shape.keyWidth()));
    CachedRows values = new F32Rows(shape.valueWidth(), fill(context * shape.valueWidth()));
    float[] q = fill(HEADS * DIM);
    float[] out = new float[HEADS * shape.valueStride()]; // [heads][valueDim]
    int width = HEADS * DIM;
    Scratch scratch = new Scratch();
    return new Trial.Variant(
        name,
        1,
        Trial.Job.of(
            () ->
                kernels.attend(
                    shape,
                    q,
                    0,
                    width,
                    1,
                    keys,
                    values,
                    pages,
                    0,
                    context - 1,
                    0,
                    KV_HEADS,
                    out,
                    0,
                    width,
                    scratch)));
  }

  private static float[] fill(int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = Product.value(i);
    }
    return x;
  }
}
