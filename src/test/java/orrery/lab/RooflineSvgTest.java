package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class RooflineSvgTest {
  private static final Roofline ROOFLINE =
      new Roofline(
          "A <machine> & co",
          200,
          25,
          List.of(curve("f32", 32, false, 60, 120, 190), curve("bf16", 16, true, 22, 48, 180)));

  private static Roofline.Curve curve(
      String format, double bits, boolean memory, double one, double two, double many) {
    return new Roofline.Curve(
        format,
        bits,
        memory,
        List.of(
            new Roofline.Point(1, one), new Roofline.Point(2, two), new Roofline.Point(96, many)));
  }

  private static Document parsed() throws Exception {
    byte[] svg = RooflineSvg.draw(ROOFLINE).getBytes(StandardCharsets.UTF_8);
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg));
  }

  private static List<Element> all(String tag) throws Exception {
    NodeList found = parsed().getElementsByTagName(tag);
    List<Element> elements = new ArrayList<>();
    for (int i = 0; i < found.getLength(); i++) {
      elements.add((Element) found.item(i));
    }
    return elements;
  }

  @Test
  void everyCurveAndLimitIsNamed() throws Exception {
    assertThat(all("text"))
        .extracting(Element::getTextContent)
        .contains(
            "A <machine> & co",
            "200 GFLOP/s: pure multiply-add",
            "25.0 GB/s: plain read, as each format",
            "product, weights from cache",
            "product, weights from memory",
            "weights f32",
            "weights bf16");
  }

  @Test
  void everyPointIsDrawnInsideThePictureAndFasterIsHigher() throws Exception {
    List<Element> dots = all("circle");
    assertThat(dots).hasSize(3 + 3 + 2); // and one for each curve in the legend
    for (Element dot : dots) {
      assertThat(Double.parseDouble(dot.getAttribute("cx"))).isBetween(70.0, 815.0);
      assertThat(Double.parseDouble(dot.getAttribute("cy"))).isBetween(70.0, 500.0);
    }
    for (int i = 0; i < 2; i++) {
      assertThat(height(dots.get(i))).isGreaterThan(height(dots.get(i + 1)));
      assertThat(height(dots.get(i))).isLessThan(height(dots.get(i + 3))); // f32, cache is faster
    }
  }

  private static double height(Element dot) {
    return Double.parseDouble(dot.getAttribute("cy"));
  }

  @Test
  void readingBoundsTheSpeedByRowsAndBits() {
    assertThat(ROOFLINE.memoryBound(1, 32)).isEqualTo(12.5);
    assertThat(ROOFLINE.memoryBound(8, 16)).isEqualTo(200);
  }
}
