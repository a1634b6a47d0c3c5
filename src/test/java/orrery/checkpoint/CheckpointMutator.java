package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Breaks copies of a valid model directory in thousands of seeded ways, and checks a loader on each
 * copy. The loader must return the same content, or other content if the edit can be a valid
 * change, or throw {@link CheckpointException} with a message that names a file of the directory.
 * It must do nothing else, be quick, and make no large allocation.
 *
 * <p>The caller gives the loader: {@code directory -> content}, where content has {@code equals}.
 */
public final class CheckpointMutator {
  /** Loads a model directory and returns its content, to be compared with {@code equals}. */
  @FunctionalInterface
  public interface Loader {
    Object load(Path directory);
  }

  /** How the load of a mutated directory may end. */
  public enum Outcome {
    SAME_CONTENT,
    OTHER_CONTENT,
    REFUSED
  }

  /**
   * One edit that was made.
   *
   * @param kind the kind of edit, for the report
   * @param what the edit itself, for a failure message
   * @param allowed the outcomes that are correct
   */
  record Mutation(String kind, String what, Set<Outcome> allowed) {
    static Mutation refused(String kind, String what) {
      return new Mutation(kind, what, EnumSet.of(Outcome.REFUSED));
    }

    static Mutation harmless(String kind, String what) {
      return new Mutation(kind, what, EnumSet.of(Outcome.SAME_CONTENT));
    }

    /** An edit that can give another valid file, so every outcome is correct. */
    static Mutation any(String kind, String what) {
      return new Mutation(kind, what, EnumSet.allOf(Outcome.class));
    }
  }

  /** Edits one file of the directory; returns null if the directory has no file for this edit. */
  @FunctionalInterface
  interface Edit {
    Mutation apply(Path directory, Random random) throws IOException;
  }

  /** How often each kind ended in each outcome, and the worst cost of any load. */
  public record Report(
      Map<String, Map<Outcome, Integer>> outcomes, double worstCpuMillis, long worstBytes) {
    /** Loads that ended in {@code outcome}. */
    public int count(Outcome outcome) {
      return outcomes.values().stream().mapToInt(row -> row.getOrDefault(outcome, 0)).sum();
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder();
      outcomes.forEach((kind, row) -> text.append("  %-28s %s%n".formatted(kind, row)));
      return text
          + "  worst load: %.1f ms of CPU, %,d bytes allocated"
              .formatted(worstCpuMillis, worstBytes);
    }
  }

  private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Path valid;
  private final Path scratch;
  private final Loader loader;
  private final Object content;
  private final List<Edit> edits;

  /**
   * @param valid a model directory that {@code loader} accepts; it is never changed
   * @param scratch an existing empty directory to work in
   */
  public CheckpointMutator(Path valid, Path scratch, Loader loader) {
    this(valid, scratch, loader, anyCheckpoint());
  }

  private CheckpointMutator(Path valid, Path scratch, Loader loader, List<Edit> edits) {
    this.valid = valid;
    this.scratch = scratch;
    this.loader = loader;
    this.content = loader.load(valid);
    this.edits = edits;
  }

  private static List<Edit> anyCheckpoint() {
    return Stream.of(SafetensorsEdits.ALL, HeaderEdits.ALL, JsonEdits.ALL)
        .flatMap(List::stream)
        .toList();
  }

  /** As the constructor; most edits are of codes, of their scales, and of what the config says. */
  public static CheckpointMutator ofQuantized(Path valid, Path scratch, Loader loader) {
    List<Edit> edits = new ArrayList<>(anyCheckpoint());
    for (int often = 0; often < 3; often++) {
      edits.addAll(ScaleEdits.ALL);
      edits.addAll(QuantizationConfigEdits.ALL);
    }
    return new CheckpointMutator(valid, scratch, loader, edits);
  }

  /** Makes {@code mutations} edits from {@code seed} and checks each; prints nothing. */
  public Report run(long seed, int mutations) throws IOException {
    Map<String, Map<Outcome, Integer>> outcomes = new TreeMap<>();
    double worstMillis = 0;
    long worstBytes = 0;
    for (int i = 0; i < mutations; i++) {
      Path directory = copyOfValid(i);
      Mutation mutation = mutate(directory, new Random(seed * 1_000_003 + i));
      long cpu = THREAD.getCurrentThreadCpuTime();
      long bytes = THREAD.getCurrentThreadAllocatedBytes();
      Outcome outcome = load(directory, "seed %d, #%d: %s".formatted(seed, i, mutation));
      worstBytes = Math.max(worstBytes, THREAD.getCurrentThreadAllocatedBytes() - bytes);
      // The first loads also load and compile classes, which does not count.
      worstMillis =
          i < 200 ? 0 : Math.max(worstMillis, (THREAD.getCurrentThreadCpuTime() - cpu) / 1e6);
      assertThat(mutation.allowed()).as("seed %d, #%d: %s", seed, i, mutation).contains(outcome);
      outcomes
          .computeIfAbsent(mutation.kind(), k -> new TreeMap<>())
          .merge(outcome, 1, Integer::sum);
      delete(directory);
    }
    return new Report(outcomes, worstMillis, worstBytes);
  }

  private Outcome load(Path directory, String mutation) {
    try {
      return loader.load(directory).equals(content) ? Outcome.SAME_CONTENT : Outcome.OTHER_CONTENT;
    } catch (CheckpointException e) {
      assertThat(e.getMessage()).as(mutation).startsWith(directory.toString());
      assertThat(e.getMessage().chars().noneMatch(Character::isISOControl)).as(mutation).isTrue();
      assertThat(e.getMessage().length()).as(mutation).isLessThan(1_000);
      return Outcome.REFUSED;
    } catch (Throwable e) {
      throw new AssertionError(mutation + ": " + e, e);
    }
  }

  private Mutation mutate(Path directory, Random random) throws IOException {
    Mutation mutation = null;
    while (mutation == null) {
      mutation = edits.get(random.nextInt(edits.size())).apply(directory, random);
    }
    return mutation;
  }

  private Path copyOfValid(int number) throws IOException {
    Path directory = Files.createDirectory(scratch.resolve("m" + number));
    try (Stream<Path> files = Files.list(valid)) {
      for (Path file : files.toList()) {
        Files.copy(file, directory.resolve(file.getFileName()));
      }
    }
    return directory;
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** A random file of the directory with this ending; null if there is none. */
  static Path anyFile(Path directory, String ending, Random random) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> matching =
          files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
      return matching.isEmpty() ? null : matching.get(random.nextInt(matching.size()));
    }
  }
}
