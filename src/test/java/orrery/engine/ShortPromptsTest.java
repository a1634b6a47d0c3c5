package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.NaiveV4;
import orrery.RandomV4;
import orrery.events.EventSink;
import orrery.model.Model;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;

/**
 * A prompt that is shorter than an entry of the compressed rows finds no rows of an earlier request
 * in an engine that has worked already. (DeepSeek's own inference code never clears its compressor:
 * there, a second prompt of 2 tokens is wrong from the fourth token on.)
 */
class ShortPromptsTest {
  @ParameterizedTest
  @EnumSource
  void promptsOfOneToThreeTokensOnAUsedEngineAreAnsweredAsOnAFreshOne(RandomV4 kind) {
    Path directory = kind.directory();
    NaiveV4 naive = new NaiveV4(directory);
    Model model = LoadedModel.load(directory).model();
    LoadedModel loaded = new LoadedModel(directory, model, Optional.empty(), new int[0]);
    for (PrefixCacheKind cache : PrefixCacheKind.values()) {
      EngineOptions options =
          EngineOptions.defaults()
              .withKv(kv -> kv.withPageSize(kind.unit).withContextLength(96))
              .withPrefix(p -> p.withPrefixCache(cache));
      Random r = new Random(11);
      try (Engine used = Engine.start(loaded, options, EventSink.NONE)) {
        for (int length = 1; length <= 3; length++) {
          used.submit(request(r.ints(43, 0, 61).toArray(), 30)).join();
          Request shortOne = request(r.ints(length, 0, 61).toArray(), 40);
          String said = Said.of(used.submit(shortOne).join().getFirst()).toString();
          String what = kind + ", " + cache + ", prompt of " + length;
          assertThat(said).as(what).isEqualTo(fresh(loaded, options, shortOne));
          Said naiveSaid = Said.by(naive::logits, loaded, shortOne.prompt(), shortOne.params(), 0);
          assertThat(said).as(what).isEqualTo(naiveSaid.toString());
        }
      }
    }
  }

  private static String fresh(LoadedModel loaded, EngineOptions options, Request request) {
    try (Engine engine = Engine.start(loaded, options, EventSink.NONE)) {
      return Said.of(engine.submit(request).join().getFirst()).toString();
    }
  }

  private static Request request(int[] prompt, int tokens) {
    return Request.of(
        prompt,
        SamplingParams.defaults()
            .withMaxTokens(tokens)
            .withIgnoreEos(true)
            .withTemperature(0.8)
            .withLogprobs(2)
            .withSeed(prompt.length));
  }
}
