package orrery.speculation.length;

import orrery.speculation.DraftLength;

/**
 * Makes no drafts while many sequences decode. Their rows fill the machine already, and a rejected
 * draft then costs as much as an accepted one. It is vLLM's {@code disable_by_batch_size}.
 *
 * @param maxBatch the most sequences that still draft, at least 1
 * @param inner the draft length for smaller batches; it learns from every round
 * @throws IllegalArgumentException if {@code maxBatch} is less than 1
 */
public record OffAbove(int maxBatch, DraftLength inner) implements DraftLength {

  public OffAbove {
    if (maxBatch < 1) {
      throw new IllegalArgumentException(
          "largest batch with drafts: expected at least 1, found " + maxBatch);
    }
  }

  @Override
  public int next(int batch) {
    return batch > maxBatch ? 0 : inner.next(batch);
  }

  @Override
  public int most() {
    return inner.most();
  }

  @Override
  public void observe(Round round) {
    inner.observe(round);
  }
}
