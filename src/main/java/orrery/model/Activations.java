package orrery.model;

/**
 * What a bound forward pass takes beside weights and cache, so that it can be told before it is
 * made.
 *
 * @param row bytes for each row of a bucket
 * @param logitRow bytes for each row of a bucket that may want logits
 * @param position bytes for each position that a sequence can have, once
 * @param threadPosition bytes for each position and thread
 */
public record Activations(long row, long logitRow, long position, long threadPosition) {}
