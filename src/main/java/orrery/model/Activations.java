package orrery.model;

/**
 * What a bound forward pass takes beside weights and cache, so that it can be told before it is
 * made.
 *
 * @param row bytes for each row of a bucket
 * @param logitRow bytes for each row of a bucket that may want logits
 * @param positions bytes of the tables of positions, once
 * @param thread bytes of working memory of attention for each thread
 * @param ops bytes of working memory of other ops, the fused ones above all, for each thread
 * @param opsRow the same for each thread and row of the largest step
 */
public record Activations(
    long row, long logitRow, long positions, long thread, long ops, long opsRow) {
  /** All working memory of one thread, for steps of up to so many rows. */
  public long thread(long rows) {
    return thread + ops + rows * opsRow;
  }
}
