package orrery.speculation.length;

import orrery.speculation.DraftLength;

/**
 * Always the same number of drafts.
 *
 * @param most that number
 * @throws IllegalArgumentException if it is negative
 */
public record FixedLength(int most) implements DraftLength {

  public FixedLength {
    if (most < 0) {
      throw new IllegalArgumentException("drafts: expected at least 0, found " + most);
    }
  }

  @Override
  public int next(int batch) {
    return most;
  }

  @Override
  public void observe(Round round) {}
}
