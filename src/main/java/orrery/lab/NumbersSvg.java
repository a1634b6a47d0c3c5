package orrery.lab;

import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.DoubleStream;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/**
 * Draws numbers of few bits to scale: their values on a number line, their range in powers of two,
 * and what becomes of a block of weights. As an SVG file, as plain text for the reasons that {@link
 * RooflineSvg} gives.
 */
final class NumbersSvg {
  private static final int WIDTH = 840;
  private static final int LEFT = 120;
  private static final int RIGHT = 810;
  private static final int ROW = 32;
  private static final int STRIP = 104; // of the block, for each form
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

  /**
   * Neighbouring weights.
   *
   * @param name of their matrix
   * @param weights [32]
   */
  record Block(String name, float[] weights) {}

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

  private final StringBuilder svg = new StringBuilder();
  private int y; // where the next thing is drawn

  private NumbersSvg() {}

  /** The picture as the text of an SVG file. */
  static String draw(List<NumberFormat> formats, Block block) {
    NumbersSvg picture = new NumbersSvg();
    picture.numberLine(formats);
    picture.range(formats);
    picture.block(block);
    int height = picture.y;
    return String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">%n",
            WIDTH,
            height)
        + "<title>Numbers of few bits, to scale</title>\n"
        + STYLE
        + String.format(
            Locale.ROOT, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>%n", WIDTH, height)
        + picture.svg
        + "</svg>\n";
  }

  private void heading(String title, String meaning) {
    text(20, y + 34, "title", "start", title);
    text(20, y + 56, "soft", "start", meaning);
    y += 76;
  }

  private void numberLine(List<NumberFormat> formats) {
    heading(
        "All values from 0 to 8",
        "Each line is one value. The negative values are the same, mirrored.");
    int top = y;
    int bottom = y + formats.size() * ROW;
    for (int v = 0; v <= LINE_TO; v++) {
      line("grid", onLine(v), top, onLine(v), bottom);
      text(onLine(v), bottom + 18, "soft", "middle", Integer.toString(v));
    }
    for (NumberFormat f : formats) {
      text(20, y + 20, "", "start", f.name());
      DoubleStream values = DoubleStream.of(f.positive()).filter(v -> v <= LINE_TO);
      StringBuilder path = new StringBuilder();
      int[] last = {-1}; // in tenths of a pixel: lines that fall together are drawn once
      DoubleStream.concat(DoubleStream.of(f.name().equals("E8M0") ? f.least() : 0), values)
          .forEach(
              v -> {
                int at = (int) Math.round(10 * onLine(v));
                if (at != last[0]) {
                  path.append(String.format(Locale.ROOT, "M%.1f %dv20", at / 10.0, y + 5));
                  last[0] = at;
                }
              });
      path("value", path);
      y += ROW;
    }
    y = bottom + 34;
  }

  private static double onLine(double value) {
    return LEFT + (RIGHT - LEFT) * value / LINE_TO;
  }

  private void range(List<NumberFormat> formats) {
    heading(
        "From the least to the largest value, in powers of two",
        "Pale: subnormal, where a number of few bits has even fewer significant ones.");
    List<Bar> bars = new java.util.ArrayList<>();
    bars.add(new Bar("float32", Float.MIN_VALUE, Float.MIN_NORMAL, Float.MAX_VALUE));
    formats.stream().map(Bar::of).forEach(bars::add);
    Bar fp4 = bars.stream().filter(b -> b.name().contains("FP4")).findFirst().orElseThrow();
    bars.add(fp4.scaled("MXFP4", 0x1p-127, 0x1p127));
    bars.add(fp4.scaled("NVFP4", 0x1p-9, 448));
    int top = y;
    int bottom = y + bars.size() * ROW;
    for (int e = -150; e <= 125; e += 25) {
      line("grid", onRange(e), top, onRange(e), bottom);
      text(onRange(e), bottom + 18, "soft", "middle", "2^" + e);
    }
    for (Bar bar : bars) {
      text(20, y + 20, "", "start", bar.name());
      rectangle("subnormal", bar.least(), bar.normal());
      rectangle("normal", bar.normal(), bar.largest());
      y += ROW;
    }
    text(20, bottom + 42, "soft", "start",
        "MXFP4, NVFP4: FP4 with its scale. One block spans no more than FP4; another block may lie"
            + " elsewhere in the bar.");
    y = bottom + 58;
  }

  private void rectangle(String kind, double from, double to) {
    double left = onRange(Math.log(from) / Math.log(2));
    double width = onRange(Math.log(to) / Math.log(2)) - left;
    svg.append(
        String.format(
            Locale.ROOT,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"14\"/>%n",
            kind, left, y + 8, width));
  }

  private static double onRange(double exponent) {
    return LEFT + (RIGHT - LEFT) * (exponent - LOWEST) / (HIGHEST - LOWEST);
  }

  private void block(Block block) {
    heading(
        block.weights().length + " neighbouring weights, and the values that they become",
        "The first of " + block.name() + ". Above: the weights. Below: all values of this block.");
    strip("MXFP8", new BlockQuantizer(WeightFormat.MXFP8, ScaleRule.CEIL), block.weights());
    strip("MXFP4", new BlockQuantizer(WeightFormat.MXFP4, ScaleRule.CEIL), block.weights());
    float[] half = java.util.Arrays.copyOf(block.weights(), block.weights().length / 2);
    strip("NVFP4", new BlockQuantizer(WeightFormat.NVFP4, ScaleRule.EXACT), half);
    text(20, y + 10, "soft", "start",
        "A block of NVFP4 has 16 weights; its scale is no power of two, so its largest value fits"
            + " the largest weight.");
    y += 30;
  }

  private void strip(String name, BlockQuantizer quantizer, float[] weights) {
    ArrayMatrix coded = quantizer.quantize(weights, 1, weights.length);
    float scale = coded.grid()[0] * coded.tensorScale();
    float[] rounded = new float[weights.length]; // [n]
    coded.decode(0, rounded);
    double reach = 0; // to both sides of 0
    for (int i = 0; i < weights.length; i++) {
      reach = Math.max(reach, Math.max(Math.abs(weights[i]), Math.abs(rounded[i])));
    }
    text(20, y + 46, "", "start", name);
    text(20, y + 64, "soft", "start", String.format(Locale.ROOT, "%.2e", scale).replace("e-0", "e-"));
    StringBuilder values = new StringBuilder();
    TreeSet<Float> seen = new TreeSet<>();
    for (int code = 0; code < 1 << quantizer.format().codes().bits(); code++) {
      float value = quantizer.format().codes().decode(code) * scale;
      if (Math.abs(value) <= reach * 1.02 && seen.add(value)) {
        values.append(String.format(Locale.ROOT, "M%.1f %dv14", inBlock(value, reach), y + 72));
      }
    }
    path("value", values);
    StringBuilder ways = new StringBuilder();
    StringBuilder from = new StringBuilder();
    for (int i = 0; i < weights.length; i++) {
      double at = inBlock(weights[i], reach);
      from.append(String.format(Locale.ROOT, "M%.1f %dv14", at, y + 18));
      ways.append(
          String.format(
              Locale.ROOT, "M%.1f %dL%.1f %d", at, y + 32, inBlock(rounded[i], reach), y + 72));
    }
    path("way", ways);
    path("weight", from);
    y += STRIP;
  }

  private static double inBlock(double value, double reach) {
    double middle = (LEFT + RIGHT) / 2.0;
    return middle + (RIGHT - middle) * value / reach;
  }

  private void path(String kind, StringBuilder d) {
    svg.append("<path fill=\"none\" class=\"" + kind + "\" d=\"" + d + "\"/>\n");
  }

  private void line(String kind, double x1, double y1, double x2, double y2) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>%n",
            kind, x1, y1, x2, y2));
  }

  private void text(double x, double y, String kind, String anchor, String words) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
            kind, x, y, anchor, words.replace("&", "&amp;").replace("<", "&lt;")));
  }
}
