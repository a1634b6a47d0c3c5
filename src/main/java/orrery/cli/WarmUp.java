package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;

/**
 * A few requests before the first client's, so that the JIT has compiled the kernels by then. They
 * leave nothing in the prefix cache.
 */
final class WarmUp {
  private static final int REQUESTS = 4;
  private static final int PROMPT = 48; // tokens
  private static final int ANSWER = 48; // tokens

  private WarmUp() {}

  /** Answers the requests. */
  static void run(Engine engine, LoadedModel loaded) {
    int vocab = loaded.model().vocab();
    int prompt = Math.max(1, Math.min(PROMPT, engine.longest() / 2));
    int answer = Math.max(1, Math.min(ANSWER, engine.longest() - prompt));
    SamplingParams params =
        SamplingParams.defaults().withMaxTokens(answer).withIgnoreEos(true).withSeed(1);
    List<Completion> all = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      int first = i * prompt; // else they would share a prefix
      int[] ids = IntStream.range(first, first + prompt).map(id -> id % vocab).toArray();
      all.add(engine.submit(Request.of(ids, params)));
    }
    all.forEach(Completion::join);
    engine.flushCache().join();
    engine.resume().join(); // changes nothing, but what the flush made the engine tell is told
  }
}
