package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import java.util.List;
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
        List.of(new Chart.Curve("first & only", false, x, x)));
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
    assertThat(document.getElementsByTagName("circle").getLength()).isEqualTo(3);
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
  void zeroOnALogarithmicAxisIsRefused() {
    assertThatThrownBy(() -> ChartSvg.draw(chart(true, 0, 1)))
        .hasMessageContaining("rows: 0.0 on a logarithmic axis");
  }

  @Test
  void aChartOfNothingIsRefused() {
    assertThatThrownBy(() -> chart(false)).hasMessageContaining("expected 1 to 8 curves");
  }
}
