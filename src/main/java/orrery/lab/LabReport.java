package orrery.lab;

import java.util.List;

/**
 * The result of an experiment.
 *
 * @param figures of all tables
 * @param charts where a curve says more than its table; to be shown one above the other
 */
public record LabReport(List<Figure> figures, List<Chart> charts) {
  public LabReport {
    figures = List.copyOf(figures);
    charts = List.copyOf(charts);
  }
}
