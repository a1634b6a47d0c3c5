package orrery.engine;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntFunction;
import orrery.graph.Launcher;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.Model;

/**
 * A model that counts how often the code of its main pass runs: at a capture once, at a replay
 * never.
 *
 * @param launched rows of the bucket of each time
 */
record CountingModel(Model real, List<Integer> launched) implements ForwardingModel {

  static CountingModel of(Model real) {
    return new CountingModel(real, new CopyOnWriteArrayList<>());
  }

  /** The loaded model with this one in it. */
  LoadedModel in(LoadedModel loaded) {
    return new LoadedModel(loaded.directory(), this, loaded.tokenizer(), loaded.eos());
  }

  private record Counted(Forward real, int rows, List<Integer> launched)
      implements ForwardingForward {
    @Override
    public void main(Launcher g) {
      launched.add(rows);
      real.main(g);
    }
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    IntFunction<Forward> bound = real.bind(cache, maxLogitRows);
    return rows -> new Counted(bound.apply(rows), rows, launched);
  }
}
