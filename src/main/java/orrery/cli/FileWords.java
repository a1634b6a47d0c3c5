package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import orrery.events.Event;
import orrery.events.PartsRead;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.events.StorageFault;
import orrery.events.Written;

/** What came from files and went there, in words. */
final class FileWords {
  private int waiting; // requests that wait for files now
  private int read; // parts, since the words were taken last
  private int written;
  private int faults;

  void see(Event.Tiers event) {
    switch (event) {
      case Prefetching _ -> waiting++;
      case Prefetched _ -> waiting--;
      case PartsRead e -> read += e.parts();
      case Written _ -> written++;
      case StorageFault _ -> faults++;
      default -> {}
    }
  }

  /** The words since the last time; empty if nothing happened. */
  String take() {
    List<String> words = new ArrayList<>();
    add(words, waiting, "waited for");
    add(words, read, "parts read");
    add(words, written, "parts written");
    add(words, faults, "faults");
    read = 0;
    written = 0;
    faults = 0;
    return words.isEmpty() ? "" : "files: " + String.join(", ", words);
  }

  private static void add(List<String> words, int count, String what) {
    if (count > 0) {
      words.add(count + " " + what);
    }
  }
}
