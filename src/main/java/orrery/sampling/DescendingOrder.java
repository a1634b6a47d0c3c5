package orrery.sampling;

/**
 * The tokens of one row by falling logit, ties by rising id. Top-k and top-p mostly look at a few
 * tokens of thousands, so only a few are chosen and sorted: one pass over the vocabulary compares
 * each token with the last one chosen, and nearly all lose at once. If a caller goes further down
 * than was chosen, eight times as many are chosen anew.
 *
 * <p>A token's place is one {@code long}. Its upper half are the logit's bits, changed so that a
 * higher logit gives a smaller integer; its lower half is the id. So comparing places compares
 * (logit, id), and no two places are equal.
 */
final class DescendingOrder {
  private static final int FEW = 64; // tokens that are chosen first, at least
  private static final int MORE = 8; // times as many, if they are not enough

  private final long[] places; // [vocab]: the first `chosen` are the best places in order
  private float[] logits; // [vocab] of the row
  private int chosen;

  DescendingOrder(int vocab) {
    places = new long[vocab];
  }

  /** Starts over with a row of logits [vocab], which holds no NaN and does not change meanwhile. */
  void reset(float[] logits) {
    this.logits = logits;
    chosen = 0;
  }

  /** The place of the token of rank {@code rank}, from 0. */
  long placeAt(int rank) {
    if (rank >= chosen) {
      choose(Math.min(places.length, Math.max(rank + 1, Math.max(FEW, MORE * chosen))));
    }
    return places[rank];
  }

  /** The token of a place. */
  static int token(long place) {
    return (int) place;
  }

  /** The place of a token; smaller places come first. The logits 0 and -0 are equal. */
  static long place(float logit, int token) {
    int bits = Float.floatToRawIntBits(logit + 0.0f);
    int rising = bits ^ bits >> 31 & Integer.MAX_VALUE; // negative floats rise as their bits fall
    return (long) ~rising << 32 | token;
  }

  /** Puts the {@code count} best places into order, by way of a heap with the last one on top. */
  private void choose(int count) {
    for (int i = 0; i < count; i++) {
      places[i] = place(logits[i], i);
    }
    for (int i = count / 2 - 1; i >= 0; i--) {
      sink(i, count);
    }
    compete(count);
    for (int end = count - 1; end > 0; end--) {
      long last = places[0];
      places[0] = places[end];
      sink(0, end);
      places[end] = last;
    }
    chosen = count;
  }

  /** Lets the tokens from {@code count} on compete with those chosen. */
  private void compete(int count) {
    float last = logits[token(places[0])];
    for (int i = count; i < places.length; i++) {
      if (logits[i] > last) { // a tie loses: its id is higher
        places[0] = place(logits[i], i);
        sink(0, count);
        last = logits[token(places[0])];
      }
    }
  }

  private void sink(int from, int count) {
    long moving = places[from];
    int hole = from;
    for (int child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
      if (child + 1 < count && places[child + 1] > places[child]) {
        child++;
      }
      if (moving >= places[child]) {
        break;
      }
      places[hole] = places[child];
      hole = child;
    }
    places[hole] = moving;
  }
}
