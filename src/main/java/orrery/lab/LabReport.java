package orrery.lab;

import java.util.List;
import java.util.Optional;

/**
 * What an experiment found.
 *
 * @param figures of all tables
 * @param chart where a curve says more than its table
 */
public record LabReport(List<Figure> figures, Optional<Chart> chart) {
  public LabReport {
    figures = List.copyOf(figures);
  }
}
