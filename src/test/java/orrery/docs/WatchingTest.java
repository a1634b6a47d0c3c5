package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import orrery.events.Event;
import orrery.events.Event.PoolPages;
import orrery.events.EvictedPages;
import orrery.events.HostHit;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.events.Loaded;
import orrery.events.NotStored;
import orrery.events.PartsRead;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.events.StorageFault;
import orrery.events.Stored;
import orrery.events.Written;
import orrery.observe.Exposition;
import orrery.observe.Metrics;

/** The tables of the chapter on watching name every event and every metric, and no others. */
class WatchingTest {
  private static final Path PAGE = Path.of("docs", "watching.md");
  private static final Pattern NAME = Pattern.compile("`([^`{]+)(?:\\{[^`]*})?`");
  private static final List<PoolPages> POOLS = List.of(new PoolPages("all", 16, 7, 2, 1, 0));

  /** One event of each kind that {@link Metrics} counts; what a metric has labels for is there. */
  private static final List<Event> EVENTS =
      List.of(
          new Event.Idle(0, 0, 0, POOLS), // says which pools there are
          new Event.Submitted(1, 0, 3, 8, 1, new int[] {1, 2, 3}),
          new Event.Rejected(2, "too long"),
          new Event.Queued(3, 0, 0, Event.Queue.BOOTSTRAP),
          new Event.Admitted(4, 0, 0, 0, 0),
          new Event.Forked(5, 0, 1, 0, 3),
          new Event.Retracted(6, 0, 0, 3),
          new Event.Verified(7, 0, 0, new int[] {4, 5}, 2, 2, false),
          new Event.TokenOut(8, 0, 0, 0, 4, "a", Event.Origin.ACCEPTED, Float.NaN, List.of()),
          new Event.PrefixInserted(9, 0, 16),
          new Event.Evicted(10, "all", 1, List.of(new EvictedPages(35, 1))),
          new Event.Flushed(11, 1),
          new Event.Paused(12),
          new Event.Resumed(13),
          new Event.Overlapped(14, 0, "NO", 1, 2, 3, 4, 5, 6),
          new Event.SparseReads(15, 0, 1, 3, 2, 1, 0, 1, 0, 192, 0, 192),
          new Event.PageMap(16, "all", new int[] {Event.PageMap.FREE}),
          new HostHit(17, 0, 0, 16, 1),
          new Stored(18, "all", 16, 1, 64, 1, 2, false),
          new NotStored(19, "all", 1, "cancelled"),
          new Loaded(20, 1, 1, 16, 64, 1, 2, 0, 0, new int[][] {{1}}),
          new HostPools(21, List.of(new HostSlots("all", 16, 1, 1, 0, 1))),
          new Prefetching(22, 0, 0, 16, "timeout"),
          new Prefetched(23, 0, 0, 16, "done"),
          new PartsRead(24, 1, 1, 64, 1, 2),
          new Written(25, "all", 16, 64, 1, 2),
          new StorageFault(26, "broken", "a file"),
          new Event.StepDone(27, 0, 3, 1, 2, 0, 1, 0, POOLS, "NOTHING_WAITS", 1, 1, 1, 1, 1, 1),
          new Event.Finished(28, 0, 0, "stop", 3, 1, ""));

  @Test
  void theTablesOfEventsNameEveryEvent() throws IOException {
    Set<String> named = new TreeSet<>();
    cells("| event | when |").forEach(cell -> named.addAll(names(cell)));
    assertThat(named).isEqualTo(simpleNames(records(Event.class)));
  }

  @Test
  void theTableOfMetricsNamesEveryFamilyThatEventsMake() throws IOException {
    Metrics metrics = new Metrics("m");
    EVENTS.forEach(metrics::accept);
    Set<String> named = new TreeSet<>();
    for (String cell : cells("| metric | what it says |")) {
      List<String> names = names(cell);
      String prefix = names.getFirst().substring(0, names.getFirst().indexOf(':') + 1);
      names.forEach(name -> named.add(name.startsWith(prefix) ? name : prefix + name));
    }
    assertThat(named).isEqualTo(new TreeSet<>(Exposition.read(metrics.text()).families().keySet()));
  }

  @Test
  void theMetricsOfThisTestAreMadeByEventsOfAllKinds() {
    Stream<Class<?>> counted =
        records(Event.class).filter(kind -> !Event.Books.class.isAssignableFrom(kind));
    assertThat(simpleNames(EVENTS.stream().map(Event::getClass))).isEqualTo(simpleNames(counted));
  }

  private static Set<String> simpleNames(Stream<? extends Class<?>> kinds) {
    return kinds.map(Class::getSimpleName).collect(Collectors.toCollection(TreeSet::new));
  }

  /** The kinds of events below a sealed interface. */
  private static Stream<Class<?>> records(Class<?> kind) {
    return kind.isRecord()
        ? Stream.of(kind)
        : Arrays.stream(kind.getPermittedSubclasses()).flatMap(WatchingTest::records);
  }

  /** The first cell of each row of all tables with this head. */
  private static List<String> cells(String head) throws IOException {
    List<String> cells = new ArrayList<>();
    boolean inside = false;
    for (String line : Files.readAllLines(PAGE)) {
      inside = line.equals(head) || inside && line.startsWith("|");
      if (inside && line.startsWith("| `")) {
        cells.add(line.split(" \\| ")[0]);
      }
    }
    assertThat(cells).as(head).isNotEmpty();
    return cells;
  }

  private static List<String> names(String cell) {
    List<String> names = new ArrayList<>();
    Matcher name = NAME.matcher(cell);
    while (name.find()) {
      names.add(name.group(1));
    }
    return names;
  }
}
