package orrery.lab;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import orrery.engine.Heap;

/**
 * What the operating system says about the processor, as far as it says anything.
 *
 * @param processor its name
 * @param lastLevelCache bytes, 0 if unknown
 */
record Machine(String processor, long lastLevelCache) {
  private static final int STEP = 1024;
  private static final int LEAST_SIDE = 8192; // 128 MiB of bf16

  /** Reads /proc and /sys; without them the name is that of the architecture. */
  static Machine look() {
    return new Machine(processorName(), largestCache());
  }

  /**
   * Side of a square bf16 matrix of at least 128 MiB and at least four times the last-level cache;
   * less if the heap has no room for it and for an f32 matrix of the same side.
   */
  int sideOutOfCache() {
    int side = LEAST_SIDE;
    while (2L * side * side < 4 * lastLevelCache && side < 32768) {
      side += STEP;
    }
    long room = Heap.left() / 2;
    while ((2L + 4) * side * side > room && side > STEP) {
      side -= STEP;
    }
    return side;
  }

  /** The load of the last minute: figures that were taken beside other work deserve less trust. */
  static String load() {
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    return load < 0 ? "unknown" : String.format(Locale.ROOT, "%.2f", load);
  }

  private static String processorName() {
    Path file = Path.of("/proc/cpuinfo");
    if (Files.isReadable(file)) {
      try (Stream<String> lines = Files.lines(file)) {
        return lines
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 1).strip())
            .findFirst()
            .orElse(System.getProperty("os.arch"));
      } catch (IOException e) {
        return System.getProperty("os.arch"); // only a name for the heading is lost
      }
    }
    return System.getProperty("os.arch");
  }

  private static long largestCache() {
    Path caches = Path.of("/sys/devices/system/cpu/cpu0/cache");
    if (!Files.isDirectory(caches)) {
      return 0;
    }
    try (Stream<Path> entries = Files.list(caches)) {
      return entries
          .map(entry -> entry.resolve("size"))
          .filter(Files::isReadable)
          .mapToLong(Machine::kibibytes)
          .max()
          .orElse(0);
    } catch (IOException e) {
      return 0; // then 128 MiB of weights must be enough
    }
  }

  private static long kibibytes(Path size) {
    try {
      String text = Files.readString(size).strip();
      return text.matches("\\d+K") ? 1024 * Long.parseLong(text, 0, text.length() - 1, 10) : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
