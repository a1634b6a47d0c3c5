package orrery.kernels;

/**
 * The loops of {@link VectorKernels#attend} around those of each format. Scores have keys in the
 * lanes; the mix of values has dims in the lanes.
 *
 * <p>Where words are whole, bf16 is decoded in registers, and FP8 becomes bf16 in the nearest
 * cache. What remains is decoded number by number and takes the loops of float32: small pages,
 * heads of an odd number of dims, the first and the last slots of a run, and FP8 numbers of extreme
 * size.
 */
final class AttentionLoops {
  /** Slots of a page that are mixed at a time; their values stay in cache for all queries. */
  static final int RUN = 64;

  private AttentionLoops() {}

  /**
   * Scores of the slots [from, to), which are whole tiles of 16 slots.
   *
   * @param query [queries] where each query's head starts in q
   * @param p [queries][to - from] receives the scores; those of slots outside [first, last] are
   *     garbage
   */
  static void scores(
      AttentionShape shape,
      float[] q,
      int[] query,
      int queries,
      CachedRows keys,
      int[] pages,
      int kv,
      int from,
      int to,
      int first,
      int last,
      float[] p,
      Scratch scratch) {
    int dims = shape.headDim();
    boolean whole = shape.tile() == 16 && dims % keys.perWord() == 0;
    if (whole && keys instanceof Fp8Rows) {
      float[] lifted = scratch.decoded(queries * dims); // [queries][headDim]
      whole = Fp8AttentionLoops.lift(q, query, queries, dims, lifted, scratch.starts(queries));
    }
    int width = to - from;
    for (int slot = from; slot < to; slot += 32) {
      int next = Math.min(slot + 16, to - 16);
      int at = slot - from;
      if (!(whole
          && scoresOfTiles(
              shape, q, query, queries, keys, pages, kv, slot, next, p, width, at, scratch))) {
        float[] tiles = scratch.tiles(2 * dims * 16); // [2][headDim][16]
        copy(shape, keys, pages, kv, slot, first, last, tiles, 0);
        copy(shape, keys, pages, kv, next, first, last, tiles, dims * 16);
        F32AttentionLoops.scores(
            dims, shape.scale(), q, query, queries, tiles, 0, dims * 16, p, width, at, next - slot);
      }
    }
  }

  /**
   * Scores of two tiles in pages of whole tiles.
   *
   * @return whether they are computed; FP8 numbers may be too large for it
   */
  private static boolean scoresOfTiles(
      AttentionShape shape,
      float[] q,
      int[] query,
      int queries,
      CachedRows keys,
      int[] pages,
      int kv,
      int slot,
      int next,
      float[] p,
      int width,
      int at,
      Scratch scratch) {
    int dims = shape.headDim();
    float scale = shape.scale();
    int apart = next - slot;
    int tile0 = shape.keyIndex(pages, slot, kv, 0, keys.perWord());
    int tile1 = shape.keyIndex(pages, next, kv, 0, keys.perWord());
    switch (keys) {
      case F32Rows rows ->
          F32AttentionLoops.scores(
              dims, scale, q, query, queries, rows.data(), tile0, tile1, p, width, at, apart);
      case Bf16Rows rows ->
          Bf16AttentionLoops.scores(
              dims, scale, q, query, queries, rows.data(), tile0, tile1, p, width, at, apart);
      case Fp8Rows rows -> {
        return Fp8AttentionLoops.scores(
            dims,
            scale,
            scratch.decoded(queries * dims),
            scratch.starts(queries),
            queries,
            rows,
            tile0,
            tile1,
            shape.scaleIndex(pages, slot, kv),
            shape.scaleIndex(pages, next, kv),
            p,
            width,
            at,
            apart,
            scratch);
      }
    }
    return true;
  }

  /**
   * Makes one tile of the keys of 16 slots, wherever they lie; an invisible slot, which may have no
   * page, gets the key of a visible one. This copy is what small pages cost.
   */
  private static void copy(
      AttentionShape shape,
      CachedRows keys,
      int[] pages,
      int kv,
      int slot,
      int first,
      int last,
      float[] tiles,
      int at) {
    for (int lane = 0; lane < 16; lane++) {
      int visible = Math.max(first, Math.min(last, slot + lane));
      shape.key(keys, pages, visible, kv, tiles, at + lane, 16);
    }
  }

  /**
   * mixed[i][d] = fma over the slots [first, last] of p[i][slot] · value[slot][d], for the queries
   * [query, query + queries). It runs page by page. Between two runs the chains rest in {@code
   * mixed}, which keeps their bits.
   *
   * @param p [query + queries][width]; column 0 belongs to slot {@code from}; the columns of these
   *     slots are scratch afterwards
   * @param mixed [query + queries][valueStride] the chains so far; this call continues them
   */
  static void mix(
      AttentionShape shape,
      float[] p,
      int query,
      int queries,
      int width,
      int from,
      CachedRows values,
      int[] pages,
      int kv,
      int first,
      int last,
      float[] mixed,
      Scratch scratch) {
    int stride = shape.valueStride();
    int end = query + queries - 1;
    boolean words = shape.pageTokens() % values.perWord() == 0;
    int word = words ? values.perWord() : 1;
    for (int slot = first; slot <= last; ) {
      int run = Math.min(last + 1 - slot, shape.pageTokens() - slot % shape.pageTokens());
      run = Math.min(run, RUN);
      boolean whole = words && slot % word == 0 && run >= word;
      if (word > 1) { // as many whole words as there are, or what is left of one
        run = whole ? run / word * word : Math.min(run, word - slot % word);
      }
      int at = slot - from;
      if (!(whole
          && mixOfRun(
              shape, p, at, width, query, end, run, values, pages, kv, slot, mixed, scratch))) {
        float[] decoded = scratch.decoded(run * stride); // [run][valueStride]
        for (int i = 0; i < run; i++) {
          shape.value(values, pages, slot + i, kv, decoded, i * stride);
        }
        F32AttentionLoops.mix(p, at, width, query, end, run, decoded, 0, stride, mixed, stride);
      }
      slot += run;
    }
  }

  /**
   * The part of {@link #mix} for some slots of one page, as whole words.
   *
   * @return whether it is done; FP8 numbers may be too large for it
   */
  private static boolean mixOfRun(
      AttentionShape shape,
      float[] p,
      int at,
      int width,
      int query,
      int end,
      int run,
      CachedRows values,
      int[] pages,
      int kv,
      int slot,
      float[] mixed,
      Scratch scratch) {
    int stride = shape.valueStride();
    int row = shape.valueWidth();
    int value = shape.valueIndex(pages, slot, kv, 0, values.perWord());
    switch (values) {
      case F32Rows rows ->
          F32AttentionLoops.mix(
              p, at, width, query, end, run, rows.data(), value, row, mixed, stride);
      case Bf16Rows rows ->
          Bf16AttentionLoops.mix(
              p, at, width, query, end, run, rows.data(), value, row, mixed, stride);
      case Fp8Rows rows -> {
        int scale = shape.scaleIndex(pages, slot, kv);
        return Fp8AttentionLoops.mix(
            p, at, width, query, end, run, rows, value, scale, row, mixed, stride, scratch);
      }
    }
    return true;
  }
}
