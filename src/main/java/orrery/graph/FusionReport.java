package orrery.graph;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What fusion did to a program.
 *
 * @param rules what each rule did, in the order in which they were applied
 */
public record FusionReport(List<Applied> rules) {
  /**
   * What one rule did.
   *
   * @param times how often it matched
   * @param before ops before it
   * @param after ops after it
   * @param unnecessary buffers that ops used before it, and none uses after it
   */
  public record Applied(String rule, int times, int before, int after, List<Buffer> unnecessary) {
    /** Bytes of the buffers that became unnecessary. */
    public long bytes() {
      return unnecessary.stream().mapToLong(b -> (long) Float.BYTES * b.data.length).sum();
    }
  }

  /** One line for each rule that matched. */
  public String listing() {
    return rules.stream()
        .filter(r -> r.times() > 0)
        .map(FusionReport::line)
        .collect(Collectors.joining("\n"));
  }

  private static String line(Applied r) {
    String freed =
        r.unnecessary().isEmpty()
            ? ""
            : String.format(
                Locale.ROOT,
                "; not used any more: %s, %,d bytes",
                r.unnecessary().stream().map(Buffer::toString).collect(Collectors.joining(", ")),
                r.bytes());
    return String.format(
        Locale.ROOT,
        "  %-44s %2d times, %3d -> %3d ops%s",
        r.rule(),
        r.times(),
        r.before(),
        r.after(),
        freed);
  }
}
