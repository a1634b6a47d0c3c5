package orrery.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.engine.Answer;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.kernels.KernelSet;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;
import orrery.model.ModelInfo;
import orrery.prefix.PrefixCacheKind;
import orrery.quantization.WeightFormat;
import orrery.sampling.SamplingParams;

/**
 * Decoding of a real model at batch 1, against the best rate at which one-row products of its
 * format read weights. The gap is the cost of norms, attention, routing and small matrices.
 */
final class DecodeTable {
  private static final int[] SIDES = {512, 1024, 2048, 4096};
  private static final int[] PROMPTS = {64, 512};
  private static final int ANSWER = 64;

  private DecodeTable() {}

  static void print(Sheet sheet, Kernels kernels, Team team, Path directory, double seconds) {
    try (LoadedModel loaded = LoadedModel.load(directory);
        Engine engine = engine(loaded, team.size())) {
      ModelInfo info = loaded.model().info();
      WeightFormat format =
          info.activeBytes() < 3 * info.activeParameters()
              ? WeightFormat.BF16
              : WeightFormat.F32; // mostly
      List<Trial.Variant> variants = new ArrayList<>();
      for (int side : SIDES) {
        PackedMatrix w = Product.matrix(format, side, side);
        variants.add(new Product(kernels, w, 1, team).byBytes(w + " x 1 row"));
      }
      for (int prompt : PROMPTS) {
        if (prompt + ANSWER <= engine.contextLength()) {
          variants.add(decode(loaded, engine, prompt));
        }
      }
      report(sheet, directory, info, team.size(), Trial.run(variants, seconds));
    }
  }

  private static void report(
      Sheet sheet, Path directory, ModelInfo info, int threads, List<Trial.Timing> timings) {
    sheet.title(
        "decode of "
            + directory
            + ", batch 1, "
            + threads
            + (threads == 1 ? " thread" : " threads"),
        String.format(
            Locale.ROOT,
            "%.2f M active weights, %.2f MB a token; share of the best one-row product (aim: 50"
                + " %%)",
            info.activeParameters() / 1e6,
            info.activeBytes() / 1e6));
    double best = 0; // GB/s
    for (Trial.Timing t : timings.subList(0, SIDES.length)) {
      sheet.add(Figure.rate("decode", "GB/s", t), "");
      best = Math.max(best, t.rate());
    }
    for (Trial.Timing t : timings.subList(SIDES.length, timings.size())) {
      double limit = best * 1e9 / info.activeBytes(); // tokens a second
      sheet.add(
          Figure.rate("decode", "tok/s", t),
          Sheet.percent(t.rate(), limit) + " of " + Sheet.number(limit) + " tok/s");
    }
  }

  private static Engine engine(LoadedModel loaded, int threads) {
    EngineOptions options =
        EngineOptions.defaults()
            .withCompute(c -> c.withThreads(threads).withKernels(KernelSet.VECTOR))
            .withBatching(b -> b.withMaxRunningRequests(1))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF));
    return Engine.start(loaded, options);
  }

  /** Only the tokens after the first count: the first is the prompt's. */
  private static Trial.Variant decode(LoadedModel loaded, Engine engine, int length) {
    int[] prompt = new int[length]; // [length] token ids
    for (int i = 0; i < length; i++) {
      prompt[i] = (int) Math.floorMod(i * 2654435761L >> 7, (long) loaded.model().vocab());
    }
    SamplingParams greedy =
        SamplingParams.defaults().withTemperature(0).withMaxTokens(ANSWER).withIgnoreEos(true);
    Trial.Job job =
        calls -> {
          double seconds = 0;
          for (int i = 0; i < calls; i++) {
            Answer answer = engine.submit(Request.of(prompt, greedy)).join().getFirst();
            seconds += (answer.totalNanos() - answer.firstTokenNanos()) / 1e9;
          }
          return seconds;
        };
    return new Trial.Variant("decode after a prompt of " + length + " tokens", ANSWER - 1, job);
  }
}
