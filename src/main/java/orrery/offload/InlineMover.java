package orrery.offload;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import orrery.kv.Arrival;
import orrery.kv.KvCache;

/**
 * A mover without a thread: each copy is made when it is asked for. It defines what a copy does.
 */
public final class InlineMover implements Mover {
  private final PageCopier copier;
  private final LongSupplier clock;
  private final List<Copy> ended = new ArrayList<>();

  /** A mover between the pages of a cache and the slots of a host pool. */
  public InlineMover(KvCache cache, HostPool host) {
    this(new PageCopier(cache, host), System::nanoTime);
  }

  /**
   * @param clock nanoseconds, for the times of {@link Copy}
   */
  public InlineMover(PageCopier copier, LongSupplier clock) {
    this.copier = copier;
    this.clock = clock;
  }

  @Override
  public Arrival load(List<Copy> copies) {
    Load load = new Load(copies, copier, clock, ended::add);
    copier.copyBoundary(load);
    while (load.advance()) {}
    return load; // complete, unless a copy failed: then the step copies the rest
  }

  @Override
  public boolean store(Copy copy) {
    Pieces pieces = new Pieces(List.of(copy), copier, clock, ended::add);
    while (pieces.advance()) {}
    return true;
  }

  @Override
  public boolean finish(Copy copy) {
    return copy.state() == Copy.State.DONE;
  }

  @Override
  public void cancel(Copy copy) {
    // it has ended already
  }

  @Override
  public void settled(Consumer<Copy> each) {
    ended.forEach(each);
    ended.clear();
  }

  @Override
  public void close() {}
}
