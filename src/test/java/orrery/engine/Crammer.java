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
 */
final class Crammer implements Drafter {
  private final Map<String, int[]> answers; // by key
  private final int vocab;
  private final Random random;
  private final double remembers;

  Crammer(Map<String, int[]> answers, int vocab, long seed) {
    this(answers, vocab, seed, 2.0 / 3);
  }

  /**
   * @param remembers the share of tokens that it remembers
   */
  Crammer(Map<String, int[]> answers, int vocab, long seed, double remembers) {
    this.remembers = remembers;
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
    return 0;
  }

  @Override
  public Drafts start(Draftable sequence, SamplingContext sampling) {
    return new Drafts(sampling);
  }

  @Override
  public Drafts fork(Drafts from, Draftable sequence, SamplingContext sampling) {
    return new Drafts(sampling);
  }

  @Override
  public int offers(Drafts drafts, int most) {
    return most;
  }

  @Override
  public int complete(Drafts drafts, int computed) {
    return computed;
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
  public void follow(List<Judged> judged, Buffer states, boolean soon) {}
}
