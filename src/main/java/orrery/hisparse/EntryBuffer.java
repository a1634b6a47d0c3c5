package orrery.hisparse;

import java.util.Arrays;
import orrery.graph.HostReads;
import orrery.graph.HostReads.Count;
import orrery.graph.IntBuffer;
import orrery.graph.StreamRows;
import orrery.kernels.CachedRows;

/**
 * The buffer of one sequence in one layer, in the hands of one share. Entries are written to the
 * host first, so a slot is a copy, and giving it to another entry loses nothing.
 */
final class EntryBuffer {
  private final StreamRows host;
  private final CachedRows rows; // of all buffers of the layer
  private final int first; // the row of slot 0
  private final SlotMap map;
  private final int[] chosen; // [slots] what the rows of a step choose together, each entry once
  private int count; // of these
  private int term; // of the sequence whose entries lie here; 0 for none

  EntryBuffer(StreamRows host, CachedRows rows, int first, int slots) {
    this.host = host;
    this.rows = rows;
    this.first = first;
    this.map = new SlotMap(slots);
    this.chosen = new int[slots];
  }

  static long bytes(int slots) {
    return SlotMap.bytes(slots) + 4L * slots;
  }

  /** Begins a step of the sequence with this term; the entries of another one are of no use. */
  void begin(int term) {
    if (this.term != term) {
      this.term = term;
      map.clear();
      assert poisoned();
    }
  }

  /** With assertions on, a slot that has not been filled since is seen when it is read. */
  private boolean poisoned() {
    rows.fillNaN(first, chosen.length);
    return true;
  }

  /**
   * Takes note of what the rows [from, to) of the sequence choose together.
   *
   * @param selected [rows][topk] in increasing order, then -1
   * @param marks [entries that the last row sees]
   * @return whether the buffer has room for it
   */
  boolean choose(IntBuffer selected, int from, int to, int[] marks, int visible) {
    boolean several = to - from > 1; // one row chooses no entry twice
    if (several) {
      Arrays.fill(marks, 0, visible, 0);
    }
    count = 0;
    for (int r = from; r < to; r++) {
      for (int i = r * selected.cols; i < (r + 1) * selected.cols; i++) {
        int entry = selected.data[i];
        if (entry < 0) {
          break;
        }
        if (!several || marks[entry]++ == 0) {
          if (count == chosen.length) {
            return false;
          }
          chosen[count++] = entry;
        }
      }
    }
    return true;
  }

  /**
   * Brings what was chosen into the buffer, and what the rows of this step completed, [begin, end),
   * as far as there is room beside it.
   */
  void fetch(int[] pages, int begin, int end, HostReads reads, int thread) {
    for (int i = 0; i < count; i++) {
      int slot = map.get(chosen[i]);
      if (slot >= 0) {
        map.touch(slot); // no other entry takes it in this step
      }
    }
    for (int entry = begin; entry < end; entry++) {
      int slot = map.get(entry);
      if (slot >= 0) {
        copy(pages, entry, slot); // it was completed before, by drafts that were rejected
      }
    }
    int misses = 0;
    long evicted = 0;
    for (int i = 0; i < count; i++) {
      if (map.get(chosen[i]) < 0) {
        evicted += put(pages, chosen[i]);
        misses += chosen[i] < begin ? 1 : 0; // a new entry was made here, not fetched
      }
    }
    evicted += keepNew(pages, begin, end);
    int bytes = rowBytes();
    reads.add(thread, Count.CHOSEN, count);
    reads.add(thread, Count.HITS, count - misses);
    reads.add(thread, Count.MISSES, misses);
    reads.add(thread, Count.BYTES_DOWN, (long) misses * bytes);
    written(end - begin, evicted, reads, thread);
  }

  /** Keeps the newest of the completed entries that were not chosen; returns evicted entries. */
  private long keepNew(int[] pages, int begin, int end) {
    int others = 0;
    for (int entry = begin; entry < end; entry++) {
      others += isChosen(entry) ? 0 : 1;
    }
    int room = chosen.length - count;
    long evicted = 0;
    for (int entry = begin; entry < end && others > 0; entry++) {
      if (!isChosen(entry) && others-- <= room) {
        evicted += use(pages, entry);
      }
    }
    return evicted;
  }

  private boolean isChosen(int entry) {
    for (int i = count - 1; i >= 0; i--) {
      if (chosen[i] == entry) {
        return true;
      }
    }
    return false;
  }

  /**
   * The rows of this step read on the host. What they completed, [begin, end), comes into the
   * buffer all the same, as much of it as there is room for: the next step may choose it, and what
   * lies there from before must not be stale.
   *
   * @param direct entries that the rows read
   */
  void passBy(int[] pages, int begin, int end, long direct, HostReads reads, int thread) {
    long evicted = 0;
    for (int entry = begin; entry < end; entry++) {
      int slot = map.get(entry);
      if (slot >= 0) {
        copy(pages, entry, slot);
      }
      if (slot >= 0 || end - entry <= chosen.length) {
        evicted += use(pages, entry);
      }
    }
    reads.add(thread, Count.DIRECT, direct);
    reads.add(thread, Count.BYTES_DIRECT, direct * rowBytes());
    written(end - begin, evicted, reads, thread);
  }

  private void written(int entries, long evicted, HostReads reads, int thread) {
    reads.add(thread, Count.EVICTED, evicted);
    reads.add(thread, Count.WRITTEN, entries);
    reads.add(thread, Count.BYTES_UP, (long) entries * rowBytes());
  }

  /** Makes an entry the one used last, and puts it in if need be; returns evicted entries. */
  private int use(int[] pages, int entry) {
    int slot = map.get(entry);
    if (slot < 0) {
      return put(pages, entry);
    }
    map.touch(slot);
    return 0;
  }

  private int put(int[] pages, int entry) {
    int evicted = map.full() ? 1 : 0;
    copy(pages, entry, map.put(entry));
    return evicted;
  }

  private void copy(int[] pages, int entry, int slot) {
    int from = host.row(pages, entry * host.tokensPerRow());
    rows.copyFrom(host.stored(), from, first + slot);
  }

  /** The row where an entry lies that was chosen. */
  int row(int entry) {
    return first + map.get(entry);
  }

  private int rowBytes() {
    return host.stored().format().bytes(host.width());
  }
}
