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
  /** Floats of values that stay in the nearest cache for all queries: 32 KiB. */
  private static final int CACHED = 8192;

  /** Slots that are mixed at a time, at most. */
  static final int MOST_TOGETHER = 512;

  /** Slots whose keys are read ahead at a time. */
  private static final int AHEAD = 128;

  private static final int[] ONE_RUN = {0};

  private AttentionLoops() {}

  /**
   * Scores of the slots [from, to), which are whole tiles of 16 slots.
   *
   * @param query [queries] where each query's head starts in q
   * @param ahead whether to read the keys of all heads first, see {@link CacheLines}
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
      boolean ahead,
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
      if (whole && ahead && at % AHEAD == 0) {
        for (int s = slot; s < Math.min(to, slot + AHEAD); s += 16) {
          int start = shape.keyIndex(pages, s, 0, 0, keys.perWord());
          scratch.kept ^= CacheLines.read(keys, start, shape.keyWidth() * 16);
        }
      }
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
   * [query, query + queries). Some slots at a time, so that their values stay in the nearest cache
   * for all queries. In between the chains rest in {@code mixed}, which keeps their bits.
   *
   * @param ahead whether to read the values of all heads first, see {@link CacheLines}
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
      boolean ahead,
      int first,
      int last,
      float[] mixed,
      Scratch scratch) {
    int stride = shape.valueStride();
    int end = query + queries - 1;
    int word = shape.pageTokens() % values.perWord() == 0 ? values.perWord() : 1;
    boolean words = word == values.perWord();
    int together = Math.max(word, Math.min(MOST_TOGETHER, CACHED / stride) / word * word);
    for (int slot = first; slot <= last; ) {
      int n = Math.min(last + 1 - slot, together);
      boolean whole = words && slot % word == 0 && n >= word;
      if (word > 1) { // as many whole words as there are, or what is left of one
        n = whole ? n / word * word : Math.min(n, word - slot % word);
      }
      int at = slot - from;
      if (whole && ahead) {
        readLines(shape, values, pages, slot, n, word, scratch);
      }
      if (!(whole
          && mixOfWords(
              shape, p, at, width, query, end, n, values, pages, kv, slot, mixed, scratch))) {
        float[] decoded = scratch.decoded(n * stride); // [n][valueStride]
        for (int i = 0; i < n; i++) {
          shape.value(values, pages, slot + i, kv, decoded, i * stride);
        }
        F32AttentionLoops.mix(
            p, at, width, query, end, n, n, n, decoded, ONE_RUN, stride, mixed, stride);
      }
      slot += n;
    }
  }

  /** Reads the values of all heads of some slots, as whole words, page by page. */
  private static void readLines(
      AttentionShape shape,
      CachedRows values,
      int[] pages,
      int slot,
      int n,
      int word,
      Scratch scratch) {
    int page = shape.pageTokens();
    for (int s = slot, next; s < slot + n; s = next) {
      next = Math.min(slot + n, (s / page + 1) * page);
      int start = shape.valueIndex(pages, s, 0, 0, word);
      scratch.kept ^= CacheLines.read(values, start, (next - s) * shape.valueWidth());
    }
  }

  /**
   * The part of {@link #mix} for some slots, as whole words.
   *
   * @return whether it is done; FP8 numbers may be too large for it
   */
  private static boolean mixOfWords(
      AttentionShape shape,
      float[] p,
      int at,
      int width,
      int query,
      int end,
      int n,
      CachedRows values,
      int[] pages,
      int kv,
      int slot,
      float[] mixed,
      Scratch scratch) {
    int stride = shape.valueStride();
    int row = shape.valueWidth();
    int page = shape.pageTokens();
    int run = page - slot % page; // slots of the first page
    int[] runs = scratch.runs(n / page + 2); // [runs] where the slots of each page start
    for (int i = 0, s = slot; s < slot + n; s = (s / page + 1) * page) {
      runs[i++] = shape.valueIndex(pages, s, kv, 0, values.perWord());
    }
    run = Math.min(run, n);
    switch (values) {
      case F32Rows rows ->
          F32AttentionLoops.mix(
              p, at, width, query, end, n, run, page, rows.data(), runs, row, mixed, stride);
      case Bf16Rows rows ->
          Bf16AttentionLoops.mix(
              p, at, width, query, end, n, run, page, rows.data(), runs, row, mixed, stride);
      case Fp8Rows rows -> {
        int[] scales = scratch.starts(n / page + 2); // [runs] where the scales of each page start
        for (int i = 0, s = slot; s < slot + n; s = (s / page + 1) * page) {
          scales[i++] = shape.scaleIndex(pages, s, kv);
        }
        return Fp8AttentionLoops.mix(
            p, at, width, query, end, n, run, page, rows, runs, scales, row, mixed, stride,
            scratch);
      }
    }
    return true;
  }
}
