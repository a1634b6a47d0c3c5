package orrery.model;

/**
 * What a bound forward pass takes beside weights and cache, so that it can be told before it is
 * made.
 *
 * @param row bytes for each row of a bucket
 * @param logitRow bytes for each row of a bucket that may want logits
 * @param positions bytes of the tables of positions, once
 * @param thread bytes of working memory for each thread
 */
public record Activations(long row, long logitRow, long positions, long thread) {}
