package orrery.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** Time since this process started. */
final class Clock {
  private static final Path STAT = Path.of("/proc/self/stat"); // Linux
  private static final Path UPTIME = Path.of("/proc/uptime");
  private static final int STARTED = 19; // the field of the start, counted behind the name
  private static final int TICKS = 100; // of a second, in these files

  private Clock() {}

  /**
   * Milliseconds since the process started, to about 10. {@link ProcessHandle} knows the start too,
   * but on Linux only as a time of day: it adds the seconds since the machine's start, which are
   * exact, to the time of that start, which the kernel rounds down to a second.
   */
  static long millisSinceProcessStart() {
    try {
      if (Files.isReadable(STAT) && Files.isReadable(UPTIME)) {
        long millis = millis(Files.readString(STAT), Files.readString(UPTIME));
        if (millis >= 0) { // else the two files are of different machines, as in some containers
          return millis;
        }
      }
    } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
      // Not a Linux as we know it: the other way is there for this.
    }
    Instant start = ProcessHandle.current().info().startInstant().orElse(Instant.now());
    return Math.max(0, Duration.between(start, Instant.now()).toMillis());
  }

  /**
   * @param stat of the process; its name stands in parentheses and may hold anything
   * @param uptime seconds since the machine's start, then another number
   */
  static long millis(String stat, String uptime) {
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    long started = Long.parseLong(fields[STARTED]) * (1000 / TICKS);
    return Math.round(Double.parseDouble(uptime.split(" ")[0]) * 1000) - started;
  }
}
