package orrery.offload;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import orrery.kv.Arrival;
import orrery.kv.KvCache;

/**
 * A mover without a thread: each copy is made when it is asked for. It defines what a copy does.
 */
public final class InlineMover implements Mover {
  private final PageCopier copier;
  private final List<Copy> ended = new ArrayList<>();

  /** A mover between the pages of a cache and the slots of a host pool. */
  public InlineMover(KvCache cache, HostPool host) {
    this.copier = new PageCopier(cache, host);
  }

  @Override
  public Arrival load(List<Copy> copies) {
    for (Copy copy : copies) {
      run(copy);
    }
    return Arrival.COMPLETE;
  }

  @Override
  public boolean store(Copy copy) {
    run(copy);
    return true;
  }

  private void run(Copy copy) {
    copy.state(Copy.State.COPYING);
    for (int stream : copier.streams(copy)) {
      copier.copy(copy, stream);
    }
    copy.state(Copy.State.DONE);
    ended.add(copy);
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
