package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.Patience;
import orrery.TinyModels;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;

/** Another engine takes the first one's place, and its memory. */
@Timeout(600)
class ServingRestartTest {
  private static final Request REQUEST =
      Request.of(new int[] {1, 2, 3}, SamplingParams.defaults().withMaxTokens(250));

  @Test
  void theFirstEnginesMemoryIsFreeWhenTheNextOneStarts() throws Exception {
    EngineOptions options = EngineOptions.defaults();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        Serving serving = Serving.of(Engine.start(loaded, options), loaded)) {
      WeakReference<Engine> first = new WeakReference<>(serving.engine());
      Completion read = serving.engine().submit(REQUEST); // by a client that takes its time
      serving.restart(
          () -> {
            awaitCollection(first);
            return Engine.start(loaded, options);
          },
          () -> Engine.start(loaded, options));
      assertThat(read.join().getFirst().finish().type()).isIn("abort", "stop", "length");
      read.cancel(); // of no effect, as always after the end
    }
  }

  private static void awaitCollection(WeakReference<Engine> engine) {
    try {
      Patience.await(
          "the engine is collected; its thread may still end",
          () -> {
            System.gc();
            return engine.get() == null;
          });
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
