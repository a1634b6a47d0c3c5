package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;

import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.sampling.SamplingParams;

class PromptLogprobsTest {
  @Test
  void smoke() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("trained"));
        Engine engine = Engine.start(loaded, SCALAR)) {
      SamplingParams p = greedy(3).withSeed(0).withLogprobs(2).withPromptLogprobs(2);
      Request q = Request.of(PROMPT, p);
      Said naive =
          Said.by(new orrery.Naive(TinyModels.speck("trained"))::logits, loaded, PROMPT, p, 0);
      assertThat(Said.of(engine.submit(q).join().getFirst()).toString())
          .isEqualTo(naive.toString());
    }
  }
}
