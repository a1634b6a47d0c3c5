package orrery.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/**
 * How many physical cores this process may use. Two threads of one core share its vector units, so
 * a second one adds little to a product, and makes each hand-over slower.
 *
 * <p>Linux says for each logical processor which others share its core, and for a process which
 * processors it may use. A container may be allowed less time than its processors have; the JVM
 * knows that limit.
 */
public final class Cores {
  private static final Path PROCESSORS = Path.of("/sys/devices/system/cpu");
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String ALLOWED = "Cpus_allowed_list:";

  private Cores() {}

  /**
   * The physical cores that this process may use, or its processors if the system tells no more.
   */
  public static int physical() {
    return physical(PROCESSORS, STATUS, Runtime.getRuntime().availableProcessors());
  }

  /**
   * As {@link #physical()}, from these files.
   *
   * @param processors folder with a folder {@code cpuN/topology} for each logical processor
   * @param status of the process, with a line {@code Cpus_allowed_list}
   * @param available how many processors the JVM may use; the result is never more
   */
  static int physical(Path processors, Path status, int available) {
    try {
      Set<String> cores = new HashSet<>();
      BitSet allowed = allowed(Files.readString(status));
      for (int cpu = allowed.nextSetBit(0); cpu >= 0; cpu = allowed.nextSetBit(cpu + 1)) {
        // The list of the processors of a core is the same in the folder of each of them.
        Path siblings = processors.resolve("cpu" + cpu + "/topology/thread_siblings_list");
        cores.add(Files.readString(siblings).strip());
      }
      return cores.isEmpty() ? available : Math.min(cores.size(), available);
    } catch (IOException | IllegalArgumentException e) {
      return available; // not Linux, or files that say something else
    }
  }

  /** The processors of a list such as {@code 0-3,8,10-11}. */
  private static BitSet allowed(String status) {
    BitSet allowed = new BitSet();
    status
        .lines()
        .filter(line -> line.startsWith(ALLOWED))
        .map(line -> line.substring(ALLOWED.length()).strip())
        .forEach(
            list -> {
              for (String range : list.split(",")) {
                String[] ends = range.split("-");
                int first = Integer.parseInt(ends[0]);
                allowed.set(first, Integer.parseInt(ends[ends.length - 1]) + 1);
              }
            });
    return allowed;
  }
}
