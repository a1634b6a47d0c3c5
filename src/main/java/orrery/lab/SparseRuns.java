package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.engine.EngineOptions;
import orrery.hisparse.HisparseConfig;
import orrery.lab.HeldOutText.Passage;
import orrery.sampling.SamplingParams;

/** Requests and engines whose entries lie on the host. */
final class SparseRuns {
  private SparseRuns() {}

  /** The most entries of a layer that a token reads; 0 if the model has no indexer. */
  static int chosen(Subject s) {
    return s.loaded().model().kvLayout(false, s.options().kv().kvCacheDtype()).chosen();
  }

  /** Requests of so many tokens together, without a prefix in common. */
  static EngineOptions options(Subject s, int context, int requests) {
    return s.options()
        .withBatching(b -> b.withMaxRunningRequests(requests))
        .withKv(kv -> kv.withContextLength(context).withMaxTotalTokens(requests * blocks(context)));
  }

  /** Tokens of the pages of a request; no page of a model here is longer than 64 tokens. */
  private static int blocks(int context) {
    return (context + 63) / 64 * 64 + 64;
  }

  /** The same with buffers of so many slots. */
  static EngineOptions sparse(EngineOptions options, int slots) {
    return options.withHisparse(
        h -> h.withEnableHisparse(true).withHisparseConfig(new HisparseConfig(0, slots)));
  }

  /**
   * Requests that begin with held-out text, each at another place. The model draws their answers
   * from its own distribution: a greedy one may fall into a loop, and then reads the same entries
   * again and again.
   */
  static List<Job> jobs(Subject s, int requests, int context, int answer) {
    int[] text = text(s);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      int[] prompt = new int[context - answer];
      for (int t = 0; t < prompt.length; t++) {
        prompt[t] = text[(int) (((long) text.length * i / requests + t) % text.length)];
      }
      SamplingParams params =
          SamplingParams.defaults()
              .withTemperature(1)
              .withSeed(s.settings().seed() + i)
              .withMaxTokens(answer)
              .withIgnoreEos(true);
      jobs.add(new Job(prompt, params));
    }
    return jobs;
  }

  private static int[] text(Subject s) {
    List<Passage> passages = HeldOutText.of(s.loaded(), null, s.settings().seed());
    return passages.stream().map(Passage::ids).flatMapToInt(java.util.Arrays::stream).toArray();
  }
}
