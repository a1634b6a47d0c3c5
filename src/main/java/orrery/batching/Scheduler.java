package orrery.batching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.batching.View.Item;
import orrery.batching.View.Limits;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.prefix.PrefixCache;
import orrery.prefix.PrefixCache.Match;

/** Turns queues, lengths and page counts into a {@link View}, and asks the policy for a plan. */
public final class Scheduler {
  private final Policy policy;
  private final KvCache kv;
  private final PrefixCache prefix;
  private final Limits limits;
  private final int ahead;
  private final int margin;
  private View.Memory memory;

  /**
   * @param ahead slots beyond its computed tokens that a running sequence needs pages for
   * @param margin slots beside its window that a running sequence may hold pages for: those ahead,
   *     and those of computed tokens whose rows are not all written
   */
  public Scheduler(
      Policy policy, KvCache kv, PrefixCache prefix, Limits limits, int ahead, int margin) {
    this.policy = policy;
    this.kv = kv;
    this.prefix = prefix;
    this.limits = limits;
    this.ahead = ahead;
    this.margin = margin;
    this.memory = policy.initialMemory();
  }

  /** The plan of the next step. */
  public StepPlan plan(Queues queues, long now) {
    StepPlan plan = propose(queues, now);
    accept(plan);
    return plan;
  }

  /** A plan of the next step that a caller may still drop; it changes nothing. */
  public StepPlan propose(Queues queues, long now) {
    if (queues.running().isEmpty() && queues.ready().isEmpty()) {
      List<Sequence> none = List.of();
      return new StepPlan(none, none, List.of(), 0, StepPlan.Stop.NOTHING_WAITS, memory);
    }
    return policy.plan(view(queues, now));
  }

  /** Takes note that a proposed plan is carried out. */
  public void accept(StepPlan plan) {
    memory = plan.memory();
  }

  /** Whether another choice of a request may start beside a running one now; if not, it waits. */
  public boolean mayFork(Queues queues, Sequence parent, long now) {
    return policy.mayFork(() -> view(queues, now), () -> running(parent));
  }

  private View view(Queues queues, long now) {
    KvGeometry g = kv.geometry();
    int[] free = new int[g.pools()];
    int[] total = new int[g.pools()];
    for (int pool = 0; pool < free.length; pool++) {
      free[pool] = kv.pool(pool).available() + kv.pool(pool).idle();
      total[pool] = kv.pool(pool).total() - 1;
    }
    List<Item> running = new ArrayList<>();
    for (Sequence s : queues.running()) {
      if (!s.ending()) { // else there is nothing left to plan for it; its pages are not free yet
        running.add(running(s));
      }
    }
    int ending = queues.running().size() - running.size();
    Limits left = new Limits(limits.maxRunning() - ending, limits.chunk());
    List<Item> items = new ArrayList<>();
    int slots = left.maxRunning() - running.size();
    List<Sequence> waiting = queues.ready();
    int looked = slots > 0 ? Math.min(waiting.size(), policy.looksAt(slots)) : 0;
    for (int i = 0; i < looked; i++) {
      Item item = waitingItem(waiting.get(i), waiting.subList(0, i), queues.running());
      items.add(item);
      if (item.deferred()) {
        break; // no later sequence may pass it
      }
    }
    if (looked == 0 && !waiting.isEmpty()) {
      items.add(waiting(waiting.getFirst(), Match.none(free.length), false));
    }
    return new View(now, items, running, g, free, total, ahead, margin, left, memory);
  }

  private Item waitingItem(Sequence s, List<Sequence> ahead, List<Sequence> running) {
    int limit = hitLimit(s, kv.geometry().pageTokens());
    Match hit = prefix.match(s.tokens(), limit, s.salt);
    boolean deferred =
        prefix.remembers()
            && policy.waitsForPrefixes()
            && limit > hit.tokens()
            && sharesMore(s, hit.tokens(), limit, ahead, running);
    return waiting(s, hit, deferred);
  }

  /**
   * The most tokens that a hit may have: it must leave the rows that are still to be computed, and
   * only whole pages are shared.
   */
  public static int hitLimit(Sequence s, int pageTokens) {
    return s.mayHit() / pageTokens * pageTokens;
  }

  /**
   * Whether a sequence ahead will soon have cached more of this prompt than is cached now. A
   * waiting one counts only if its own hit is as long: with the longest hit first, it would else
   * wait for this one.
   */
  private boolean sharesMore(
      Sequence s, int hit, int limit, List<Sequence> ahead, List<Sequence> running) {
    for (Sequence r : running) {
      if (r.known() - r.computed() > 1 && common(s, r, limit) > Math.max(hit, r.computed())) {
        return true;
      }
    }
    for (Sequence w : ahead) {
      if (w.mayHit() >= hit && common(s, w, limit) > hit) {
        return true;
      }
    }
    return false;
  }

  /** How many tokens two sequences share from the start, in whole pages. */
  private int common(Sequence a, Sequence b, int limit) {
    if (!a.salt.equals(b.salt)) {
      return 0;
    }
    int n = Arrays.mismatch(a.tokens(), 0, limit, b.tokens(), 0, Math.min(limit, b.known()));
    n = n < 0 ? limit : n;
    return n / kv.geometry().pageTokens() * kv.geometry().pageTokens();
  }

  private Item running(Sequence s) {
    int[] first = new int[kv.geometry().pools()];
    int[] reclaimable = new int[first.length];
    for (int pool = 0; pool < first.length; pool++) {
      first[pool] = s.table().first(pool);
      for (int i = first[pool]; i < s.table().end(pool); i++) {
        reclaimable[pool] += kv.pool(pool).references(s.table().pages(pool)[i]) == 1 ? 1 : 0;
      }
    }
    int[] takes = new int[first.length];
    return item(s, s.computedSoon(), s.complete(), s.held(), first, takes, reclaimable, false);
  }

  private Item waiting(Sequence s, Match hit, boolean deferred) {
    int n = hit.tokens();
    int[] first = new int[hit.takes().length];
    Arrays.setAll(first, pool -> kv.geometry().unneeded(pool, n));
    return item(s, n, n, n, first, hit.takes(), new int[first.length], deferred);
  }

  private static Item item(
      Sequence s,
      int computed,
      int complete,
      int held,
      int[] first,
      int[] takes,
      int[] reclaimable,
      boolean deferred) {
    return new Item(
        s,
        s.knownSoon(),
        computed,
        complete,
        held,
        s.offered(),
        first,
        takes,
        reclaimable,
        deferred);
  }
}
