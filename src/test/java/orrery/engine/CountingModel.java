package orrery.engine;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntFunction;
import orrery.graph.Launcher;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.ForwardingForward;
import orrery.model.Model;

/**
 * A model that counts how often the code of its passes runs: at a capture once, at a replay never.
 *
 * @param launched rows of the bucket of each time, of the main pass
 * @param drafted the same of the MTP layer
 */
record CountingModel(Model real, List<Integer> launched, List<Integer> drafted)
    implements ForwardingModel {

  static CountingModel of(Model real) {
    return new CountingModel(real, new CopyOnWriteArrayList<>(), new CopyOnWriteArrayList<>());
  }

  /** The loaded model with this one in it. */
  LoadedModel in(LoadedModel loaded) {
    return new LoadedModel(loaded.directory(), this, loaded.tokenizer(), loaded.eos());
  }

  private record Counted(Forward real, int rows, CountingModel by) implements ForwardingForward {
    @Override
    public void main(Launcher g) {
      by.launched.add(rows);
      real.main(g);
    }

    @Override
    public void mtp(Launcher g) {
      by.drafted.add(rows);
      real.mtp(g);
    }

    @Override
    public void mtpKv(Launcher g) {
      by.drafted.add(rows);
      real.mtpKv(g);
    }
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    IntFunction<Forward> bound = real.bind(cache, maxLogitRows);
    return rows -> new Counted(bound.apply(rows), rows, this);
  }
}
