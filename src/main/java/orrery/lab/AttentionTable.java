package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.kernels.AttentionShape;
import orrery.kernels.CachedRows;
import orrery.kernels.F32Rows;
import orrery.kernels.Kernels;
import orrery.kernels.Scratch;
import orrery.kv.KvDtype;
import orrery.quantization.RowFormat;

/**
 * The cost of pages for attention: one query row over a context, which is cut into pages of several
 * sizes. And what cached rows of fewer bits save: many requests, whose rows no near cache holds.
 */
final class AttentionTable {
  private static final int HEADS = 8;
  private static final int KV_HEADS = 2;
  private static final int DIM = 64;
  private static final int[] CONTEXTS = {64, 512};
  private static final int[] PAGES = {0, 16, 4, 1}; // 0: one page of the whole context

  /** The shape of storyteller-moe: heads, key/value heads and dims. */
  private static final AttentionShape STEP =
      new AttentionShape(6, 2, 32, 32, 16, (float) (1 / Math.sqrt(32)));

  private static final int REQUESTS = 32;
  private static final int LAYERS = 6;
  private static final int[] BEHIND = {128, 1024}; // tokens behind each request

  private AttentionTable() {}

  /**
   * @param ceiling of multiply-adds on one thread, in GFLOP/s
   */
  static void print(Sheet sheet, Kernels kernels, double ceiling, double seconds) {
    pages(sheet, kernels, seconds);
    for (int tokens : BEHIND) {
      formats(sheet, kernels, tokens, ceiling, seconds);
    }
  }

  private static void formats(
      Sheet sheet, Kernels kernels, int tokens, double ceiling, double seconds) {
    List<Trial.Variant> variants = new ArrayList<>();
    for (KvDtype dtype : KvDtype.values()) {
      variants.add(step(kernels, dtype, tokens));
    }
    List<Trial.Timing> timings = Trial.run(variants, seconds);
    sheet.title(
        "attention of " + REQUESTS + " requests, " + tokens + " tokens of context each, one thread",
        STEP.heads()
            + " heads of "
            + STEP.headDim()
            + ", "
            + STEP.kvHeads()
            + " key/value heads; "
            + LAYERS
            + " layers take turns");
    for (Trial.Timing t : timings) {
      String share = Sheet.percent(t.rate(), ceiling) + " of the ceiling";
      Trial.Timing wide = timings.getFirst();
      String faster = t == wide ? "" : "; " + Sheet.times(wide.median(), t.median()) + " of f32";
      sheet.add(Figure.rate("attention over formats", "GFLOP/s", t), share + faster);
    }
  }

  /** A layer's attention of one row of each request; the next call takes the next layer. */
  private static Trial.Variant step(Kernels kernels, KvDtype dtype, int tokens) {
    int span = STEP.pageTokens();
    int n = REQUESTS * (tokens / span);
    List<CachedRows> keys = new ArrayList<>(); // [layers]
    List<CachedRows> values = new ArrayList<>(); // [layers]
    for (int l = 0; l < LAYERS; l++) {
      keys.add(rows(dtype.format(STEP.headDim(), 0), STEP.keyWidth(), n * span));
      values.add(rows(dtype.format(STEP.valueStride(), 0), STEP.valueWidth(), n * span));
    }
    int[][] pages = new int[REQUESTS][tokens / span];
    for (int i = 0; i < n; i++) {
      pages[i % REQUESTS][i / REQUESTS] = (int) (7L * i % n); // 7 is prime to all counts here
    }
    int width = STEP.heads() * STEP.headDim();
    float[] q = fill(REQUESTS * width);
    float[] out = new float[REQUESTS * width];
    Scratch scratch = new Scratch();
    int[] layer = {0};
    Runnable call =
        () -> {
          int l = layer[0]++ % LAYERS;
          for (int r = 0; r < REQUESTS; r++) {
            for (int kv = 0; kv < STEP.kvHeads(); kv++) {
              kernels.attend(
                  STEP,
                  q,
                  r * width,
                  width,
                  1,
                  keys.get(l),
                  values.get(l),
                  pages[r],
                  0,
                  tokens - 1,
                  kv,
                  kv + 1,
                  out,
                  r * width,
                  width,
                  scratch);
            }
          }
        };
    double flops = 4.0 * REQUESTS * tokens * width;
    return new Trial.Variant(
        dtype.name().toLowerCase(Locale.ROOT) + " keys and values",
        flops / 1e9,
        Trial.Job.of(call));
  }

  private static CachedRows rows(RowFormat format, int width, int n) {
    CachedRows rows = CachedRows.allocate(format, width, n);
    float[] row = new float[width];
    for (int r = 0; r < n; r++) {
      for (int i = 0; i < width; i++) {
        row[i] = Product.value(r * width + i);
      }
      rows.write(r, row, 0);
    }
    return rows;
  }

  private static void pages(Sheet sheet, Kernels kernels, double seconds) {
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
