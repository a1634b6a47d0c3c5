package orrery.model;

import java.util.List;
import java.util.Set;

/**
 * Where the width of a model's feed-forwards is written: in fields of its config, and in tensors of
 * a checkpoint, which are recognised by the ends of their names.
 *
 * @param fields of {@code config.json}
 * @param rows tensors [width][hidden]
 * @param pairs tensors of all experts and of two matrices each, [experts][2 · width][hidden]
 * @param columns tensors with {@code width} as the last dimension
 */
public record FeedForwardWidth(
    Set<String> fields, List<String> rows, List<String> pairs, List<String> columns) {
  /** That of a model without feed-forwards. */
  public static final FeedForwardWidth NONE =
      new FeedForwardWidth(Set.of(), List.of(), List.of(), List.of());

  public FeedForwardWidth {
    fields = Set.copyOf(fields);
    rows = List.copyOf(rows);
    pairs = List.copyOf(pairs);
    columns = List.copyOf(columns);
  }

  /**
   * How many runs of {@code width} rows each matrix of a tensor has; 0 if the width is not its
   * number of rows.
   */
  public int runsOfRows(String tensor) {
    return rows.stream().anyMatch(tensor::endsWith)
        ? 1
        : pairs.stream().anyMatch(tensor::endsWith) ? 2 : 0;
  }

  /** Whether a row of a tensor has {@code width} columns. */
  public boolean isColumns(String tensor) {
    return columns.stream().anyMatch(tensor::endsWith);
  }
}
