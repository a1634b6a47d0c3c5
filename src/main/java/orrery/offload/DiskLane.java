package orrery.offload;

/**
 * The thread that reads and writes parts for an engine. It is one thread, because a disk gains
 * little from more, and because it must not take a core from the forward pass.
 */
public final class DiskLane implements AutoCloseable {
  private final DiskQueue queue;
  private final Thread thread;

  /** Starts a thread that does what is in the queue. */
  public DiskLane(DiskQueue queue) {
    this.queue = queue;
    this.thread = Thread.ofPlatform().daemon().name("orrery-disk").unstarted(this::run);
    thread.start();
  }

  private void run() {
    while (queue.await()) {
      queue.runNext();
    }
  }

  /**
   * Ends the thread: reads end with the part that is being read, and the writes that wait are still
   * made, so that the next start finds them. After this no host slot is used any more.
   */
  @Override
  public void close() {
    queue.close();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true; // the host's memory may be freed after this: wait all the same
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
