package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

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
}
