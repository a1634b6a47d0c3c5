package orrery.sampling;

/**
 * The tokens of one row by falling logit, ties by rising id. Only as many tokens are sorted as the
 * caller asks for: building the heap takes time linear in the vocabulary, and each token in order
 * takes logarithmic time. Top-p mostly looks at a few tokens of thousands. Top-k knows how many:
 * then one pass over the vocabulary compares each token with the last one of the best so far, and
 * nearly all lose at once.
 *
 * <p>A token's place is one {@code long}. Its upper half are the logit's bits, changed so that a
 * higher logit gives a smaller integer; its lower half is the id. So comparing places compares
 * (logit, id), and no two places are equal.
 */
final class DescendingOrder {

  private final long[] places; // [vocab]: a min-heap of `open`, then the places taken, last first
  private int size; // tokens that can be asked for
  private int open;

  DescendingOrder(int vocab) {
    places = new long[vocab];
  }

  /** Starts over with a row of logits [vocab], which holds no NaN. */
  void reset(float[] logits) {
    for (int i = 0; i < places.length; i++) {
      places[i] = place(logits[i], i);
    }
    begin(places.length);
  }

  /** Starts over with the {@code count} highest tokens of a row. */
  void reset(float[] logits, int count) {
    for (int i = 0; i < count; i++) {
      places[i] = ~place(logits[i], i); // in the opposite order: the last one comes to the top
    }
    begin(count);
    float last = logits[token(~places[0])];
    for (int i = count; i < places.length; i++) {
      if (logits[i] > last) { // a tie loses: its id is higher
        places[0] = ~place(logits[i], i);
        sink(0);
        last = logits[token(~places[0])];
      }
    }
    for (int i = 0; i < count; i++) {
      places[i] = ~places[i];
    }
    begin(count);
  }

  private void begin(int count) {
    size = count;
    open = count;
    for (int i = open / 2 - 1; i >= 0; i--) {
      sink(i);
    }
  }

  /** The place of the token of rank {@code rank}, from 0. */
  long placeAt(int rank) {
    while (size - open <= rank) {
      long first = places[0];
      places[0] = places[--open];
      sink(0);
      places[open] = first;
    }
    return places[size - 1 - rank];
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

  private void sink(int from) {
    long moving = places[from];
    int hole = from;
    for (int child = 2 * hole + 1; child < open; child = 2 * hole + 1) {
      if (child + 1 < open && places[child + 1] < places[child]) {
        child++;
      }
      if (moving <= places[child]) {
        break;
      }
      places[hole] = places[child];
      hole = child;
    }
    places[hole] = moving;
  }
}
