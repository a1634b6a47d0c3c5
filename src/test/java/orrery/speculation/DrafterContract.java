package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.model.Model;
import orrery.sampling.SamplingParams;
import orrery.speculation.Drafter.Order;
import orrery.speculation.Lanes.Rows;

/**
 * The tests that every drafter must pass, on random walks: start, fork, draft and follow in any
 * order.
 */
public abstract class DrafterContract {
  private static final int LONGEST = 40;
  private static final int WALKS = 12;
  private static final int MOST = 4;
  private static final Kernels KERNELS = new ScalarKernels();

  private final Map<String, int[]> plain = new HashMap<>(); // texts without drafts, by answer
  private final Map<String, int[]> guesses = new HashMap<>(); // by text, order and answer
  private int drafted;
  private int accepted;
  private int repeated; // guesses that another walk had asked for too
  private int hits;
  private int forks;

  /** Makes the drafter of a model. */
  protected abstract Lanes.Maker maker(Model model);

  /** Whether the drafter ever guesses. */
  protected boolean guesses() {
    return true;
  }

  /** Whether equal texts get equal guesses. */
  protected boolean repeats() {
    return true;
  }

  @Test
  public void aDrafterKeepsItsPromisesWhateverTheOrderOfCalls() {
    for (String speck : new String[] {"mtp", "trained"}) {
      Model model = LoadedModel.load(TinyModels.speck(speck)).model();
      plain.clear();
      guesses.clear();
      for (int seed = 0; seed < WALKS; seed++) {
        Random r = new Random(seed);
        int page = new int[] {1, 4, 16}[seed % 3];
        try (Lanes lanes = new Lanes(model, page, LONGEST, KERNELS, maker(model))) {
          new Walk(lanes, r).play();
        }
      }
    }
    System.out.printf(
        "%s: %d walks, %d drafts, %d accepted, %d asked for again; %d hits, %d forks%n",
        getClass().getSimpleName(), 2 * WALKS, drafted, accepted, repeated, hits, forks);
    assertThat(hits).as("hits").isPositive();
    assertThat(forks).as("forks").isPositive();
    if (guesses()) {
      assertThat(drafted).as("drafts").isGreaterThan(100);
      assertThat(accepted).as("accepted").isPositive();
      assertThat(repeated > 0).as("the same guesses in several walks").isEqualTo(repeats());
    } else {
      assertThat(drafted).isZero();
    }
  }

  /**
   * A lane for one of a few answers. All walks use the same answers, so that they can be compared.
   */
  private static Lane lane(Model model, int which, int choice) {
    Random r = new Random(which);
    int[] system = new Random(99).ints(20, 0, model.vocab()).toArray();
    int[] prompt = Arrays.copyOf(system, 1 + r.nextInt(20));
    for (int t = prompt.length / 2; t < prompt.length; t++) {
      prompt[t] = which % 2 == 0 ? prompt[t] : prompt[t] % 5; // repeats, for prompt lookup to find
    }
    SamplingParams params =
        SamplingParams.defaults()
            .withTemperature(which % 3 == 0 ? 0.7 : 0)
            .withFrequencyPenalty(which % 4 == 1 ? 0.3 : 0)
            .withSeed(which);
    return new Lane(model.vocab(), prompt, prompt.length + 4 + r.nextInt(14), params, choice);
  }

  /** The answer that is computed alone and without drafts. */
  private int[] plainly(Model model, int which, int choice) {
    return plain.computeIfAbsent(
        which + "/" + choice,
        k -> {
          Lane s = lane(model, which, choice);
          try (Lanes alone =
              new Lanes(model, 16, LONGEST, KERNELS, (runner, step, cache, x) -> new NoDrafter())) {
            alone.start(s);
            while (!s.ended()) {
              alone.step(List.of(new Rows(s, s.known - s.computed)), false);
            }
          }
          return s.text();
        });
  }

  private final class Walk {
    final Lanes lanes;
    final Random r;
    final List<Lane> running = new ArrayList<>();

    Walk(Lanes lanes, Random r) {
      this.lanes = lanes;
      this.r = r;
    }

    void play() {
      int coming = 8;
      while (coming > 0 || !running.isEmpty()) {
        if (coming > 0 && running.size() < 3 && r.nextBoolean()) {
          Lane s = lane(lanes.model, r.nextInt(6), 0);
          lanes.start(s);
          hits += s.computed > 0 ? 1 : 0;
          running.add(s);
          coming--;
        } else if (!running.isEmpty()) {
          step();
        }
      }
    }

    private void step() {
      List<Order> orders = new ArrayList<>();
      List<Rows> rows = new ArrayList<>();
      for (Lane s : running) {
        assertThat(s.drafts.count()).as("guesses before an order").isZero();
        if (r.nextInt(4) > 0) {
          int pending = s.known - s.computed;
          rows.add(new Rows(s, s.decodes() ? 1 : 1 + r.nextInt(pending)));
          int offered = offered(s);
          if (offered > 0 && r.nextInt(4) > 0) {
            Order o = new Order(s.drafts, 1 + r.nextInt(offered));
            lanes.reserve(s, 1 + o.count());
            orders.add(o);
          }
        }
      }
      if (rows.isEmpty()) {
        return;
      }
      if (!orders.isEmpty()) {
        draft(orders);
      }
      int before = running.stream().mapToInt(s -> s.computed).sum();
      lanes.step(rows, r.nextInt(3) > 0);
      int now = running.stream().mapToInt(s -> s.computed).sum();
      accepted += now - before - rows.stream().mapToInt(Rows::pending).sum();
      for (Lane s : List.copyOf(running)) {
        forkAndEnd(s);
      }
    }

    private int offered(Lane s) {
      int most = Math.min(MOST, s.longest - s.known - 1);
      if (!s.decodes() || most < 1) {
        return 0;
      }
      int offered = lanes.drafter.offers(s.drafts, most);
      assertThat(offered).isBetween(0, most);
      assertThat(lanes.drafter.offers(s.drafts, most)).as("asked again").isEqualTo(offered);
      assertThat(s.drafts.count()).as("an offer is no guess").isZero();
      return offered;
    }

    private void draft(List<Order> orders) {
      List<String> before = running.stream().map(this::seen).toList();
      lanes.drafter.draft(orders);
      assertThat(running.stream().map(this::seen).toList()).isEqualTo(before);
      for (Lane s : running) {
        int ordered =
            orders.stream().filter(o -> o.drafts() == s.drafts).mapToInt(Order::count).sum();
        assertThat(s.drafts.count()).as("no more than ordered").isLessThanOrEqualTo(ordered);
        for (int guess : s.drafts.toArray()) {
          assertThat(guess).isBetween(0, lanes.model.vocab() - 1);
        }
        drafted += s.drafts.count();
        compare(s, ordered);
      }
    }

    /** Everything of a sequence that a caller can see. */
    private String seen(Lane s) {
      StringBuilder b = new StringBuilder(Arrays.toString(s.text())).append(s.computed);
      var history = s.sampling.history();
      for (int i = 0; i < history.outputLength(); i++) {
        b.append(' ').append(history.output(i));
      }
      for (int t = 0; t < history.vocab(); t++) {
        b.append(history.contains(t) ? '+' : '-');
      }
      return b.toString();
    }

    /** A guess depends on the text and the draw, not on neighbours, schedules or pages. */
    private void compare(Lane s, int ordered) {
      if (!repeats() || ordered == 0) {
        return;
      }
      String key =
          Arrays.toString(s.text()) + s.sampling.seed() + "/" + s.sampling.choice() + ":" + ordered;
      int[] found = s.drafts.toArray();
      int[] others = guesses.putIfAbsent(key, found);
      if (others != null) {
        repeated++;
        assertThat(found).as(key).isEqualTo(others);
      }
    }

    private void forkAndEnd(Lane s) {
      boolean fresh = s.known == s.prompt + 1 && s.decodes() && s.forkOf == null;
      if (fresh && running.size() < 4 && r.nextInt(3) == 0) {
        Lane other = lane(lanes.model, (int) s.sampling.seed(), 1);
        other.append(plainly(lanes.model, (int) s.sampling.seed(), 1)[s.prompt]);
        lanes.fork(s, other);
        forks++;
        running.add(other);
      }
      if (s.ended()) {
        int[] expected = plainly(lanes.model, (int) s.sampling.seed(), s.sampling.choice());
        assertThat(s.text()).isEqualTo(expected);
        lanes.end(s);
        running.remove(s);
      }
    }
  }
}
