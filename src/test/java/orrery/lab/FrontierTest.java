package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ratios at equal speed of a user, on points made by hand. */
class FrontierTest {
  private static final Offset<Double> NEAR = within(1e-9);

  /**
   * Points of one round.
   *
   * @param pairs interactivity and throughput of each
   */
  private static List<OperatingPoint> points(double... pairs) {
    List<OperatingPoint> points = new ArrayList<>();
    for (int i = 0; i < pairs.length; i += 2) {
      points.add(new OperatingPoint(1 << i / 2, pairs[i], pairs[i] / 2, 5, pairs[i + 1], 1, 0));
    }
    return points;
  }

  private static Frontier frontier(double... pairs) {
    return Frontier.of(points(pairs), OperatingPoint::interactivity);
  }

  private static FrontierRatios ratios(FrontierCurve... curves) {
    return new FrontierRatios("t", List.of(curves), OperatingPoint::interactivity);
  }

  @Test
  void pointsThatAreWorseThanAnotherInBothAreNoPartOfIt() {
    Frontier f = frontier(100, 10, 40, 80, 60, 50, 50, 45, 30, 70);
    assertThat(f.x()).containsExactly(40, 60, 100);
    assertThat(f.y()).containsExactly(80, 50, 10);
  }

  @Test
  void ofTwoPointsWithEqualSpeedTheOneWithMoreThroughputCounts() {
    assertThat(frontier(50, 10, 50, 20).y()).containsExactly(20);
  }

  @Test
  void betweenTwoPointsItIsAStraightLineOnLogarithmicAxes() {
    Frontier f = frontier(10, 1600, 160, 100); // both change by 16
    assertThat(f.at(20)).isCloseTo(800, NEAR);
    assertThat(f.at(40)).isCloseTo(400, NEAR);
    assertThat(f.at(10)).isEqualTo(1600);
    assertThat(f.at(160)).isCloseTo(100, NEAR);
  }

  @Test
  void aUserWhoNeedsLessThanTheSlowestPointGetsThatPointAndNobodyGetsMoreThanTheFastest() {
    Frontier f = frontier(10, 1600, 160, 100);
    assertThat(f.at(1)).isEqualTo(1600);
    assertThat(f.at(161)).isNaN();
  }

  @Test
  void aRatioIsOneAtEqualSpeedAndNeedsBothToReachIt() {
    Frontier naive = frontier(10, 100, 50, 20);
    Frontier better = frontier(40, 400, 80, 100);
    assertThat(better.over(naive, 10)).isCloseTo(4, NEAR);
    assertThat(better.over(naive, 50)).isCloseTo(better.at(50) / 20, NEAR);
    assertThat(better.over(naive, 51)).isNaN();
  }

  @Test
  void theRatioOfACurveIsTakenRoundByRound() {
    var naive = new FrontierCurve("naive", List.of(points(10, 100), points(10, 10)));
    var other = new FrontierCurve("other", List.of(points(10, 300), points(10, 20)));
    Spread ratio = ratios(naive, other).at(other, naive, 10).orElseThrow().ratio();
    assertThat(ratio.median()).isEqualTo(2.5); // of 3 and 2, not of 320 over 110
  }

  @Test
  void aPlaceThatOneRoundDoesNotReachHasNoRatio() {
    var naive = new FrontierCurve("naive", List.of(points(10, 100), points(10, 10)));
    var other = new FrontierCurve("other", List.of(points(9, 300), points(20, 20)));
    assertThat(ratios(naive, other).at(other, naive, 10)).isEmpty();
    assertThat(ratios(naive, other).at(other, naive, 9)).isPresent();
  }

  @Test
  void theLargestGainIsFoundBetweenThePointsToo() {
    var naive = new FrontierCurve("naive", List.of(points(10, 100, 20, 50, 40, 25)));
    var other = new FrontierCurve("other", List.of(points(20, 200, 80, 25)));
    FrontierRatios ratios = ratios(naive, other);
    FrontierRatios.At most = ratios.extreme(other, naive, 1).orElseThrow();
    assertThat(most.speed()).isCloseTo(20, within(1.0));
    assertThat(most.ratio().median()).isCloseTo(4, within(0.1));
    FrontierRatios.At least = ratios.extreme(other, naive, -1).orElseThrow();
    assertThat(least.speed()).isCloseTo(10, NEAR);
    assertThat(least.ratio().median()).isCloseTo(2, NEAR);
  }

  @Test
  void thePictureDrawsFrontiersAndSetsWorsePointsBesideThemFaint() {
    // by clients: 1, 2, 4; two clients are worse than four in both
    FrontierCurve naive = new FrontierCurve("naive", List.of(points(100, 10, 30, 20, 40, 80)));
    FrontierCurve best = new FrontierCurve("best recipe", List.of(points(200, 50, 100, 160)));
    FrontierCurve other = new FrontierCurve("+ paging", List.of(points(100, 10)));
    List<FrontierCurve> curves = List.of(naive, other, best);
    FrontierResult result = new FrontierResult("m", "m, 2 threads", new FrontierLoad(6, 3), curves);
    Chart chart =
        new FrontierChart(result, new FrontierRatios("t", curves, OperatingPoint::interactivity))
            .draw();
    assertThat(chart.title()).contains("up to 16.0 times as much as naive"); // at 100
    assertThat(chart.subtitle()).startsWith("m, 2 threads; 6 tokens in, 3 out");
    assertThat(chart.curves())
        .extracting(Chart.Curve::name)
        .containsExactly("naive", "best recipe");
    assertThat(chart.curves().getFirst().x()).containsExactly(40, 100);
    assertThat(chart.curves().getFirst().y()).containsExactly(80, 10);
    assertThat(chart.curves().getFirst().marks())
        .containsExactly(
            new Chart.Mark(100, 10, "1 client", true, false),
            new Chart.Mark(30, 20, "", false, true),
            new Chart.Mark(40, 80, "4 clients", false, false));
  }

  @Test
  void pointsThatWereWrittenArePrintedAndDrawnAgain(@TempDir Path directory) throws Exception {
    List<FrontierCurve> curves =
        List.of(
            new FrontierCurve("naive", List.of(points(100, 10, 40, 80), points(110, 10, 50, 80))),
            new FrontierCurve("best recipe", List.of(points(200, 50), points(210, 60))));
    FrontierResult result = new FrontierResult("m", "m, 2 threads", new FrontierLoad(6, 3), curves);
    Path file = directory.resolve("points.jsonl");
    Files.writeString(file, FrontierJson.text(List.of(result)));
    ByteArrayOutputStream direct = new ByteArrayOutputStream();
    Sheet sheet = new Sheet(new PrintStream(direct, true));
    List<Chart> charts = new FrontierTables(result).print(sheet);
    ByteArrayOutputStream again = new ByteArrayOutputStream();
    LabReport report = FrontierPoints.print(file, new PrintStream(again, true));
    assertThat(again.toString()).contains("frontier: m, 2 threads").endsWith(direct.toString());
    assertThat(report.figures()).isEqualTo(sheet.figures()).isNotEmpty();
    assertThat(ChartSvg.draw(report.charts())).isEqualTo(ChartSvg.draw(charts));
  }

  @Test
  void aFileOfOtherThingsIsRefusedWithItsLine(@TempDir Path directory) throws Exception {
    FrontierCurve naive = new FrontierCurve("naive", List.of(points(100, 10, 40, 80)));
    FrontierCurve other = new FrontierCurve("+ paging", naive.rounds());
    FrontierLoad load = new FrontierLoad(6, 3);
    String good =
        FrontierJson.text(List.of(new FrontierResult("m", "d", load, List.of(naive, other))));
    String one = good.lines().findFirst().orElseThrow();
    Map<String, String> bad =
        Map.of(
            good + "[]",
            "line 5: expected a point as lab frontier --json writes it, found: no obj",
            one.replace("\"round\":0", "\"round\":true"),
            "line 1: expected a point",
            one.replace("10.0,", "-10.0,"),
            "found: total_tokens_per_second -10.0",
            one.replace("\"input\":6", "\"input\":0"),
            "found: input: expected 1 to",
            "",
            "expected points, found none",
            one.replace("naive", "+ paging"),
            "expected naive first, found + paging",
            good + one.replace("\"round\":0", "\"round\":1"),
            "naive: expected the same numbers of clients in each round, found [[1, 2], [1]]");
    Path file = directory.resolve("points.jsonl");
    for (Map.Entry<String, String> e : bad.entrySet()) {
      Files.writeString(file, e.getKey());
      assertThatThrownBy(() -> FrontierPoints.print(file, System.out))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith(file + ": ")
          .hasMessageContaining(e.getValue());
    }
  }
}
