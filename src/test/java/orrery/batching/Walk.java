package orrery.batching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import orrery.batching.View.Limits;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.kv.Stream;
import orrery.prefix.HashBlockCache;
import orrery.prefix.NoPrefixCache;
import orrery.prefix.PrefixCache;
import orrery.prefix.RadixCache;

/**
 * Plays one random life of a scheduler without a model: requests arrive, grow, fork, are cancelled
 * and finish in a tiny memory. Every plan is checked against the promises of a policy.
 *
 * <p>A step is that of the engine in plain form: retract, admit, reserve, "compute", keep.
 */
final class Walk {
  private static final KvLayout PLAIN = new KvLayout(List.of(Stream.whole("key", 1)));
  private static final KvLayout WINDOWED =
      new KvLayout(List.of(Stream.whole("key", 1), new Stream("latent", 1, 1, 5, 4)));

  /** Windows much shorter than a page, with rows of which a prefix needs less than they keep. */
  private static final KvLayout HYBRID =
      new KvLayout(
          List.of(
              Stream.whole("key", 1),
              new Stream("latent", 1, 1, 4, 3),
              new Stream("state", 1, 1, 12, 4),
              new Stream("short state", 1, 1, 2, 0)));

  private static final KvLayout WINDOWS_ONLY =
      new KvLayout(List.of(new Stream("latent", 1, 1, 4, 3), new Stream("wide", 1, 1, 9, 8)));

  /** The streams of DeepSeek-V4 in small: rows of several tokens, and four pools. */
  private static final KvLayout V4 =
      new KvLayout(
          List.of(
              new Stream("raw", 1, 1, 6, 5),
              new Stream("csa state", 1, 1, 8, 4),
              new Stream("csa", 1, 4, Stream.ALL, Stream.ALL),
              new Stream("hca state", 1, 1, 16, 0),
              new Stream("hca", 1, 16, Stream.ALL, Stream.ALL)));

  private static final List<KvLayout> LAYOUTS =
      List.of(PLAIN, PLAIN, PLAIN, WINDOWED, HYBRID, WINDOWS_ONLY, V4);

  private static final int MOST_DRAFTS = 3;

  private record Want(Sequence sequence, int answer, int arrivesAt, int cancelledAt, int choices) {}

  final Policy policy;
  final Random random;
  final Limits limits;
  final KvCache kv;
  final PrefixCache prefix;
  final Queues queues = new Queues();
  final Scheduler scheduler;
  final int longest;
  final int ahead; // slots beyond computed tokens, as an MTP layer needs
  final int behind; // the most computed tokens whose rows are put off, as an MTP layer does
  private final boolean windows; // whether a pool keeps less than all
  private final int maxRows; // of a step
  private final Map<Integer, Want> wants = new HashMap<>(); // living sequences, by id
  private final List<Want> coming = new ArrayList<>();
  private final boolean alike; // equal tokens get equal next tokens, as under greedy decoding
  private int ids;
  private int tokensInTotal;
  int step;
  int retractions;
  int mostRetractions;
  int hits;
  int forks;
  int cancelled;
  int finished;
  int drafts;
  int draftsAhead; // drafts in walks where the drafter writes a slot ahead
  int refusedDrafts; // where all pools keep all; a window may be too small for drafts
  int refused; // requests that could not run even alone
  int forksBehindHits; // pools in which a fork begins behind what its window has passed

  Walk(Policy policy, long seed) {
    this.policy = policy;
    this.random = new Random(seed);
    KvLayout layout = LAYOUTS.get(random.nextInt(LAYOUTS.size()));
    windows = layout != PLAIN;
    boolean wide = layout.pools().length > 1 && random.nextBoolean(); // pages of several windows
    int p = layout.wholeRows(wide ? 16 : 1 << random.nextInt(4));
    longest = 4 + random.nextInt(wide ? 60 : 24);
    int chunk = new int[] {1, 2, 3, 7, 16, 64}[random.nextInt(6)];
    int maxRunning = 1 + random.nextInt(5);
    limits = new Limits(maxRunning, chunk);
    maxRows = chunk + maxRunning * (1 + MOST_DRAFTS);
    ahead = random.nextInt(2);
    behind = ahead * random.nextInt(2) * (1 + random.nextInt(12));
    KvGeometry geometry = new KvGeometry(layout, p);
    int[] pages = new int[geometry.pools()];
    boolean ample = random.nextInt(4) == 0;
    boolean tightWindows = layout != PLAIN && random.nextBoolean();
    for (int pool = 0; pool < pages.length; pool++) {
      int least = geometry.expected(pool, 0, longest, 0, ahead + behind);
      boolean tooFew = layout.pools().length > 1 && random.nextInt(8) == 0;
      pages[pool] =
          ample || tightWindows && geometry.needsAll(pool)
              ? 8 * least
              : tooFew
                  ? 1 + random.nextInt(least)
                  : least + random.nextInt(1 + least * random.nextInt(3) / 2);
    }
    kv = new KvCache(layout, geometry, longest, pages);
    prefix =
        switch (random.nextInt(3)) {
          case 0 -> new NoPrefixCache(pages.length);
          case 1 -> new RadixCache(kv, RadixCache.Eviction.values()[random.nextInt(3)]);
          default -> new HashBlockCache(kv);
        };
    alike = random.nextBoolean();
    scheduler = new Scheduler(policy, kv, prefix, limits, ahead, ahead + behind);
    int requests = 2 + random.nextInt(7);
    int[] system = random.ints(longest, 0, 2).toArray();
    for (int i = 0; i < requests; i++) {
      int length = 1 + random.nextInt(longest - 1);
      int[] prompt = Arrays.copyOf(system, length);
      if (random.nextBoolean()) {
        prompt[random.nextInt(length)] ^= 1;
      }
      int most = length + 1 + random.nextInt(longest - length);
      int priority = random.nextInt(4) == 0 ? random.nextInt(3) : 0;
      int at = random.nextBoolean() ? 0 : random.nextInt(20);
      int until = random.nextInt(6) == 0 ? at + random.nextInt(20) : Integer.MAX_VALUE;
      int choices = random.nextInt(4) == 0 ? 1 + random.nextInt(3) : 1;
      String salt = random.nextInt(8) == 0 ? "other" : "";
      if (possible(most)) {
        Sequence s = new Sequence(ids++, i, 0, prompt, most, priority, i, 0, salt);
        coming.add(want(s, at, until, choices));
        tokensInTotal += choices * most;
      } else {
        refused++;
      }
    }
  }

  /** Whether a request of so many tokens could run alone; the engine refuses others. */
  private boolean possible(int most) {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      if (mostPages(pool, most) > kv.pool(pool).total() - 1) {
        return false;
      }
    }
    return true;
  }

  private int mostPages(int pool, int longest) {
    return kv.geometry().expected(pool, 0, longest, 0, ahead + behind);
  }

  private Want want(Sequence s, int at, int until, int choices) {
    int answer = 1 + random.nextInt(s.longest - s.promptLength);
    return new Want(
        s, random.nextBoolean() ? s.longest - s.promptLength : answer, at, until, choices);
  }

  /** Plays until every sequence has finished. */
  void play() {
    // A step computes at least one row. A retraction makes a sequence repeat at most all its rows.
    int bound = tokensInTotal * (ids + 4) + 40;
    while (!queues.isEmpty() || !coming.isEmpty()) {
      require(step < bound, "no sequence starves: " + step + " steps");
      arriveAndCancel();
      for (Sequence s : queues.running()) {
        int most = Math.min(random.nextInt(MOST_DRAFTS + 1), s.longest - s.known() - 1);
        s.offered(s.decoding() ? Math.max(0, most) : 0);
      }
      if (!queues.isEmpty()) {
        step(scheduler.plan(queues, step));
        queues.running().forEach(this::requireBooked);
      }
      step++;
    }
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      require(kv.pool(pool).referenced() == 0, "all pages come back");
    }
    prefix.clear();
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      require(kv.pool(pool).available() == kv.pool(pool).total() - 1, "the cache can be emptied");
    }
    require(mostRetractions <= tokensInTotal, "retractions per request are bounded");
  }

  private void requireBooked(Sequence s) {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int end = kv.geometry().pages(pool, s.held());
      require(s.table().end(pool) == end, "a sequence holds the pages that it counts");
      int held = end - s.table().first(pool);
      require(held <= mostPages(pool, s.longest), "a sequence holds no more than was expected");
    }
  }

  private void arriveAndCancel() {
    for (Want w : List.copyOf(coming)) {
      if (w.arrivesAt <= step) {
        coming.remove(w);
        wants.put(w.sequence.id, w);
        queues.enqueue(w.sequence);
      }
    }
    for (Want w : List.copyOf(wants.values())) {
      if (w.cancelledAt <= step) {
        cancelled++;
        finish(w.sequence);
      }
    }
  }

  private void step(StepPlan plan) {
    check(plan);
    for (Sequence s : plan.retract()) {
      leave(s);
      s.stop(true);
      queues.retract(s);
      retractions++;
      mostRetractions = Math.max(mostRetractions, s.retractions());
    }
    for (Sequence s : plan.admit()) {
      PageTable table = kv.newTable();
      int limit = Scheduler.hitLimit(s, kv.geometry().pageTokens());
      PrefixCache.Hit hit = prefix.acquire(s.tokens(), limit, s.salt, table);
      s.start(table, hit.lease(), hit.tokens());
      hits += hit.tokens() > 0 ? 1 : 0;
      queues.admit(s);
    }
    for (StepPlan.Rows rows : plan.rows()) {
      Sequence s = rows.sequence();
      int pending = s.known() - s.computed();
      require(rows.count() >= 1, "rows are planned");
      require(
          rows.count() <= pending || pending == 1 && s.output() > 0,
          "drafts stand behind the newest token of an answer");
      require(
          rows.count() <= pending + s.offered(), "rows are pending, or drafts that were offered");
      drafts += Math.max(0, rows.count() - pending);
      draftsAhead += ahead * Math.max(0, rows.count() - pending);
      refusedDrafts += rows.count() == pending && !windows ? s.offered() : 0;
      int to = s.computed() + rows.count() + ahead;
      for (int pool = 0; pool < kv.geometry().pools(); pool++) {
        makeRoom(pool, kv.geometry().pages(pool, to) - s.table().end(pool));
      }
      kv.reserve(s.table(), to);
      s.held(to);
    }
    for (StepPlan.Rows rows : plan.rows()) {
      commit(wants.get(rows.sequence().id), rows.count());
    }
    if (step % 4 == 0) {
      prefix.check();
      for (int pool = 0; pool < kv.geometry().pools(); pool++) {
        kv.pool(pool).check();
      }
    }
  }

  private void makeRoom(int pool, int wanted) {
    int missing = wanted - kv.pool(pool).available();
    if (missing > 0) {
      prefix.evict(pool, missing);
    }
    require(kv.pool(pool).available() >= wanted, "a plan takes no more pages than are free");
  }

  private void commit(Want w, int rows) {
    Sequence s = w.sequence;
    int pending = Math.min(rows, s.known() - s.computed());
    int guesses = rows - pending;
    boolean first = s.output() == 0;
    s.advance(pending);
    boolean last = s.computed() == s.known();
    if (last) {
      s.append(next(s));
    }
    while (guesses > 0
        && s.output() < w.answer
        && random.nextBoolean()) { // one more draft is accepted
      s.advance(1);
      s.append(next(s));
      guesses--;
    }
    kv.trim(s.table(), s.computed() + ahead);
    s.held(s.computed() + ahead);
    s.complete(Math.max(s.complete(), s.computed() - random.nextInt(behind + 1)));
    prefix.insert(s.lease(), s.tokens(), s.complete(), s.table());
    kv.pass(s.table(), s.complete());
    if (last && first && s.choice == 0) {
      fork(w);
    }
    if (s.output() >= w.answer) {
      finished++;
      finish(s);
    }
  }

  private int next(Sequence s) {
    return alike ? Arrays.hashCode(Arrays.copyOf(s.tokens(), s.known())) & 1 : random.nextInt(2);
  }

  private void fork(Want w) {
    Sequence from = w.sequence;
    for (int n = 1; n < w.choices; n++) {
      int[] prompt = Arrays.copyOf(from.tokens(), from.promptLength);
      Sequence s =
          new Sequence(
              ids++,
              from.request,
              n,
              prompt,
              from.longest,
              from.priority,
              from.arrival,
              0,
              from.salt);
      s.append(next(s));
      Want other = want(s, step, w.cancelledAt, 1);
      if (s.output() >= other.answer) {
        continue; // it ended with its first token
      }
      wants.put(s.id, other);
      queues.enqueue(s);
      boolean room = queues.running().size() < limits.maxRunning();
      if (room && scheduler.mayFork(queues, from, step)) {
        for (int pool = 0; pool < kv.geometry().pools(); pool++) {
          int wanted = kv.forkPages(pool, from.table(), from.computed(), from.complete());
          prefix.evict(pool, wanted - kv.pool(pool).available());
          room &= kv.pool(pool).available() >= wanted;
          int passed = kv.geometry().passed(pool, from.complete());
          forksBehindHits += room && from.table().first(pool) > passed ? 1 : 0;
        }
        require(room || mayRetract(), "a policy that never retracts has room for what it starts");
        if (room) {
          PageTable table = kv.fork(from.table(), from.computed(), from.complete());
          s.fork(table, prefix.fork(from.lease()), from);
          queues.admit(s);
          forks++;
        }
      }
    }
  }

  private void finish(Sequence s) {
    queues.remove(s);
    if (s.running()) {
      leave(s);
      s.stop(false);
    }
    wants.remove(s.id);
  }

  private void leave(Sequence s) {
    kv.release(s.table());
    prefix.release(s.lease());
  }

  /** Requires of a plan what every policy promises. */
  private void check(StepPlan plan) {
    Set<Sequence> running = new HashSet<>(queues.running());
    require(running.containsAll(plan.retract()), "only running sequences are retracted");
    require(
        plan.retract().isEmpty() || plan.retract().size() < running.size(), "one sequence stays");
    running.removeAll(plan.retract());
    List<Sequence> waiting = queues.waiting();
    require(waiting.containsAll(plan.admit()), "only waiting sequences are admitted");
    if (fcfs()) {
      require(
          waiting.subList(0, plan.admit().size()).equals(plan.admit()), "no sequence is passed");
    } else if (!plan.admit().isEmpty()) {
      require(
          plan.admit().stream().allMatch(s -> s.priority >= waiting.getFirst().priority)
              || plan.admit().contains(waiting.getFirst()),
          "no sequence of a lower priority is admitted past the first");
    }
    running.addAll(plan.admit());
    require(running.size() <= limits.maxRunning(), "at most maxRunning run");
    Set<Sequence> computing = new HashSet<>();
    plan.rows()
        .forEach(rows -> require(computing.add(rows.sequence()), "a sequence is planned once"));
    require(running.containsAll(computing), "only running sequences compute");
    require(plan.rowCount() >= 1, "at least one row is planned");
    require(plan.padding() >= 0, "padding is not negative");
    require(plan.rowCount() + plan.padding() <= maxRows, "a step holds its rows");
    require(plan.padding() == 0 || policy instanceof StaticPolicy, "only static batches pad");
    require(plan.retract().isEmpty() || mayRetract(), "this policy never retracts");
  }

  private boolean fcfs() {
    return !(policy instanceof SglangPolicy s && s.looksAt(1) > 2); // lpm looks far ahead
  }

  private boolean mayRetract() {
    return !(policy instanceof StaticPolicy) && !policy.name().equals("trtllm");
  }

  private void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(
          what
              + " (step "
              + step
              + ", P "
              + kv.geometry().pageTokens()
              + ", pools "
              + kv.geometry().pools()
              + ", ahead "
              + ahead
              + ", behind "
              + behind
              + ", "
              + limits
              + ", "
              + prefix.getClass().getSimpleName()
              + ")");
    }
  }
}
