package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;

/**
 * The same requests with all entries on the device, and with the entries on the host. Both are one
 * memory here, so each copy is a loss.
 */
final class SparseSpeed {
  private static final int[] BATCHES = {1, 4};
  private static final int[] QUICK = {1, 2};
  private static final int ANSWER = 64; // tokens

  private SparseSpeed() {}

  static void print(Subject s, Sheet sheet, int context) {
    int slots = 2 * SparseRuns.chosen(s);
    sheet.title(
        "tokens a second: " + s.description(),
        context + " tokens a request; rows of prompts count as time, and not as tokens");
    for (int batch : s.settings().quick() ? QUICK : BATCHES) {
      EngineOptions device = SparseRuns.options(s, context, batch);
      List<Variant> variants = new ArrayList<>();
      variants.add(variant(s, batch + " requests, all on the device", device, context, batch));
      EngineOptions host = SparseRuns.sparse(device, slots);
      variants.add(variant(s, batch + " requests, buffers of " + slots, host, context, batch));
      List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
      Comparison table =
          new Comparison("sparse speed, " + s.name())
              .column("tok/s", Trace::tokensPerSecond)
              .column("us a decoded row", t -> t.microsPerDecodedRow(batch));
      table.print(sheet, all);
      table.ratio(
          sheet,
          "us a decoded row",
          all.getLast(),
          all.getFirst(),
          t -> t.microsPerDecodedRow(batch),
          "");
    }
  }

  private static Variant variant(
      Subject s, String name, EngineOptions options, int context, int batch) {
    List<Job> jobs = SparseRuns.jobs(s, batch, context, Math.min(ANSWER, context / 2));
    return new Variant(name, () -> Session.run(s.loaded(), options, jobs));
  }
}
