package orrery.lab;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import orrery.lab.Timeline.Lane;
import orrery.lab.Timeline.Span;
import orrery.lab.Timeline.StepAt;

/** Draws a trace of JSON lines: a lane for each sequence, the steps, and the pages below them. */
public final class TimelineSvg {
  private static final int WIDTH = 960;
  private static final int LEFT = 112;
  private static final int RIGHT = 940;
  private static final int TOP = 116;
  private static final int LANE = 18;
  private static final int MOST_LANES = 64;
  private static final int PAGES = 90; // height of the graph of pages
  private static final List<String> STATES = List.of("waiting", "prefill", "decode", "retracted");

  /** What the colours of a line of the picture mean, and which words stand beside them. */
  private record Legend(String of, List<String> kinds, List<String> words) {}

  private static final List<Legend> LEGENDS =
      List.of(
          new Legend(
              "requests",
              STATES,
              List.of(
                  "waits", "prefill", "decode, a line at each token", "retracted, waits again")),
          new Legend(
              "steps", List.of("prefill", "odd"), List.of("with prompt rows", "decode only")),
          new Legend(
              "pages",
              List.of("held", "idle", "free"),
              List.of("held by requests", "cached, held by none", "free")));

  private static final String STYLE =
      """
      <style>
        text { font: 12px Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328 }
        .title { font-size: 17px; font-weight: bold }
        .soft { fill: #59636e }
        .page { fill: #ffffff }
        .grid { stroke: #e4e7eb }
        .waiting { fill: #d0d7de }
        .prefill { fill: #0969da }
        .decode { fill: #4ac26b }
        .retracted { fill: #bc4c00 }
        .token { stroke: #ffffff; stroke-width: 0.8 }
        .odd { fill: #8c959f }
        .even { fill: #afb8c1 }
        .held { fill: #8250df }
        .idle { fill: #eac54f }
        .free { fill: #eaeef2 }
        @media (prefers-color-scheme: dark) {
          text { fill: #f0f6fc }
          .soft { fill: #9198a1 }
          .page { fill: #0d1117 }
          .grid { stroke: #262c36 }
          .waiting { fill: #3d444d }
          .free { fill: #212830 }
          .token { stroke: #0d1117 }
        }
      </style>
      """;

  private final Timeline run;
  private final long start;
  private final long end;
  private final StringBuilder svg = new StringBuilder();

  private TimelineSvg(Timeline run) {
    this.run = run;
    this.start =
        run.lanes().stream()
            .flatMap(lane -> lane.spans().stream())
            .mapToLong(Span::from)
            .min()
            .orElse(0);
    this.end = Math.max(run.end(), start + 1); // an axis needs a length
  }

  /**
   * The picture of a trace, as the text of an SVG file.
   *
   * @param remarks is told if the trace is cut short
   * @throws IOException naming the file, if it is no trace of JSON lines
   */
  public static String draw(Path trace, Consumer<String> remarks) throws IOException {
    return new TimelineSvg(Timeline.read(trace, remarks)).draw();
  }

  private String draw() {
    List<Lane> lanes = run.lanes().subList(0, Math.min(run.lanes().size(), MOST_LANES));
    int steps = TOP + lanes.size() * LANE + 14;
    int pages = steps + LANE + 14;
    int height = pages + PAGES + 44;
    line(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">",
        WIDTH, height);
    line("<title>%s</title>", title());
    svg.append(STYLE);
    line("<rect class=\"page\" width=\"%d\" height=\"%d\"/>", WIDTH, height);
    text(LEFT, 26, "title", "start", title());
    legend();
    axis(height - 36);
    for (int i = 0; i < lanes.size(); i++) {
      lane(lanes.get(i), TOP + i * LANE);
    }
    if (lanes.size() < run.lanes().size()) {
      text(RIGHT, 26, "soft", "end", (run.lanes().size() - lanes.size()) + " more are not shown");
    }
    steps(steps);
    pages(pages);
    line("</svg>");
    return svg.toString();
  }

  /** What happened, in words: a retraction if there was one. */
  private String title() {
    List<Lane> retracted = run.lanes().stream().filter(TimelineSvg::retracted).toList();
    String answers = count(run.lanes().size(), "answer");
    return retracted.isEmpty()
        ? answers + " in " + count(run.steps().size(), "step")
        : retracted.size() == 1
            ? "The pages run out: " + retracted.getFirst().name() + " gives its pages back"
            : "The pages run out: "
                + retracted.size()
                + " of "
                + answers
                + " give their pages back";
  }

  private static boolean retracted(Lane lane) {
    return lane.spans().stream().anyMatch(span -> span.state().equals("retracted"));
  }

  private static String count(int n, String what) {
    return n + " " + what + (n == 1 ? "" : "s");
  }

  private void legend() {
    for (int l = 0; l < LEGENDS.size(); l++) {
      Legend legend = LEGENDS.get(l);
      int y = 52 + l * LANE;
      text(LEFT - 8, y, "soft", "end", legend.of);
      double x = LEFT;
      for (int i = 0; i < legend.kinds.size(); i++) {
        bar(legend.kinds.get(i), x, y - 10, 11, 11);
        text(x + 15, y, "soft", "start", legend.words.get(i));
        x += 34 + 6.3 * legend.words.get(i).length();
      }
    }
  }

  /** A line and a time about every eighth of the width, at 1, 2 or 5 of a power of ten. */
  private void axis(int bottom) {
    double span = (end - start) / 1e6; // ms
    double unit = Math.pow(10, Math.floor(Math.log10(span / 8)));
    double ratio = span / 8 / unit;
    double tick = unit * (ratio < 2 ? 2 : ratio < 5 ? 5 : 10);
    for (double t = 0; t <= span; t += tick) {
      double x = x(start + (long) (t * 1e6));
      line("<path class=\"grid\" d=\"M%.1f %d V%d\"/>", x, TOP - 6, bottom);
      text(x, bottom + 16, "soft", "middle", String.format(Locale.ROOT, "%.0f ms", t));
    }
  }

  private void lane(Lane lane, int top) {
    text(LEFT - 8, top + 12, "soft", "end", lane.name());
    for (Span span : lane.spans()) {
      if (STATES.contains(span.state())) {
        bar(span.state(), x(span.from()), top + 2, x(span.to()) - x(span.from()), LANE - 4);
      }
    }
    StringBuilder path = new StringBuilder();
    for (long token : lane.tokens()) {
      path.append(String.format(Locale.ROOT, "M%.1f %d v%d ", x(token), top + 2, LANE - 4));
    }
    line("<path class=\"token\" d=\"%s\"/>", path);
  }

  private void steps(int top) {
    text(LEFT - 8, top + 12, "soft", "end", "steps");
    for (int i = 0; i < run.steps().size(); i++) {
      StepAt s = run.steps().get(i);
      String kind = s.promptRows() > 0 ? "prefill" : i % 2 == 0 ? "even" : "odd";
      bar(kind, x(s.from()), top + 2, x(s.to()) - x(s.from()), LANE - 4);
    }
  }

  private void pages(int top) {
    if (!run.steps().isEmpty()) {
      text(LEFT - 8, top + 12, "soft", "end", count(run.steps().getFirst().pages(), "page"));
    }
    bar("free", LEFT, top, RIGHT - LEFT, PAGES);
    area("idle", top + PAGES, s -> s.referenced() + s.idle());
    area("held", top + PAGES, StepAt::referenced);
  }

  /** Draws a staircase: the pages at the end of a step stay until the next step ends. */
  private void area(String kind, int bottom, ToIntFunction<StepAt> height) {
    StringBuilder path = new StringBuilder(String.format(Locale.ROOT, "M%d %d", LEFT, bottom));
    for (StepAt s : run.steps()) {
      double y = bottom - (double) PAGES * height.applyAsInt(s) / s.pages();
      path.append(String.format(Locale.ROOT, "H%.1fV%.1f", x(s.to()), y));
    }
    line("<path class=\"%s\" d=\"%sH%dV%dZ\"/>", kind, path, RIGHT, bottom);
  }

  private double x(long nanos) {
    return LEFT + (RIGHT - LEFT) * (double) (nanos - start) / Math.max(1, end - start);
  }

  private void bar(String kind, double x, double y, double width, double height) {
    line(
        "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
        kind, x, y, Math.max(0, width), Math.max(0, height));
  }

  private void text(double x, double y, String kind, String anchor, String words) {
    line(
        "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        kind, x, y, anchor, words.replace("&", "&amp;").replace("<", "&lt;"));
  }

  private void line(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
