package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.observe.SpeculationStats;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * Which drafts are accepted: counts, no times. The counts are the same at every batch size, and for
 * a ballast twin, since the text is the same.
 */
final class MtpAcceptance {
  private static final int BATCH = 8;
  private static final int STEPS = 3;
  private static final int MOST = 5; // positions that fit a table
  private static final int[] LENGTHS = {STEPS, MOST};
  private static final double WARM = 0.8;
  private static final int SAMPLES = 4; // answers to each prompt

  private final Subject subject;
  private final Sheet sheet;
  private final String table;

  MtpAcceptance(Subject subject, Sheet sheet) {
    this.subject = subject;
    this.sheet = sheet;
    this.table = "mtp acceptance, " + subject.name();
  }

  void print(List<Text> texts) {
    positions(texts);
    coupling(texts);
  }

  private DraftedRun run(Text text, int answers, SpeculationOptions speculation) {
    int tokens = subject.size(256, 24);
    List<Job> jobs = text.jobs(0, subject.size(answers, 3), tokens, subject.settings().seed());
    int batch = Math.min(BATCH, jobs.size());
    EngineOptions options = MtpLab.options(subject, batch, speculation);
    return new DraftedRun(Session.run(subject.loaded(), options, jobs), batch);
  }

  private void positions(List<Text> texts) {
    sheet.title(
        "MTP, what is accepted: " + subject.name(),
        "greedy; of drafts at a position: accepted if all before were / accepted with all before");
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of(""));
    for (int i = 1; i <= MOST; i++) {
      head.add("draft " + i);
    }
    head.addAll(List.of("tokens/verify", "distinct-4"));
    cells.add(head);
    for (Text text : texts) {
      for (int k : LENGTHS) {
        DraftedRun run =
            run(
                text,
                text.prompts().size(),
                SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(k));
        cells.add(row(text.name() + ", k " + k, run));
      }
    }
    Comparison.markdown(sheet, cells);
    sheet.text(
        "tokens/verify: what a sequence gets from a step with drafts (aim: stories, 3 drafts: 3)");
    sheet.text(
        "distinct-4: share of different runs of 4 tokens in an answer; low is text that loops");
  }

  private List<String> row(String name, DraftedRun run) {
    SpeculationStats s = run.stats();
    List<String> row = new ArrayList<>(List.of(name));
    for (int i = 0; i < MOST; i++) {
      boolean there = i < s.positions();
      row.add(there ? share(conditional(s, i)) + " / " + share(all(s, i)) : "");
      if (there) {
        keep(name + ", draft " + (i + 1) + " if all before", "accepted", conditional(s, i));
        keep(name + ", draft " + (i + 1) + " and all before", "accepted", all(s, i));
      }
    }
    row.add(share(s.acceptanceLength()));
    row.add(share(run.distinct()));
    keep(name, "tokens/verify", s.acceptanceLength());
    keep(name, "distinct-4", run.distinct());
    return row;
  }

  private void coupling(List<Text> texts) {
    sheet.title(
        "MTP, drafts of sampled text: " + subject.name(),
        String.format(
            Locale.ROOT,
            "T %.1f, k %d; the drafter takes the likeliest token, or draws with the sampler's own"
                + " random number",
            WARM,
            STEPS));
    List<List<String>> cells = new ArrayList<>();
    cells.add(
        List.of(
            "",
            "likeliest 1, 2, 3",
            "tokens/verify",
            "drawn 1, 2, 3",
            "tokens/verify",
            "drawn over likeliest",
            "distinct-4"));
    SpeculationOptions drawn =
        SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(STEPS);
    for (Text greedy : texts) {
      Text text = greedy.at(WARM);
      int answers = SAMPLES * text.prompts().size();
      DraftedRun likeliest = run(text, answers, drawn.withCoupledDrafts(false));
      DraftedRun coupled = run(text, answers, drawn);
      double a = likeliest.stats().acceptanceLength();
      double b = coupled.stats().acceptanceLength();
      keep(text.name() + ", likeliest", "tokens/verify", a);
      keep(text.name() + ", drawn", "tokens/verify", b);
      cells.add(
          List.of(
              greedy.name(),
              shares(likeliest.stats()),
              share(a),
              shares(coupled.stats()),
              share(b),
              Sheet.times(b, a),
              share(coupled.distinct())));
    }
    Comparison.markdown(sheet, cells);
    sheet.text(
        "1, 2, 3: accepted if all before were. Both columns are of the same text, to the bit");
  }

  private void keep(String what, String unit, double value) {
    sheet.keep(new Figure(table, what, unit, value, value, value));
  }

  private static String shares(SpeculationStats s) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < s.positions(); i++) {
      all.add(share(conditional(s, i)));
    }
    return String.join(" ", all);
  }

  private static double conditional(SpeculationStats s, int i) {
    return s.judged(i) == 0 ? 0 : (double) s.accepted(i) / s.judged(i);
  }

  private static double all(SpeculationStats s, int i) {
    return (double) s.accepted(i) / s.drafted(i);
  }

  private static String share(double v) {
    return String.format(Locale.ROOT, "%.2f", v);
  }
}
