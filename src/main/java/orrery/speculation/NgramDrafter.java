package orrery.speculation;

import java.util.List;
import orrery.graph.Buffer;

/**
 * Prompt lookup (Saxena, "Prompt lookup decoding", 2023): what followed the newest tokens the last
 * time will follow again. Costs next to nothing, and pays where an answer repeats its prompt or
 * itself: summaries, edits of code, lists.
 *
 * <pre>
 *   ... the old lighthouse keeper said ... and the old lighthouse
 *       ─────────┬──────── ──┬─────────        ─────────┬────────
 *        the last time       guesses       longest run of newest tokens that occurred before
 * </pre>
 *
 * <p>The longest run wins, of {@code max} down to {@code min} tokens; among its occurrences the
 * most recent. The guesses may run on into the newest tokens and into themselves, like a match in
 * LZ77: a text of any period is continued for as many tokens as wanted.
 *
 * <p>As vLLM {@code v1/spec_decode/ngram_proposer.py} (there one pass over the whole text per step,
 * the earliest occurrence, and guesses end with the text) and SGLang's {@code NGRAM} (a trie over
 * all requests). Here each sequence has a table per run length, so a step costs the same at 100
 * tokens and at 8,000.
 */
public final class NgramDrafter implements Drafter {
  private final int min;
  private final int max;

  /**
   * @param min shortest run that is looked for, in tokens
   * @param max longest
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

  @Override
  public int ahead() {
    return 0;
  }

  @Override
  public Drafts start(Draftable sequence, Draw draw) {
    return new Lookup(sequence, draw, min, max);
  }

  /** Reads the prompt anew: a table is built faster than it would be shared. */
  @Override
  public Drafts fork(Drafts from, Draftable sequence, Draw draw) {
    return start(sequence, draw);
  }

  /** All or nothing: what was found once goes on for as long as wanted. */
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

  /** Nothing to do: {@link #offers} reads the tokens that have come. */
  @Override
  public void follow(List<Judged> judged, Buffer hidden, boolean soon) {}

  /** The guesses of a sequence, and where its runs of tokens stood last. */
  static final class Lookup extends Drafts {
    private final Draftable sequence;
    private final NgramIndex[] indexes; // [max - min + 1], longest runs first
    private int searched; // known tokens at the last search
    private int found; // what it found: where the guesses start in the text; 0 is nothing

    private Lookup(Draftable sequence, Draw draw, int min, int max) {
      super(draw);
      this.sequence = sequence;
      indexes = new NgramIndex[max - min + 1];
      for (int n = min; n <= max; n++) {
        indexes[max - n] = new NgramIndex(n);
      }
    }

    /** The newest run itself is not taken in before the next search: it must not find itself. */
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

    /** Table cells looked at so far. */
    long compared() {
      long sum = 0;
      for (NgramIndex index : indexes) {
        sum += index.compared();
      }
      return sum;
    }
  }
}
