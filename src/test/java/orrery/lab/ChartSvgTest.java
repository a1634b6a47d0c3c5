package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

class ChartSvgTest {
  private static Chart chart(boolean logarithmic, double... x) {
    return new Chart(
        "a < b & c",
        "machine",
        new Chart.Axis("rows", logarithmic),
        new Chart.Axis("ms", false),
        List.of(new Chart.Curve("first & only", Chart.Style.LINE, x, x)));
  }

  @Test
  void aChartIsWellFormedXmlWhateverItsWords() throws Exception {
    String svg = ChartSvg.draw(chart(false, 0, 1, 2));
    var document =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(svg)));
    assertThat(document.getElementsByTagName("title").item(0).getTextContent())
        .isEqualTo("a < b & c");
    assertThat(document.getElementsByTagName("circle").getLength()).isEqualTo(3 + 1); // legend
  }

  @Test
  void aLogarithmicAxisPutsDoublingsAtEqualDistances() {
    String svg = ChartSvg.draw(chart(true, 1, 2, 4));
    List<Double> x =
        svg.lines()
            .filter(l -> l.contains("<circle"))
            .map(l -> Double.parseDouble(l.replaceAll(".*cx=\"([0-9.]+)\".*", "$1")))
            .toList();
    assertThat(x.get(1) - x.get(0))
        .isEqualTo(x.get(2) - x.get(1), org.assertj.core.data.Offset.offset(0.2));
  }

  @Test
  void oneValueOnALogarithmicAxisStandsInTheMiddle() {
    String svg = ChartSvg.draw(chart(true, 96)); // no power of two, so no line of the grid
    assertThat(svg).contains("cx=\"447.5\"");
  }

  @Test
  void severalChartsStandOneAboveTheOtherInOnePicture() throws Exception {
    String one = ChartSvg.draw(chart(false, 0, 1));
    String two = ChartSvg.draw(List.of(chart(false, 0, 1), chart(false, 0, 1, 2)));
    var document =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(two)));
    var panels = document.getElementsByTagName("g");
    assertThat(panels.getLength()).isEqualTo(2);
    String height = one.replaceAll("(?s).*viewBox=\"0 0 840 (\\d+)\".*", "$1");
    assertThat(panels.item(1).getAttributes().getNamedItem("transform").getNodeValue())
        .isEqualTo("translate(0 " + height + ")");
    assertThat(two).contains("viewBox=\"0 0 840 " + 2 * Integer.parseInt(height) + "\"");
  }

  @Test
  void curvesOfSeveralChartsStandInOneAndWhatTheyShareIsDrawnOnce() {
    Chart.Axis axis = new Chart.Axis("x", false);
    Chart.Curve line = new Chart.Curve("line", Chart.Style.DASHED, new double[2], new double[2]);
    Chart.Curve one = new Chart.Curve("one", Chart.Style.LINE, new double[2], new double[2]);
    Chart.Curve two = new Chart.Curve("two", Chart.Style.LINE, new double[2], new double[2]);
    Chart both =
        Chart.together(
            List.of(
                new Chart("t", "1 thread", axis, axis, List.of(line, one)),
                new Chart("t", "2 threads", axis, axis, List.of(line, two))));
    assertThat(both.curves()).containsExactly(line, one, two);
    assertThat(both.subtitle()).isEqualTo("1 thread; 2 threads");
  }

  @Test
  void anAreaReachesDownToTheAxisAndHasNoDots() {
    double[] x = {0, 1};
    Chart.Axis axis = new Chart.Axis("x", false, 2);
    Chart.Curve area = new Chart.Curve("area", Chart.Style.AREA, x, x);
    String svg = ChartSvg.draw(new Chart("t", "s", axis, axis, List.of(area)));
    // From (0, 0) at the lower left to (1, 1) in the middle, down, and back along the axis.
    assertThat(svg).contains("class=\"area f0\" d=\"M80.0 430.0 L447.5 250.0 V430 H80.0 Z\"");
    assertThat(svg).doesNotContain("<circle");
  }

  @Test
  void theWordsOfAnAxisStandWhereTheirPointsAre() {
    double[] x = {0, 1, 2};
    Chart.Curve curve = new Chart.Curve("c", Chart.Style.LINE, x, x);
    Chart.Axis words = Chart.Axis.of("gaps", List.of("half", "1 in 10", "none"));
    String svg =
        ChartSvg.draw(new Chart("t", "s", words, new Chart.Axis("ms", false), List.of(curve)));
    for (String at : List.of("x=\"80.0\"%half", "x=\"447.5\"%1 in 10", "x=\"815.0\"%none")) {
      String[] parts = at.split("%");
      assertThat(svg.lines())
          .anySatisfy(
              l -> assertThat(l).contains("<text").contains(parts[0], ">" + parts[1] + "<"));
    }
  }

  @Test
  void namesTooLongForHalfTheWidthStandBelowEachOther() {
    double[] x = {0, 1};
    Chart.Axis axis = new Chart.Axis("x", false);
    Chart.Curve shorter = new Chart.Curve("short", Chart.Style.LINE, x, x);
    Chart.Curve longer = new Chart.Curve("n".repeat(47), Chart.Style.LINE, x, x);
    assertThat(ChartSvg.draw(new Chart("t", "s", axis, axis, List.of(shorter, shorter))))
        .contains("viewBox=\"0 0 840 524\"");
    assertThat(ChartSvg.draw(new Chart("t", "s", axis, axis, List.of(shorter, longer))))
        .contains("viewBox=\"0 0 840 546\"");
  }

  @Test
  void aSecondQuantityOfAVariantIsDashedInTheColourOfTheFirst() {
    double[] x = {0, 1};
    Chart.Axis axis = new Chart.Axis("x", false);
    List<Chart.Curve> curves =
        List.of(
            new Chart.Curve("a", Chart.Style.LINE, x, x),
            new Chart.Curve("b: used", Chart.Style.LINE, x, x),
            new Chart.Curve("b: reserved", Chart.Style.DASHED, x, x),
            new Chart.Curve("limit", Chart.Style.DASHED, x, x));
    String svg = ChartSvg.draw(new Chart("t", "s", axis, axis, curves));
    assertThat(svg).contains("curve dashed c1", "curve dashed c3").doesNotContain("dashed c2");
  }

  private static String bars(double... y) {
    double[] x = {0, 1};
    Chart.Curve first = new Chart.Curve("first", Chart.Style.BARS, x, y);
    Chart.Curve second = new Chart.Curve("second", Chart.Style.BARS, x, new double[] {1, 3});
    Chart.Axis words = Chart.Axis.of("tokens", List.of("512", "1024"));
    Chart.Axis count = new Chart.Axis("requests", false);
    return ChartSvg.draw(new Chart("t", "s", words, count, List.of(first, second)));
  }

  @Test
  void barsOfAPlaceStandBesideEachOtherAndSayTheirValue() {
    String svg = bars(2, 0);
    // Two places of 367.5 each; their bars take 0.7 of that, half for each curve.
    assertThat(svg)
        .contains("class=\"bar b0\" x=\"135.1\"", "class=\"bar b1\" x=\"263.8\"")
        .contains("class=\"bar b0\" x=\"502.6\"", "class=\"bar b1\" x=\"631.3\"")
        .containsPattern("b0\" x=\"502.6\" y=\"430.0\" width=\"126.6\" height=\"0.0\"")
        .contains(">512<", ">1024<");
  }

  @Test
  void betweenWholeNumbersOfBarsThereIsNoLineOfTheGrid() {
    assertThat(bars(1, 2)).contains(">0<", ">1<", ">2<", ">3<").doesNotContain(">0.5<", ">1.5<");
  }

  @Test
  void marksAreFaintDotsOrWordsAndTheAxesReachToThem() {
    double[] x = {1, 2};
    Chart.Mark dot = new Chart.Mark(4, 8, "", false, true);
    Chart.Mark words = new Chart.Mark(1, 1, "a < b", true, false);
    Chart.Curve curve = new Chart.Curve("c", Chart.Style.LINE, x, x, List.of(dot, words));
    Chart.Axis axis = new Chart.Axis("x", true);
    String svg = ChartSvg.draw(new Chart("t", "s", axis, axis, List.of(curve)));
    assertThat(svg.lines().filter(l -> l.contains("dot faint c0")))
        .singleElement()
        .asString()
        .contains("cx=\"815.0\"");
    assertThat(svg).contains("class=\"mark\" x=\"87.0\"", ">a &lt; b<");
  }

  @Test
  void curvesWhoseColoursAreLookedAtWithoutColourHaveDotsOfDifferentForms() {
    double[] x = {0, 1};
    Chart.Axis axis = new Chart.Axis("x", false);
    List<Chart.Curve> curves =
        IntStream.range(0, 4)
            .mapToObj(i -> new Chart.Curve("c" + i, Chart.Style.LINE, x, x))
            .toList();
    String svg = ChartSvg.draw(new Chart("t", "s", axis, axis, curves));
    List<String> forms =
        IntStream.range(0, 4)
            .mapToObj(i -> svg.lines().filter(l -> l.contains("\"dot c" + i)).findFirst())
            .map(dot -> dot.orElseThrow().replaceAll(".*(circle|m\\S+ \\S+ [hl]).*", "$1"))
            .toList();
    assertThat(forms).doesNotHaveDuplicates();
  }

  @Test
  void zeroOnALogarithmicAxisIsRefused() {
    assertThatThrownBy(() -> ChartSvg.draw(chart(true, 0, 1)))
        .hasMessageContaining("rows: 0.0 on a logarithmic axis");
  }

  @Test
  void aChartOfNothingIsRefused() {
    assertThatThrownBy(() -> chart(false)).hasMessageContaining("expected 1 to 8 curves");
  }
}
