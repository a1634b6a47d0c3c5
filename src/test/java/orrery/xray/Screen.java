package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import orrery.events.Event;
import orrery.events.Holds.PageRun;
import orrery.events.Keyframe;
import orrery.events.Keyframe.BookedSequence;
import orrery.events.Keyframe.CachedBlock;
import orrery.events.Keyframe.PoolShape;
import orrery.events.Loaded;
import orrery.events.StepRows;

/**
 * Compares what is drawn with what the engine has told: pages with the books of the pools, tables
 * and prefix cache; lanes with the rows of each step and what became of its drafts; texts with the
 * tokens that came out. What is drawn is read from the page's elements, not from its script.
 */
final class Screen {
  private final Browser browser;
  private final Told told;

  Screen(Browser browser, Told told) {
    this.browser = browser;
    this.told = told;
  }

  /** The step that is drawn; -1 before the first. */
  long step() {
    return browser.number(
        "return Number(document.querySelector('[data-view=step]').dataset.step ?? -1)");
  }

  /** Waits until a step is drawn. */
  void awaitStep(long step) {
    browser.until("step " + step + " is drawn", () -> step() == step, this::step);
    browser.until("and its books are told", () -> told.newest() >= step, told::newest);
  }

  /** Everything that is drawn is what the engine had at the end of this step. */
  void requireStep(long step) {
    awaitStep(step);
    assertThat(pages()).as("pages at step %d", step).isEqualTo(expectedPages(step));
    requireTexts(step);
    requireLanes(step);
    requireStates(step);
    requireTree(step);
  }

  /** For each page that is not free: {@code pool/page}, and how it is drawn. */
  private Map<String, String> pages() {
    Map<String, String> pages = new TreeMap<>();
    for (String cell :
        strings(
            """
            return [...document.querySelectorAll('#pages .grid [data-page]')].map(c =>
              c.dataset.pool + '/' + c.dataset.page + '=' + c.dataset.kind + ' '
              + (c.dataset.holders ?? '') + ('cached' in c.dataset ? ' kept' : '')
              + (c.dataset.apart ? ' ' + c.dataset.apart : '') + ('loaded' in c.dataset ? ' loaded' : ''));
            """)) {
      String[] parts = cell.split("=");
      if (!parts[1].startsWith("free")) {
        pages.put(parts[0], parts[1].strip());
      }
    }
    return pages;
  }

  private Map<String, String> expectedPages(long step) {
    Keyframe k = told.books(step);
    Map<String, String> pages = new TreeMap<>();
    Map<String, String> apart = EngineBooks.apart(k);
    List<Loaded> loads = loads(step);
    for (int i = 0; i < k.shapes().size(); i++) {
      PoolShape shape = k.shapes().get(i);
      Map<Integer, List<Integer>> holders = holders(k, i);
      Set<Integer> kept = kept(k, i);
      for (int page = 1; page <= shape.pages(); page++) {
        List<Integer> own = holders.getOrDefault(page, List.of());
        if (!own.isEmpty() || kept.contains(page)) {
          String name = shape.name() + "/" + page;
          String between = apart.containsKey(name) ? " " + apart.get(name) : "";
          String loaded = hasLoaded(loads, i, page) ? " loaded" : "";
          pages.put(name, drawn(own, kept.contains(page)) + between + loaded);
        }
      }
    }
    return pages;
  }

  /** What came from host memory in a step. */
  private List<Loaded> loads(long step) {
    List<Loaded> loads = new ArrayList<>();
    for (Event event : told.until(step)) {
      switch (event) {
        case Loaded l -> loads.add(l);
        case Event.StepDone done when done.step() < step -> loads.clear();
        default -> {}
      }
    }
    return loads;
  }

  private static boolean hasLoaded(List<Loaded> loads, int pool, int page) {
    return loads.stream().anyMatch(l -> IntStream.of(l.into()[pool]).anyMatch(p -> p == page));
  }

  private static String drawn(List<Integer> holders, boolean kept) {
    String names = holders.stream().map(String::valueOf).collect(Collectors.joining(" "));
    return switch (holders.size()) {
      case 0 -> "cached";
      case 1 -> "held " + names + (kept ? " kept" : "");
      default -> "shared " + names + (kept ? " kept" : "");
    };
  }

  /** The sequences that hold each page of a pool, by number. */
  private static Map<Integer, List<Integer>> holders(Keyframe k, int pool) {
    Map<Integer, Set<Integer>> holders = new HashMap<>();
    for (BookedSequence s : k.sequences()) {
      if (!s.pools().isEmpty()) {
        PageRun run = s.pools().get(pool);
        for (int page : run.pages()) {
          holders.computeIfAbsent(page, p -> new TreeSet<>()).add(s.sequence());
        }
      }
    }
    return holders.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, e -> List.copyOf(e.getValue())));
  }

  private static Set<Integer> kept(Keyframe k, int pool) {
    Set<Integer> kept = new HashSet<>();
    for (CachedBlock block : k.blocks()) {
      IntStream.of(block.pages()[pool]).filter(page -> page > 0).forEach(kept::add);
    }
    return kept;
  }

  /** Each text that is drawn has the tokens that came out until then, and no others. */
  private void requireTexts(long step) {
    Map<Integer, List<Integer>> said = new HashMap<>();
    for (Event event : told.until(step)) {
      if (event instanceof Event.TokenOut t) {
        said.computeIfAbsent(t.sequence(), s -> new ArrayList<>()).add(t.token());
      }
    }
    List<String> cards =
        strings(
            """
            return [...document.querySelectorAll('#texts [data-sequence]')].map(card =>
              card.dataset.sequence + '=' + [...card.querySelectorAll('[data-token]')]
                .map(t => t.dataset.token).join(', '));
            """);
    assertThat(cards.isEmpty()).as("no text at step %d", step).isEqualTo(said.isEmpty());
    for (String card : cards) {
      String[] parts = card.split("=", 2);
      List<Integer> tokens = said.getOrDefault(Integer.valueOf(parts[0]), List.of());
      assertThat("[" + parts[1] + "]")
          .as("text of sequence %s at step %d", parts[0], step)
          .isEqualTo(tokens.toString());
    }
  }

  /** Each cell of a lane shows the rows of its step, and what became of its drafts. */
  private void requireLanes(long step) {
    Map<String, String> expected = new HashMap<>(); // step/sequence: kind, accepted, rejected
    Map<Integer, Event.Verified> verified = new HashMap<>();
    List<StepRows.Rows> rows = List.of();
    for (Event event : told.until(step)) {
      switch (event) {
        case Event.Verified v -> verified.put(v.sequence(), v);
        case StepRows r -> rows = r.rows();
        case Event.StepDone done -> {
          for (StepRows.Rows row : rows) {
            Event.Verified v = verified.get(row.sequence());
            String kind = row.prompt() > 0 ? "prompt" : "decode";
            int accepted = v == null ? 0 : v.accepted();
            int rejected = v == null ? 0 : v.judged() - accepted;
            expected.put(
                done.step() + "/" + row.sequence(), kind + " " + accepted + " " + rejected);
          }
          verified.clear();
          rows = List.of();
        }
        default -> {}
      }
    }
    List<String> cells =
        strings(
            """
            const n = (cell, kind) => cell.querySelectorAll(`.draft[data-cell=${kind}]`).length;
            return [...document.querySelectorAll('#lanes .lane-list .cell[data-rows]')].map(c =>
              c.dataset.step + '/' + c.dataset.sequence + '=' + c.dataset.cell + ' '
              + n(c, 'accepted') + ' ' + n(c, 'rejected'));
            """);
    assertThat(cells).as("cells of lanes at step %d", step).isNotEmpty();
    for (String cell : cells) {
      String[] parts = cell.split("=");
      assertThat(parts[1]).as("step/sequence %s", parts[0]).isEqualTo(expected.get(parts[0]));
    }
  }

  /** Each cell without rows says what its sequence did at the end of the step. */
  private void requireStates(long step) {
    Map<Long, Keyframe> books = new HashMap<>();
    EngineBooks.keyframes(told.events()).forEach(k -> books.putIfAbsent(k.step(), k));
    List<String> cells =
        strings(
            """
            return [...document.querySelectorAll('#lanes .lane-list .cell[data-sequence]')]
              .filter(c => !('ahead' in c.dataset) && !('rows' in c.dataset))
              .map(c => c.dataset.step + '/' + c.dataset.sequence + '=' + c.dataset.cell);
            """);
    for (String cell : cells) {
      String[] parts = cell.split("[/=]");
      int sequence = Integer.parseInt(parts[1]);
      String state =
          books.get(Long.valueOf(parts[0])).sequences().stream()
              .filter(s -> s.sequence() == sequence)
              .map(BookedSequence::state)
              .findFirst()
              .orElse("none");
      assertThat(parts[2])
          .as("cell of sequence %d at step %s, seen at step %d", sequence, parts[0], step)
          .isEqualTo(state.equals("running") ? "idle" : state);
    }
  }

  /** Each block of the tree is one of the prefix cache, held by as many as the cache says. */
  private void requireTree(long step) {
    Map<Integer, CachedBlock> blocks =
        told.books(step).blocks().stream()
            .collect(Collectors.toMap(CachedBlock::block, block -> block));
    List<String> squares =
        strings(
            """
            return [...document.querySelectorAll('#tree [data-block]')].map(b =>
              b.dataset.block + '=' + (b.dataset.holders ?? '').split(' ').filter(Boolean).length +
                  '=' + (b.title.split(', priority ')[1] ?? 35));
            """);
    assertThat(squares.isEmpty()).as("no blocks at step %d", step).isEqualTo(blocks.isEmpty());
    for (String square : squares) {
      String[] parts = square.split("=");
      CachedBlock block = blocks.get(Integer.valueOf(parts[0]));
      assertThat(block).as("block %s at step %d", parts[0], step).isNotNull();
      assertThat(Integer.parseInt(parts[1])).as("holders of %s", square).isEqualTo(block.holders());
      assertThat(parts[2]).as("priority of %s", square).isEqualTo("" + block.priority());
    }
  }

  private List<String> strings(String body) {
    return ((List<?>) browser.js(body)).stream().map(String::valueOf).toList();
  }
}
