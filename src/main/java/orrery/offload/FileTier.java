package orrery.offload;

import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;

/**
 * Files behind host memory (L3), and the thread that reads and writes them.
 *
 * @param queue what that thread has to do
 * @param end ends that thread, before the host's memory is freed
 * @param faults that the store told and no event has said yet; any thread adds some
 * @param epoch {@link System#nanoTime} at 0 of the clock of events
 */
public record FileTier(
    PartStore store, DiskQueue queue, Runnable end, Queue<StoreFault> faults, long epoch)
    implements AutoCloseable {

  /**
   * Opens the files of a directory. At most half of the host's slots wait to be written, since each
   * keeps its part until then.
   *
   * @param limit most bytes of the files
   * @param clock of events, in nanoseconds
   * @param wake tells the engine's thread that a read or a write has ended
   * @throws IllegalArgumentException naming the option, if the directory cannot be used
   */
  public static FileTier open(
      Path directory, long limit, HostPool host, LongSupplier clock, Runnable wake) {
    Queue<StoreFault> faults = new ConcurrentLinkedQueue<>();
    PartStore store = DirectoryPartStore.open(directory, limit, faults::add);
    int slots = 0;
    for (int pool = 0; pool < host.layout().pools(); pool++) {
      slots += host.total(pool);
    }
    DiskQueue queue = new DiskQueue(store, host, Math.max(1, slots / 2), wake);
    long epoch = System.nanoTime() - clock.getAsLong();
    return new FileTier(store, queue, new DiskLane(queue)::close, faults, epoch);
  }

  /** Ends the thread; the writes that wait are made first. */
  @Override
  public void close() {
    end.run();
    store.close();
  }
}
