package orrery.lab;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;

/** Decoding one request as a share of what its weights allow, and the ops that take most of it. */
final class DecodeCosts {
  private static final int CONTEXT = 512;
  private static final int NAMED = 3;
  private static final double SECONDS = 2;

  private DecodeCosts() {}

  static void print(Subject s, Sheet sheet) {
    double seconds = s.settings().quick() ? 0.01 : SECONDS;
    try (Team team = new Team(s.settings().threads())) {
      DecodeTable.print(sheet, new VectorKernels(), team, s.loaded().directory(), seconds);
      int context = s.size(CONTEXT, 32);
      DecodeStep step =
          new DecodeStep(
              s.loaded().model(), team, 1, context - 1, s.options().kv().kvCacheDtype(), s.draw());
      Trial.run(
          List.of(new Trial.Variant("", 1, Trial.Job.of(() -> step.runOpByOp(false)))), seconds);
      Map<String, Double> kinds = new TreeMap<>(); // microseconds
      step.ops().forEach(op -> kinds.merge(op.kind(), op.micros(), Double::sum));
      double sum = TimedOp.micros(step.ops());
      String largest =
          kinds.entrySet().stream()
              .sorted(Comparator.comparingDouble(e -> -e.getValue()))
              .limit(NAMED)
              .peek(e -> keep(s, sheet, e.getKey(), 100 * e.getValue() / sum))
              .map(e -> e.getKey() + " " + Sheet.percent(e.getValue(), sum))
              .collect(Collectors.joining(", "));
      sheet.text("largest costs after " + context + " tokens, op by op: " + largest);
    }
  }

  private static void keep(Subject s, Sheet sheet, String kind, double percent) {
    sheet.keep(new Figure("costs, " + s.name(), kind, "%", percent, percent, percent));
  }
}
