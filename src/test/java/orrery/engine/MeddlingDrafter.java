package orrery.engine;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import orrery.graph.Buffer;
import orrery.speculation.Draftable;
import orrery.speculation.Drafter;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;

/**
 * A real drafter with some drafts replaced, by random tokens and by the tokens that will really
 * come. So runs of all lengths are accepted and rejected, while the real drafter writes its own
 * rows as usual. At random, it also offers fewer drafts than it could, and postpones rows. After
 * every step it shows all running sequences to a watcher.
 */
final class MeddlingDrafter implements Drafter {
  /** Sees a running sequence between two steps. */
  interface Watcher {
    void look(Draftable sequence, Drafts drafts, boolean finished);
  }

  private final Drafter real;
  private final Map<String, int[]> answers; // by Crammer.key
  private final int vocab;
  private final Random random; // null: does not meddle
  private final Watcher watcher;
  private final Map<Draftable, Drafts> known = new IdentityHashMap<>();

  MeddlingDrafter(
      Drafter real, Map<String, int[]> answers, int vocab, Random random, Watcher watcher) {
    this.real = real;
    this.answers = answers;
    this.vocab = vocab;
    this.random = random;
    this.watcher = watcher;
  }

  @Override
  public int ahead() {
    return real.ahead();
  }

  @Override
  public int behind() {
    return real.behind();
  }

  @Override
  public Drafts start(Draftable sequence, SamplingContext sampling) {
    Drafts d = real.start(sequence, sampling);
    known.put(sequence, d);
    return d;
  }

  @Override
  public Drafts fork(Drafts from, Draftable sequence, SamplingContext sampling) {
    Drafts d = real.fork(from, sequence, sampling);
    known.put(sequence, d);
    return d;
  }

  @Override
  public int offers(Drafts drafts, int most) {
    int offered = real.offers(drafts, most);
    return random == null || random.nextInt(3) > 0 ? offered : random.nextInt(offered + 1);
  }

  @Override
  public int complete(Drafts drafts, int computed) {
    return real.complete(drafts, computed);
  }

  @Override
  public void draft(List<Order> orders) {
    real.draft(orders);
    for (Order o : orders) {
      meddle(o.drafts());
    }
  }

  private void meddle(Drafts d) {
    int[] own = d.toArray();
    int[] answer =
        answers.getOrDefault(Crammer.key(d.sampling().seed(), d.sampling().choice()), new int[0]);
    int next = d.sampling().history().outputLength();
    d.keep(0);
    for (int i = 0; i < own.length; i++) {
      int kind = random == null ? 0 : random.nextInt(6);
      boolean knows = kind > 1 && next + i < answer.length;
      d.add(kind == 0 ? own[i] : knows ? answer[next + i] : random.nextInt(vocab), null);
    }
  }

  @Override
  public void follow(List<Judged> judged, Buffer states, boolean soon) {
    real.follow(judged, states, soon && (random == null || random.nextInt(4) > 0));
    List<Drafts> finished = new ArrayList<>();
    judged.stream().filter(Judged::finished).forEach(j -> finished.add(j.drafts()));
    known.keySet().removeIf(s -> s.table() == null); // retracted, cancelled, finished before
    known.forEach((s, d) -> watcher.look(s, d, finished.contains(d)));
  }
}
