package orrery.engine;

import java.util.List;
import java.util.Map;
import java.util.Random;
import orrery.graph.Buffer;
import orrery.speculation.Draftable;
import orrery.speculation.Drafter;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;

/**
 * A drafter that knows the answers but remembers only a share of their tokens, by default two of
 * three. So with any model, long runs of drafts are accepted, and drafts are rejected at every
 * position.
 *
 * <p>A late one also pretends to write rows, as an MTP layer does whose rows are put off: up to
 * {@value #LATE} tokens of an answer are computed but not complete.
 */
final class Crammer implements Drafter {
  private final Map<String, int[]> answers; // by key
  private final int vocab;
  private final Random random;
  private final double remembers;
  private final boolean late;

  private static final int LATE = 63;

  /** Its tokens before {@code written} are complete. */
  private static final class LateDrafts extends Drafts {
    final Draftable sequence;
    int written;

    LateDrafts(Draftable sequence, SamplingContext sampling, int written) {
      super(sampling);
      this.sequence = sequence;
      this.written = written;
    }
  }

  Crammer(Map<String, int[]> answers, int vocab, long seed) {
    this(answers, vocab, seed, 2.0 / 3, false);
  }

  /** One whose tokens are complete late. */
  static Crammer late(Map<String, int[]> answers, int vocab, long seed) {
    return new Crammer(answers, vocab, seed, 2.0 / 3, true);
  }

  /**
   * @param remembers the share of tokens that it remembers
   */
  Crammer(Map<String, int[]> answers, int vocab, long seed, double remembers) {
    this(answers, vocab, seed, remembers, false);
  }

  private Crammer(
      Map<String, int[]> answers, int vocab, long seed, double remembers, boolean late) {
    this.remembers = remembers;
    this.late = late;
    this.answers = answers;
    this.vocab = vocab;
    this.random = new Random(seed);
  }

  static String key(long seed, int choice) {
    return seed + "/" + choice;
  }

  @Override
  public int ahead() {
    return 0;
  }

  @Override
  public int behind() {
    return late ? LATE : 0;
  }

  @Override
  public Drafts start(Draftable sequence, SamplingContext sampling) {
    return new LateDrafts(sequence, sampling, sequence.computed());
  }

  @Override
  public Drafts fork(Drafts from, Draftable sequence, SamplingContext sampling) {
    return new LateDrafts(sequence, sampling, ((LateDrafts) from).written);
  }

  @Override
  public int offers(Drafts drafts, int most) {
    return most;
  }

  @Override
  public int complete(Drafts drafts, int computed) {
    return late ? ((LateDrafts) drafts).written : computed;
  }

  @Override
  public void draft(List<Order> orders) {
    for (Order o : orders) {
      SamplingContext d = o.drafts().sampling();
      int[] answer = answers.getOrDefault(key(d.seed(), d.choice()), new int[0]);
      int next = d.history().outputLength();
      for (int i = 0; i < o.count(); i++) {
        boolean knows = next + i < answer.length && random.nextDouble() < remembers;
        o.drafts().add(knows ? answer[next + i] : random.nextInt(vocab), null);
      }
    }
  }

  @Override
  public void follow(List<Judged> judged, Buffer states, boolean soon) {
    for (Judged j : judged) {
      LateDrafts d = (LateDrafts) j.drafts();
      if (j.shared() || d.sequence.computed() - d.written > LATE) {
        d.written = d.sequence.computed();
      }
    }
  }
}
