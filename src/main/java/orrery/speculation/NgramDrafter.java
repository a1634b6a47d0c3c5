package orrery.speculation;

import java.util.List;
import orrery.graph.Buffer;

/**
 * Prompt lookup (Saxena, "Prompt lookup decoding", 2023). The guess is that the newest tokens are
 * followed by the same tokens as the last time they stood in the text. This costs next to nothing.
 * It pays where an answer repeats its prompt or itself: summaries, edits of code, lists.
 *
 * <pre>
 *   ... the old lighthouse keeper said ... and the old lighthouse
 *       ─────────┬──────── ──┬─────────        ─────────┬────────
 *        the last time       guesses       longest run of newest tokens that occurred before
 * </pre>
 *
 * <p>The longest run wins, from {@code max} down to {@code min} tokens; among its occurrences, the
 * most recent one wins. The guesses may run on into the newest tokens and into themselves, like a
 * match in LZ77. So a periodic text is continued for as many tokens as wanted.
 *
 * <p>vLLM ({@code v1/spec_decode/ngram_proposer.py}) passes over the whole text in each step, takes
 * the earliest occurrence, and ends the guesses with the text. SGLang's {@code NGRAM} keeps a trie
 * over all requests. Here each sequence has a table for each run length, so a step costs the same
 * at 100 tokens and at 8,000.
 */
public final class NgramDrafter implements Drafter {
  private final int min;
  private final int max;

  /**
   * @param min shortest run that is looked for, in tokens
   * @param max longest run, in tokens
   * @throws IllegalArgumentException if not 1 ≤ min ≤ max
   */
  public NgramDrafter(int min, int max) {
    if (min < 1 || max < min) {
      throw new IllegalArgumentException(
          "run lengths of prompt lookup: expected 1 <= min <= max, found %d to %d"
              .formatted(min, max));
    }
    this.min = min;
    this.max = max;
  }

  /**
   * The most bytes that a sequence takes.
   *
   * @param min shortest run that is looked for, in tokens
   * @param max longest run, in tokens
   * @param tokens of the sequence
   */
  public static long bytes(int min, int max, long tokens) {
    return (max - min + 1) * NgramIndex.bytes(tokens);
  }

  @Override
  public int ahead() {
    return 0;
  }

  @Override
  public int behind() {
    return 0;
  }

  @Override
  public Drafts start(Draftable sequence, SamplingContext sampling) {
    return new Lookup(sequence, sampling, min, max);
  }

  /** Reads the prompt anew: building a table is faster than sharing one. */
  @Override
  public Drafts fork(Drafts from, Draftable sequence, SamplingContext sampling) {
    return start(sequence, sampling);
  }

  /** Offers all or nothing: once a run is found, the guesses go on for as long as wanted. */
  @Override
  public int offers(Drafts drafts, int most) {
    return ((Lookup) drafts).find() > 0 ? most : 0;
  }

  @Override
  public int complete(Drafts drafts, int computed) {
    return computed;
  }

  @Override
  public void draft(List<Order> orders) {
    for (Order order : orders) {
      ((Lookup) order.drafts()).guess(order.count());
    }
  }

  /** Does nothing: {@link #offers} reads the new tokens. */
  @Override
  public void follow(List<Judged> judged, Buffer states, boolean soon) {}

  /** The guesses of a sequence, and the places where its runs of tokens stood last. */
  static final class Lookup extends Drafts {
    private final Draftable sequence;
    private final NgramIndex[] indexes; // [max - min + 1], longest runs first
    private int searched; // known tokens at the last search
    private int found; // where the guesses of that search start in the text; 0 if it found nothing

    private Lookup(Draftable sequence, SamplingContext sampling, int min, int max) {
      super(sampling);
      this.sequence = sequence;
      indexes = new NgramIndex[max - min + 1];
      for (int n = min; n <= max; n++) {
        indexes[max - n] = new NgramIndex(n);
      }
    }

    /**
     * Finds where the newest run stood last. That run enters the table only at the next search, so
     * that it does not find itself.
     */
    private int find() {
      int known = sequence.known();
      if (searched == known) {
        return found;
      }
      int[] text = sequence.tokens();
      searched = known;
      found = 0;
      for (NgramIndex index : indexes) {
        index.extend(text, known - 1);
        if (found == 0) {
          found = index.lastEnd(text, known);
        }
      }
      return found;
    }

    private void guess(int count) {
      int from = find();
      int known = sequence.known();
      for (int i = 0; from > 0 && i < count; i++) {
        int at = from + i;
        add(at < known ? sequence.tokens()[at] : token(at - known), null);
      }
    }

    /** How many table cells were looked at so far. */
    long compared() {
      long sum = 0;
      for (NgramIndex index : indexes) {
        sum += index.compared();
      }
      return sum;
    }
  }
}
