package orrery.lab;

import java.util.stream.IntStream;
import orrery.lab.Chart.Curve;
import orrery.lab.Chart.Style;

/** Colours and lines of the curves of a chart, in a light and a dark theme. */
record ChartStyle(Chart chart) {
  private static final int AREA_COLOURS = 3; // also of bars
  private static final int MARKED = 40; // curves of more points have no dots

  static final String CSS =
      """
      <style>
        text { font: 14px Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328 }
        .title { font-size: 17px; font-weight: bold }
        .soft { fill: #59636e }
        .page { fill: #ffffff }
        .grid { stroke: #e4e7eb; stroke-width: 1 }
        .curve { fill: none; stroke-width: 2.2; stroke-linejoin: round }
        .dashed { stroke-dasharray: 6 4 }
        .c0 { stroke: #0969da } .c1 { stroke: #bc4c00 } .c2 { stroke: #1a7f37 }
        .c3 { stroke: #8250df } .c4 { stroke: #bf3989 } .c5 { stroke: #59636e }
        .c6 { stroke: #9a6700 } .c7 { stroke: #cf222e }
        .area { stroke: none; fill-opacity: 0.85 }
        .f0 { fill: #d0d7de } .f1 { fill: #0969da } .f2 { fill: #1a7f37 }
        .dot { fill: #ffffff; stroke-width: 2 }
        .faint { opacity: 0.45 }
        .mark { font-size: 12px }
        .b0 { fill: #0969da } .b1 { fill: #f0883e } .b2 { fill: #afb8c1 }
        @media (prefers-color-scheme: dark) {
          text { fill: #f0f6fc }
          .soft { fill: #9198a1 }
          .page, .dot { fill: #0d1117 }
          .grid { stroke: #262c36 }
          .f0 { fill: #3d444d } .f1 { fill: #58a6ff } .f2 { fill: #3fb950 }
          .b0 { fill: #1f6feb } .b1 { fill: #bc4c00 } .b2 { fill: #afb8c1 }
          .c0 { stroke: #58a6ff } .c1 { stroke: #f0883e } .c2 { stroke: #3fb950 }
          .c3 { stroke: #bc8cff } .c4 { stroke: #f778ba } .c5 { stroke: #9198a1 }
          .c6 { stroke: #d29922 } .c7 { stroke: #ff7b72 }
        }
      </style>
      """;

  /** Whether the points of a curve are dots. */
  static boolean dotted(Curve c) {
    return c.style() == Style.LINE && c.x().length <= MARKED;
  }

  /** A second quantity of a variant has the colour of the first: NAME: QUANTITY and NAME. */
  private int colour(Curve dashed, int index) {
    return IntStream.range(0, chart.curves().size())
        .filter(i -> chart.curves().get(i).style() == Style.LINE)
        .filter(i -> variant(chart.curves().get(i)).equals(variant(dashed)))
        .findFirst()
        .orElse(index);
  }

  private static String variant(Curve c) {
    return c.name().replaceFirst(": .*", "");
  }

  /** Classes of the style sheet. */
  String look(Curve c, int index) {
    return switch (c.style()) {
      case LINE -> "curve c" + index;
      case DASHED -> "curve dashed c" + colour(c, index);
      case AREA -> "area f" + index % AREA_COLOURS;
      case BARS -> "bar b" + index % AREA_COLOURS;
    };
  }
}
