package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import orrery.events.BlockGone;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.Event.PoolPages;
import orrery.events.EventSink;
import orrery.events.Holds;
import orrery.events.Holds.PageRun;
import orrery.events.Keyframe;
import orrery.events.Keyframe.BookedSequence;
import orrery.events.Keyframe.CachedBlock;
import orrery.events.StepRows;

/**
 * A small reader of events, as the X-ray page is one: it begins with the first {@link Keyframe},
 * follows all other events, and requires at each later keyframe that its books are the engine's.
 * The first difference is kept, since a sink must not throw.
 */
final class FoldedBooks implements EventSink {
  /** What the events say of one sequence. */
  private static final class Seen {
    final int request;
    final List<Integer> tokens = new ArrayList<>();
    boolean running;
    String apart = ""; // where it stands between two engines; empty if it waits or runs
    int retractions;
    int computed;
    Holds holds; // null until the first since it runs

    Seen(int request, int[] prompt) {
      this.request = request;
      Arrays.stream(prompt).forEach(tokens::add);
    }

    boolean hasPages() {
      return running || List.of("transfer", "arrived", "inflight").contains(apart);
    }

    String state() {
      return running ? "running" : apart.isEmpty() ? "waiting" : apart;
    }
  }

  private final Map<Integer, Event.Submitted> requests = new HashMap<>();
  private final Map<Integer, Seen> sequences = new TreeMap<>();
  private final Map<Integer, CachedBlock> blocks = new HashMap<>(); // with 0 holders
  private final Map<Integer, StepRows.Rows> rows = new LinkedHashMap<>(); // by sequence, of a step
  private final Map<Integer, Integer> accepted = new HashMap<>(); // by sequence, in the step
  private List<PoolPages> pools = List.of();
  private Keyframe first;
  private boolean paused;
  private long step = -1;
  private int running;
  private int waiting;
  private int compared; // keyframes
  private String difference = "";

  @Override
  public boolean wantsBooks() {
    return true;
  }

  /** How many keyframes were compared with what had been folded before them. */
  int compared() {
    return compared;
  }

  /** The first difference; empty if there was none. */
  String difference() {
    return difference;
  }

  @Override
  public void accept(Event event) {
    if (!difference.isEmpty()) {
      return;
    }
    try {
      fold(event);
    } catch (RuntimeException | AssertionError e) {
      difference = "after step " + step + ", at " + event + ": " + e;
    }
  }

  private void fold(Event event) {
    require(
        first != null || event instanceof Keyframe || !(event instanceof Event.StepDone), "first");
    switch (event) {
      case Keyframe k -> {
        if (first == null) {
          begin(k);
        } else {
          compare(k);
        }
      }
      case Event.Submitted e -> {
        requests.put(e.request(), e);
        require(e.prompt().length == e.promptTokens(), "the prompt has its length");
      }
      case Event.Admitted e -> {
        Seen s = sequence(e.sequence(), e.request());
        s.running = true;
        s.computed = e.hit();
        require(s.retractions == e.retractions(), "retractions");
      }
      case Event.Forked e -> {
        Seen s = sequence(e.sequence(), e.request());
        s.running = true;
        s.computed = e.shared();
      }
      case Event.TokenOut e -> {
        Seen s = sequence(e.sequence(), e.request());
        s.tokens.add(e.token());
        require(
            requests.get(e.request()).promptTokens() + e.index() + 1 == s.tokens.size(), "index");
      }
      case Event.Queued e -> queued(e);
      case Event.Verified e -> accepted.put(e.sequence(), e.accepted());
      case Event.Retracted e -> {
        Seen s = sequence(e.sequence(), e.request());
        s.running = false;
        s.retractions++;
        s.computed = 0;
        s.holds = null;
      }
      case Event.Finished e -> sequences.remove(e.sequence());
      case BlockKept e ->
          blocks.put(
              e.block(),
              new CachedBlock(e.block(), e.parent(), e.tokens(), e.pages(), e.priority(), 0));
      case BlockGone e -> require(blocks.remove(e.block()) != null, "a block that was there went");
      case Holds e -> {
        Seen s = sequences.get(e.sequence());
        require(s.hasPages() && (s.holds == null || changed(s.holds, e)), "a hold changed");
        s.holds = e;
      }
      case StepRows e -> {
        rows.clear();
        e.rows().forEach(r -> rows.put(r.sequence(), r));
      }
      case Event.StepDone e -> done(e);
      case Event.Idle e -> stand(e.pools(), e.running(), e.waiting());
      case Event.Paused e -> paused = true;
      case Event.Resumed e -> paused = false;
      default -> {}
    }
  }

  private Seen sequence(int sequence, int request) {
    Seen known = sequences.get(sequence);
    if (known != null) {
      return known;
    }
    Seen s = new Seen(request, requests.get(request).prompt());
    of(request).forEach(sibling -> s.apart = sibling.apart);
    sequences.put(sequence, s);
    return s;
  }

  private List<Seen> of(int request) {
    return sequences.values().stream().filter(s -> s.request == request).toList();
  }

  private void queued(Event.Queued e) {
    Seen s = sequence(e.sequence(), e.request());
    String apart = e.queue().name().toLowerCase(Locale.ROOT);
    switch (e.queue()) {
      case BOOTSTRAP, PREALLOC -> require(s.state().equals("waiting"), "has no pages");
      case TRANSFER, INFLIGHT -> {
        require(s.running, "has got its pages");
        s.running = false;
      }
      case WAITING -> {
        boolean here = s.apart.equals("transfer");
        require(here || s.apart.equals("bootstrap"), "waited for the other engine");
        s.computed = here ? s.tokens.size() : 0;
        apart = here ? "arrived" : "";
      }
      case RUNNING -> {
        require(s.apart.equals("arrived"), "has its rows");
        apart = "";
        s.running = true;
      }
    }
    for (Seen each : of(e.request())) {
      each.apart = apart;
    }
  }

  private void begin(Keyframe k) {
    require(k.step() == -1 && k.sequences().isEmpty() && k.blocks().isEmpty(), "begins empty");
    first = k;
    pools = k.pools();
  }

  private void done(Event.StepDone e) {
    require(e.step() == step + 1, "steps follow each other");
    step = e.step();
    int prompt = 0;
    int decode = 0;
    int drafts = 0;
    for (StepRows.Rows r : rows.values()) {
      prompt += r.prompt();
      decode += r.decode();
      drafts += r.drafts();
      Seen s = sequences.get(r.sequence());
      if (s != null && s.hasPages()) { // else its request has just ended
        require(r.from() == s.computed, "rows begin behind the computed tokens");
        s.computed = r.from() + r.prompt() + r.decode() + accepted.getOrDefault(r.sequence(), 0);
      }
    }
    require(prompt == e.prefillRows() && decode == e.decodeRows(), "rows");
    require(drafts == e.draftRows(), "draft rows");
    accepted.clear();
    stand(e.pools(), e.running(), e.waiting());
  }

  private void stand(List<PoolPages> now, int running, int waiting) {
    pools = now;
    this.running = running;
    this.waiting = waiting;
  }

  private static boolean changed(Holds before, Holds now) {
    return before.block() != now.block() || !same(before.pools(), now.pools());
  }

  private static boolean same(List<PageRun> a, List<PageRun> b) {
    boolean same = a.size() == b.size();
    for (int pool = 0; same && pool < a.size(); pool++) {
      PageRun one = a.get(pool);
      PageRun other = b.get(pool);
      same = one.first() == other.first() && Arrays.equals(one.pages(), other.pages());
    }
    return same;
  }

  private void compare(Keyframe k) {
    compared++;
    require(k.step() == step && k.paused() == paused, "step " + k.step() + ", paused " + paused);
    require(k.switches().equals(first.switches()) && k.shapes().equals(first.shapes()), "shapes");
    List<BookedSequence> run = k.sequences().stream().filter(FoldedBooks::runs).toList();
    List<BookedSequence> wait =
        k.sequences().stream().filter(s -> s.state().equals("waiting")).toList();
    List<BookedSequence> apart =
        k.sequences().stream().filter(s -> !runs(s) && !s.state().equals("waiting")).toList();
    require(run.size() == running && wait.size() == waiting, "running and waiting");
    require(k.sequences().equals(concat(concat(run, wait), apart)), "those that run come first");
    long seen = sequences.values().stream().filter(s -> !s.apart.isEmpty()).count();
    require(seen == apart.size(), "as many are between two engines");
    require(sequences.values().stream().filter(s -> s.running).count() == running, "seen to run");
    k.sequences().forEach(this::compare);
    require(blocks.size() == k.blocks().size(), "as many blocks");
    k.blocks().forEach(b -> require(same(blocks.get(b.block()), b), "block " + b.block()));
    requireHolders(k);
    for (int pool = 0; pool < pools.size(); pool++) {
      requirePages(k, pool);
    }
  }

  private static boolean runs(BookedSequence s) {
    return s.state().equals("running");
  }

  private static <T> List<T> concat(List<T> a, List<T> b) {
    List<T> all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }

  private void compare(BookedSequence b) {
    Event.Submitted r = requests.get(b.request());
    require(b.promptTokens() == r.promptTokens() && b.maxTokens() == r.maxTokens(), "request");
    require(b.choices() == r.choices() && b.choice() < b.choices(), "choices");
    Seen s = sequences.get(b.sequence());
    if (s == null) { // it never ran
      require(
          b.state().equals("waiting") && Arrays.equals(b.tokens(), r.prompt()),
          "waits with its prompt");
      s = new Seen(b.request(), r.prompt());
    }
    require(s.request == b.request() && s.state().equals(b.state()), b + ": whose, and its state");
    require(s.tokens.equals(Arrays.stream(b.tokens()).boxed().toList()), "tokens");
    require(s.retractions == b.retractions() && s.computed == b.computed(), "computed");
    require((s.holds == null ? BlockKept.ROOT : s.holds.block()) == b.block(), "last block");
    require(same(s.holds == null ? List.of() : s.holds.pools(), b.pools()), "pages");
  }

  private static boolean same(CachedBlock told, CachedBlock kept) {
    return told != null
        && told.parent() == kept.parent()
        && Arrays.equals(told.tokens(), kept.tokens())
        && told.priority() == kept.priority()
        && Arrays.deepEquals(told.pages(), kept.pages());
  }

  /**
   * Compares who holds each block with the ways of the sequences. Where blocks are twins, a way
   * goes over any of them; so twins count together, by a hash of the tokens up to them.
   */
  private void requireHolders(Keyframe k) {
    Map<Integer, Long> ways = new HashMap<>(); // by block
    Map<Long, Integer> difference = new HashMap<>();
    k.blocks().forEach(b -> difference.merge(way(b.block(), ways), b.holders(), Integer::sum));
    for (Seen s : sequences.values()) {
      int block = s.holds == null ? BlockKept.ROOT : s.holds.block();
      for (; block != BlockKept.ROOT; block = blocks.get(block).parent()) {
        difference.merge(way(block, ways), -1, Integer::sum);
      }
    }
    require(difference.values().stream().allMatch(d -> d == 0), "holders");
  }

  private long way(int block, Map<Integer, Long> known) {
    Long way = block == BlockKept.ROOT ? Long.valueOf(1) : known.get(block);
    if (way == null) {
      CachedBlock b = blocks.get(block);
      way = 0x9E3779B97F4A7C15L * way(b.parent(), known) + Arrays.hashCode(b.tokens());
      known.put(block, way);
    }
    return way;
  }

  /** Counts the pages of a pool from tables and blocks, and compares them with what pools say. */
  private void requirePages(Keyframe k, int pool) {
    int all = first.shapes().get(pool).pages();
    boolean[] held = new boolean[all + 1]; // [page]; page 0 is none
    boolean[] kept = new boolean[all + 1]; // [page]
    for (Seen s : sequences.values()) {
      int[] pages = s.holds == null ? new int[0] : s.holds.pools().get(pool).pages();
      Arrays.stream(pages).forEach(page -> held[page] = true);
    }
    for (CachedBlock b : blocks.values()) {
      for (int page : b.pages()[pool]) {
        if (page != BlockKept.GONE) {
          require(!kept[page], "page " + page + " is of one block only");
          kept[page] = true;
        }
      }
    }
    int referenced = 0;
    int idle = 0;
    for (int page = 0; page <= all; page++) {
      referenced += held[page] ? 1 : 0;
      idle += kept[page] && !held[page] ? 1 : 0;
    }
    PoolPages now = pools.get(pool);
    PoolPages there = k.pools().get(pool);
    require(!held[0] && !kept[0], "no page has the number 0");
    require(now.referenced() == referenced && now.idle() == idle, "pages " + now);
    require(now.free() == all - referenced - idle, "free pages " + now);
    require(
        there.equals(new PoolPages(now.pool(), now.span(), now.free(), referenced, idle, 0)),
        "pages of the keyframe: " + there);
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
