package orrery.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import orrery.engine.Heap;
import orrery.kv.KvDtype;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.kv.StreamKind;

/** What sequences leave in the KV cache, by kind of row and by length. */
final class CacheTables {
  private static final int PAGE = 16; // tokens of a page, rounded up to whole rows
  private static final int[] LENGTHS = {4096, 131_072, 1_048_576};
  private static final String KIND = "%-16s %8s %8s %12s %13s %6s %17s %17s%n";

  private final KvLayout layout;
  private final KvDtype dtype;
  private final List<StreamKind> kinds;
  private final int page;
  private final PrintWriter out;

  CacheTables(KvLayout layout, KvDtype dtype, PrintWriter out) {
    this.layout = layout;
    this.dtype = dtype;
    this.kinds = StreamKind.of(layout);
    this.page = layout.wholeRows(PAGE);
    this.out = out;
  }

  /** One line about a whole layout. */
  void summary(String what) {
    long token = 0;
    long windows = 0;
    for (StreamKind k : kinds) {
      token += k.grows() ? k.bytes(page, page) : 0;
      windows += k.grows() ? 0 : k.readable(k.stream().keeps(), page);
    }
    out.printf(
        Locale.ROOT,
        "%s %d streams, %,d bytes a token%s, as %s%n",
        what,
        layout.streams().size(),
        token / page,
        windows > 0 ? " beside the " + number(windows) + " of a sequence's windows" : "",
        dtype == KvDtype.F32 ? "float32" : EnumWord.of(dtype));
  }

  /** A line for each kind of row. */
  void kinds() {
    out.printf(
        "%n" + KIND,
        "row",
        "streams",
        "floats",
        "bytes a row",
        "tokens a row",
        "kept",
        "bytes a token",
        "bytes a sequence");
    for (StreamKind k : kinds) {
      Stream s = k.stream();
      boolean perPage = s.tokensPerRow() == Stream.PER_PAGE;
      out.printf(
          Locale.ROOT,
          KIND,
          k.name(),
          k.streams(),
          s.width(),
          number(s.format().bytes(s.width())),
          perPage ? page + " (page)" : s.tokensPerRow(),
          k.grows() ? "all" : s.keeps(),
          k.grows() ? number(k.bytes(page, page) / page) : "",
          k.grows() ? "" : number(k.readable(s.keeps(), page)));
    }
  }

  private static String number(long bytes) {
    return String.format(Locale.ROOT, "%,d", bytes);
  }

  /** What one sequence takes at several lengths, by how the rows of windows are kept. */
  void lengths(int maxPositions) {
    int[] some = IntStream.of(LENGTHS).filter(n -> n <= maxPositions).toArray();
    int[] lengths = some.length > 0 ? some : new int[] {maxPositions};
    KvGeometry geometry = new KvGeometry(layout, page);
    out.printf("%n%-48s", "one sequence of so many tokens:");
    for (int n : lengths) {
      out.printf(Locale.ROOT, " %,12d", n);
    }
    out.println();
    row("rows that are kept to the end", lengths, (k, n) -> k.grows() ? k.bytes(n, page) : 0);
    if (kinds.stream().anyMatch(k -> !k.grows())) {
      windows("windows, if none of their rows is given back", lengths, (k, n) -> k.bytes(n, page));
      windows("windows in pages of " + page, lengths, (k, n) -> k.held(n, page, page));
      windows(
          "windows in small pages",
          lengths,
          (k, n) -> k.held(n, page, span(geometry, k.stream().keeps())));
    }
    if (layout.chosen() > 0) {
      row("on the host with " + HisparseFlags.ENABLE, lengths, CacheTables::onHost);
      row(
          "buffers of 2 x %d entries (without drafts)".formatted(layout.chosen()),
          lengths,
          CacheTables::buffers);
    }
  }

  /** Bytes of entries from which rows choose; sparse offload has them on the host. */
  private static long onHost(StreamKind k, int tokens) {
    return k.stream().chosen() > 0 ? k.bytes(tokens, PAGE) : 0;
  }

  /** Bytes that sparse offload keeps of them on the device, by default, but not more than all. */
  private static long buffers(StreamKind k, int tokens) {
    Stream s = k.stream();
    long slots = Math.min(2L * s.chosen(), tokens / Math.max(1, s.tokensPerRow()));
    return slots * k.streams() * s.format().bytes(s.width());
  }

  private static int span(KvGeometry geometry, int keeps) {
    return IntStream.range(0, geometry.pools())
        .filter(pool -> geometry.keeps(pool) == keeps)
        .map(geometry::span)
        .findFirst()
        .orElseThrow();
  }

  private interface Bytes {
    long of(StreamKind kind, int tokens);
  }

  private void windows(String what, int[] lengths, Bytes bytes) {
    row(what, lengths, (k, n) -> k.grows() ? 0 : bytes.of(k, n));
  }

  private void row(String what, int[] lengths, Bytes bytes) {
    out.printf("%-48s", what);
    for (int n : lengths) {
      long all = kinds.stream().mapToLong(k -> bytes.of(k, n)).sum();
      out.printf(" %12s", Heap.size(all));
    }
    out.println();
  }
}
