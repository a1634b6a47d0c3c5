package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * Draws numbers of few bits to scale: their values on a number line, their range in powers of two,
 * and what becomes of a block of weights. As an SVG file, as plain text for the reasons that {@link
 * RooflineSvg} gives.
 */
final class NumbersSvg {
  private static final int ROW = 32;
  private static final double LINE_TO = 8; // of the number line
  private static final int LOWEST = -152; // exponents of the range
  private static final int HIGHEST = 130;

  private static final String STYLE =
      """
      <style>
        text { font: 14px Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328 }
        .title { font-size: 17px; font-weight: bold }
        .soft { fill: #59636e; font-size: 13px }
        .page { fill: #ffffff }
        .grid { stroke: #e4e7eb; stroke-width: 1 }
        .value { stroke: #0969da; stroke-width: 1.1 }
        .weight { stroke: #bc4c00; stroke-width: 1.3 }
        .way { stroke: #59636e; stroke-width: 0.9 }
        .normal { fill: #0969da }
        .subnormal { fill: #a5cdf7 }
        @media (prefers-color-scheme: dark) {
          text { fill: #f0f6fc }
          .soft { fill: #9198a1 }
          .page { fill: #0d1117 }
          .grid { stroke: #262c36 }
          .value { stroke: #58a6ff }
          .weight { stroke: #f0883e }
          .way { stroke: #9198a1 }
          .normal { fill: #58a6ff }
          .subnormal { fill: #1f4b7d }
        }
      </style>
      """;

  /** A bar of the range: subnormal up to {@code normal}, then normal. */
  private record Bar(String name, double least, double normal, double largest) {
    static Bar of(NumberFormat f) {
      return new Bar(f.name(), f.least(), f.leastNormal(), f.largest());
    }

    /** All blocks together, if their scales go from {@code low} to {@code high}. */
    Bar scaled(String name, double low, double high) {
      return new Bar(name, least * low, least * low, largest * high);
    }
  }

  private final SvgPage page;

  private NumbersSvg(SvgPage page) {
    this.page = page;
  }

  /** The picture as the text of an SVG file. */
  static String draw(List<NumberFormat> formats, WeightBlock block) {
    SvgPage page = new SvgPage();
    NumbersSvg picture = new NumbersSvg(page);
    picture.numberLine(formats);
    picture.range(formats);
    block.draw(page);
    return page.finish("Numbers of few bits, to scale", STYLE);
  }

  private void numberLine(List<NumberFormat> formats) {
    page.heading(
        "All values from 0 to 8",
        "Each line is one value; where lines touch, they look like an area. Negative values:"
            + " mirrored.");
    int top = page.y;
    int bottom = page.y + formats.size() * ROW;
    for (int v = 0; v <= LINE_TO; v++) {
      page.line("grid", onLine(v), top, onLine(v), bottom);
      page.text(onLine(v), bottom + 18, "soft", "middle", Integer.toString(v));
    }
    for (NumberFormat f : formats) {
      page.text(20, page.y + 20, "", "start", f.name());
      DoubleStream values = DoubleStream.of(f.positive()).filter(v -> v <= LINE_TO);
      StringBuilder path = new StringBuilder();
      int[] last = {-1}; // in tenths of a pixel: lines that fall together are drawn once
      DoubleStream.concat(DoubleStream.of(f.signed() ? 0 : f.least()), values)
          .forEach(
              v -> {
                int at = (int) Math.round(10 * onLine(v));
                if (at != last[0]) {
                  path.append(String.format(Locale.ROOT, "M%.1f %dv20", at / 10.0, page.y + 5));
                  last[0] = at;
                }
              });
      page.path("value", path);
      page.y += ROW;
    }
    page.y = bottom + 34;
  }

  private static double onLine(double value) {
    return SvgPage.LEFT + (SvgPage.RIGHT - SvgPage.LEFT) * value / LINE_TO;
  }

  private void range(List<NumberFormat> formats) {
    page.heading(
        "From the least to the largest value, in powers of two",
        "Pale: subnormal values, which have fewer significant bits than the others.");
    List<Bar> bars = new ArrayList<>();
    bars.add(new Bar("float32", Float.MIN_VALUE, Float.MIN_NORMAL, Float.MAX_VALUE));
    formats.stream().map(Bar::of).forEach(bars::add);
    Bar fp4 = bars.stream().filter(b -> b.name().contains("FP4")).findFirst().orElseThrow();
    bars.add(fp4.scaled("MXFP4", 0x1p-127, 0x1p127));
    bars.add(fp4.scaled("NVFP4", 0x1p-9, 448));
    int top = page.y;
    int bottom = page.y + bars.size() * ROW;
    for (int e = -150; e <= 125; e += 25) {
      page.line("grid", onRange(e), top, onRange(e), bottom);
      page.text(onRange(e), bottom + 18, "soft", "middle", "2^" + e);
    }
    for (Bar bar : bars) {
      page.text(20, page.y + 20, "", "start", bar.name());
      rectangle("subnormal", bar.least(), bar.normal());
      rectangle("normal", bar.normal(), bar.largest());
      page.y += ROW;
    }
    page.text(
        20,
        bottom + 42,
        "soft",
        "start",
        "MXFP4, NVFP4: FP4 with its scale. One block spans no more than FP4; another block may lie"
            + " elsewhere in the bar.");
    page.y = bottom + 58;
  }

  private void rectangle(String kind, double from, double to) {
    double left = onRange(Math.log(from) / Math.log(2));
    double width = onRange(Math.log(to) / Math.log(2)) - left;
    page.rectangle(kind, left, page.y + 8, width, 14);
  }

  private static double onRange(double exponent) {
    return SvgPage.LEFT + (SvgPage.RIGHT - SvgPage.LEFT) * (exponent - LOWEST) / (HIGHEST - LOWEST);
  }
}
