package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.StreamKind;

/** What cached rows of fewer bits save in memory, and how far they move the model. */
final class CachedRowsLab implements Lab.Experiment {
  private static final int MEMORY = 1 << 20; // bytes that requests share
  private static final int PAGE = 16; // tokens, rounded up to whole rows
  private static final int QUICK = 2; // passages

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    memory(s, sheet);
    quality(s, sheet);
    return List.of();
  }

  private static KvLayout layout(Subject s, KvDtype dtype) {
    return s.loaded().model().kvLayout(false, dtype);
  }

  private static void memory(Subject s, Sheet sheet) {
    int context = Math.min(1024, s.loaded().model().maxPositions());
    sheet.title(
        "cached rows: " + s.name(), "bytes of one request, of rows that are kept and of windows");
    List<List<String>> cells = new ArrayList<>();
    cells.add(
        List.of(
            "",
            "bytes a token",
            "of f32",
            "bytes of windows",
            "bytes at " + context + " tokens",
            "such requests in 1 MiB"));
    double first = 0;
    for (KvDtype dtype : KvDtype.values()) {
      long token = 0;
      long windows = 0;
      int page = layout(s, dtype).wholeRows(PAGE);
      for (StreamKind k : StreamKind.of(layout(s, dtype))) {
        token += k.grows() ? k.bytes(page, page) : 0;
        windows += k.grows() ? 0 : k.readable(k.stream().keeps(), page);
      }
      double each = (double) token / page;
      first = dtype == KvDtype.F32 ? each : first;
      double all = each * context + windows;
      keep(sheet, s, dtype, "bytes a token", "B", each);
      keep(sheet, s, dtype, "bytes at " + context + " tokens", "B", all);
      cells.add(
          List.of(
              name(dtype),
              String.format(Locale.ROOT, "%.1f", each),
              Sheet.percent(each, first),
              String.format(Locale.ROOT, "%,d", windows),
              String.format(Locale.ROOT, "%,.0f", all),
              Sheet.number(MEMORY / all)));
    }
    Comparison.markdown(sheet, cells);
  }

  private static void quality(Subject s, Sheet sheet) {
    List<HeldOutText.Passage> passages = HeldOutText.of(s.loaded(), null, s.settings().seed());
    passages = passages.subList(0, s.size(passages.size(), Math.min(QUICK, passages.size())));
    sheet.title(
        "held-out text: " + s.name(),
        "against the same model with cached rows of f32; KL in nats, of each token's distribution");
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("", "KL, mean", "KL, worst", "same best token", "perplexity", "right token"));
    for (KvDtype dtype : KvDtype.values()) {
      EngineOptions f32 = s.options().withKv(kv -> kv.withKvCacheDtype(KvDtype.F32));
      EngineOptions other = s.options().withKv(kv -> kv.withKvCacheDtype(dtype));
      Fidelity.Score all = Fidelity.compare(s.loaded(), f32, s.loaded(), other, passages).getLast();
      keep(sheet, s, dtype, "KL", "nat", all.kl());
      keep(sheet, s, dtype, "same best token", "%", 100 * all.agreement());
      boolean text = all.foretold() > 0; // not of random tokens
      if (text) {
        keep(sheet, s, dtype, "perplexity", "", all.otherPerplexity());
      }
      cells.add(
          List.of(
              name(dtype),
              String.format(Locale.ROOT, "%.2e", all.kl()),
              String.format(Locale.ROOT, "%.2e", all.worstKl()),
              String.format(Locale.ROOT, "%.2f %%", 100 * all.agreement()),
              text ? String.format(Locale.ROOT, "%.5f", all.otherPerplexity()) : "no text",
              text ? String.format(Locale.ROOT, "%.2f %%", 100 * all.otherRight()) : "no text"));
    }
    Comparison.markdown(sheet, cells);
  }

  private static String name(KvDtype dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  private static void keep(
      Sheet sheet, Subject s, KvDtype dtype, String what, String unit, double value) {
    String table = "cached rows, " + s.name();
    sheet.keep(new Figure(table, name(dtype) + ", " + what, unit, value, value, value));
  }
}
