package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class NumbersSvgTest {
  private static final NumberFormat FP4 = NumberFormat.all().get(4);
  private static final NumberFormat E4M3 = NumberFormat.all().get(3);

  private static WeightBlock block() {
    float[] weights = new float[32]; // [32]
    for (int i = 0; i < 32; i++) {
      weights[i] = 0.01f * (i - 11);
    }
    return new WeightBlock("a<b>", 0.5f, weights);
  }

  private static Document parsed(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
  }

  /** The lines of the first paths of a kind: what follows each M. */
  private static List<String> lines(Document svg, String kind, int nth) {
    NodeList paths = svg.getElementsByTagName("path");
    int seen = 0;
    for (int i = 0; i < paths.getLength(); i++) {
      Element path = (Element) paths.item(i);
      if (path.getAttribute("class").equals(kind) && seen++ == nth) {
        return List.of(path.getAttribute("d").substring(1).split("M"));
      }
    }
    return List.of();
  }

  @Test
  void aFormatIsDescribedByWhatItsCodesDecodeTo() {
    assertThat(FP4.positive()).containsExactly(0.5, 1, 1.5, 2, 3, 4, 6);
    assertThat(FP4.leastNormal()).isEqualTo(1);
    assertThat(FP4.inOneOctave()).isEqualTo(2);
    assertThat(FP4.nans() + FP4.infinities()).isZero();
    assertThat(E4M3.positive()).hasSize(126);
    assertThat(E4M3.least()).isEqualTo(0x1p-9);
    assertThat(E4M3.leastNormal()).isEqualTo(0x1p-6);
    assertThat(E4M3.largest()).isEqualTo(448);
    assertThat(E4M3.nans()).isEqualTo(2);
    NumberFormat bf16 = NumberFormat.all().getFirst();
    assertThat(bf16.leastNormal()).isEqualTo(0x1p-126);
    assertThat(bf16.infinities()).isEqualTo(2);
    NumberFormat e8m0 = NumberFormat.all().getLast();
    assertThat(e8m0.leastNormal()).isEqualTo(e8m0.least()).isEqualTo(0x1p-127);
    assertThat(e8m0.signed()).isFalse();
  }

  @Test
  void everyValueOfFp4StandsOnTheNumberLineWhereItBelongs() throws Exception {
    Document svg = parsed(NumbersSvg.draw(List.of(FP4), block()));
    double unit = (SvgPage.RIGHT - SvgPage.LEFT) / 8.0;
    double[] values = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    List<String> lines = lines(svg, "value", 0);
    assertThat(lines).hasSize(values.length);
    for (int i = 0; i < values.length; i++) {
      double x = Double.parseDouble(lines.get(i).split(" ")[0]);
      assertThat(Math.abs(x - SvgPage.LEFT - unit * values[i])).isLessThan(0.06);
    }
  }

  @Test
  void everyWeightOfTheBlockIsDrawnWithItsWay() throws Exception {
    Document svg = parsed(NumbersSvg.draw(List.of(FP4), block()));
    for (int strip = 0; strip < 4; strip++) {
      assertThat(lines(svg, "weight", strip)).hasSize(strip < 2 ? 32 : 16);
      assertThat(lines(svg, "way", strip)).hasSameSizeAs(lines(svg, "weight", strip));
    }
    assertThat(svg.getDocumentElement().getTextContent()).contains("The first of a<b>.");
  }

  @Test
  void aBlockOfZerosIsDrawnToo() throws Exception {
    String svg = NumbersSvg.draw(List.of(FP4), new WeightBlock("zeros", 0, new float[32]));
    assertThat(svg).doesNotContain("NaN").doesNotContain("Infinity");
    assertThat(lines(parsed(svg), "weight", 0)).hasSize(32);
  }

  @Test
  void thePictureOfTheChapterIsWhatTheCommandDraws() throws Exception {
    String drawn =
        NumbersLab.run(Path.of("tiny-models/storyteller-moe"), new PrintWriter(new StringWriter()));
    assertThat(Files.readString(Path.of("docs/images/numbers.svg"))).isEqualTo(drawn);
  }
}
