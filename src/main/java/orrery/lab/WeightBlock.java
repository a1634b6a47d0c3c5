package orrery.lab;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/**
 * Neighbouring weights, to be drawn with what they become in a few forms.
 *
 * @param name of their matrix
 * @param matrixAmax the largest magnitude of that matrix
 * @param weights an even number of them
 */
record WeightBlock(String name, float matrixAmax, float[] weights) {
  private static final int STRIP = 104; // height of a form

  /** Draws the block, and what becomes of it in three forms. */
  void draw(SvgPage page) {
    page.heading(
        weights.length + " neighbouring weights, and the values that they become",
        "The first of " + name + ". Above: the weights. Below: the values of their block.");
    BlockQuantizer mxfp8 = new BlockQuantizer(WeightFormat.MXFP8, ScaleRule.CEIL);
    BlockQuantizer mxfp4 = new BlockQuantizer(WeightFormat.MXFP4, ScaleRule.CEIL);
    BlockQuantizer nvfp4 = new BlockQuantizer(WeightFormat.NVFP4, ScaleRule.EXACT);
    int half = weights.length / 2;
    List<Strip> strips =
        List.of(
            strip("MXFP8", mxfp8, 0, 2 * half),
            strip("MXFP4", mxfp4, 0, 2 * half),
            strip("NVFP4, first", nvfp4, 0, half),
            strip("NVFP4, next", nvfp4, half, half));
    double reach =
        Math.max(Float.MIN_VALUE, strips.stream().mapToDouble(Strip::reach).max().orElseThrow());
    for (double at : new double[] {-reach, 0, reach}) {
      page.line(
          "grid",
          inBlock(at, reach),
          page.y + 8,
          inBlock(at, reach),
          page.y + strips.size() * STRIP);
      String label = at == 0 ? "0" : String.format(Locale.ROOT, "%.3f", at);
      page.text(inBlock(at, reach), page.y + strips.size() * STRIP + 16, "soft", "middle", label);
    }
    strips.forEach(strip -> draw(page, strip, reach));
    page.y += 34;
  }

  private Strip strip(String form, BlockQuantizer quantizer, int from, int n) {
    float[] part = Arrays.copyOfRange(weights, from, from + n); // [n]
    ArrayMatrix coded = quantizer.quantize(part, 1, n, matrixAmax);
    float[] rounded = new float[n]; // [n]
    coded.decode(0, rounded);
    return new Strip(form, part, coded, rounded);
  }

  /** Weights of one block, and what they become. */
  private record Strip(String name, float[] weights, ArrayMatrix coded, float[] rounded) {
    float scale() {
      return coded.grid()[0] * coded.tensorScale();
    }

    String shownScale() {
      int exponent = Math.getExponent(scale());
      boolean power = scale() == Math.scalb(1f, exponent);
      return "scale " + (power ? "2^" + exponent : String.format(Locale.ROOT, "%.4f", scale()));
    }

    /** How far it goes to either side of 0. */
    double reach() {
      double reach = 0;
      for (int i = 0; i < weights.length; i++) {
        reach = Math.max(reach, Math.max(Math.abs(weights[i]), Math.abs(rounded[i])));
      }
      return reach;
    }
  }

  private static void draw(SvgPage page, Strip strip, double reach) {
    page.text(20, page.y + 48, "", "start", strip.name());
    page.text(20, page.y + 66, "soft", "start", strip.shownScale());
    Codes codes = strip.coded().format().codes();
    StringBuilder values = new StringBuilder();
    for (int code = 0; code < 1 << codes.bits(); code++) {
      float value = codes.decode(code) * strip.scale();
      if (Math.abs(value) <= reach) { // not so NaN
        values.append(
            String.format(Locale.ROOT, "M%.1f %dv14", inBlock(value, reach), page.y + 72));
      }
    }
    StringBuilder ways = new StringBuilder();
    StringBuilder weights = new StringBuilder();
    for (int i = 0; i < strip.weights().length; i++) {
      double from = inBlock(strip.weights()[i], reach);
      double to = inBlock(strip.rounded()[i], reach);
      weights.append(String.format(Locale.ROOT, "M%.1f %dv14", from, page.y + 18));
      ways.append(
          String.format(Locale.ROOT, "M%.1f %dL%.1f %d", from, page.y + 32, to, page.y + 72));
    }
    page.path("value", values);
    page.path("way", ways);
    page.path("weight", weights);
    page.y += STRIP;
  }

  private static double inBlock(double value, double reach) {
    double middle = (SvgPage.LEFT + SvgPage.RIGHT) / 2.0;
    return middle + (SvgPage.RIGHT - middle) * value / reach;
  }
}
