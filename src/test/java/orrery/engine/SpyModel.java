package orrery.engine;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.ForwardingForward;
import orrery.model.Model;

/** A model that shows every step to a watcher before it computes it. */
record SpyModel(Model real, Consumer<Step> watcher, Consumer<Step> ofMtp)
    implements ForwardingModel {

  /** The same loaded model, watched. */
  static LoadedModel spy(LoadedModel loaded, Consumer<Step> watcher) {
    return spy(loaded, watcher, step -> {});
  }

  /** The same; each run of the MTP layer that makes guesses is watched too. */
  static LoadedModel spy(LoadedModel loaded, Consumer<Step> watcher, Consumer<Step> ofMtp) {
    return new LoadedModel(
        loaded.directory(),
        new SpyModel(loaded.model(), watcher, ofMtp),
        loaded.tokenizer(),
        loaded.eos());
  }

  private record Look(Consumer<Step> watcher) implements Op {
    @Override
    public void run(Step step, int share, int shares) {
      if (share == 0) {
        watcher.accept(step);
      }
    }

    @Override
    public List<Operand> reads() {
      return List.of();
    }

    @Override
    public List<Operand> writes() {
      return List.of();
    }

    @Override
    public long cost(Step step) {
      return 0;
    }

    @Override
    public String line() {
      return "look";
    }
  }

  private record Watched(Forward real, Consumer<Step> watcher, Consumer<Step> ofMtp)
      implements ForwardingForward {
    @Override
    public void main(Launcher g) {
      g.launch(new Look(watcher));
      real.main(g);
    }

    @Override
    public void mtp(Launcher g) {
      g.launch(new Look(ofMtp));
      real.mtp(g);
    }
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    IntFunction<Forward> bound = real.bind(cache, maxLogitRows);
    return rows -> new Watched(bound.apply(rows), watcher, ofMtp);
  }
}
