package orrery.sampling;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import orrery.numerics.Elementary;
import orrery.sampling.SamplingParams.TokenBias;

/** The steps of {@link Sampler}, written as plainly as possible with lists, sets and sorting. */
final class ReferenceSampler {

  private ReferenceSampler() {}

  /** The token to draw; null if no token can be drawn. */
  static Integer sample(
      float[] logits,
      SamplingParams p,
      List<Integer> prompt,
      List<Integer> output,
      int[] eos,
      IntToDoubleFunction uniform) {
    double[] weights = weights(logits, p, prompt, output, eos);
    if (weights == null) {
      return null;
    }
    int winner = -1;
    double first = Double.POSITIVE_INFINITY;
    for (int i = 0; i < weights.length; i++) {
      double time = -StrictMath.log1p(-uniform.applyAsDouble(i)) / weights[i];
      if (weights[i] > 0 && time < first) {
        first = time;
        winner = i;
      }
    }
    return winner;
  }

  /** Unnormalized probabilities, 1 for the likeliest token; null if no token can be drawn. */
  static double[] weights(
      float[] logits, SamplingParams p, List<Integer> prompt, List<Integer> output, int[] eos) {
    int vocab = logits.length;
    float[] x = logits.clone();
    for (float logit : x) {
      if (Float.isNaN(logit)) {
        return null;
      }
    }
    Set<Integer> seen = new HashSet<>(prompt);
    seen.addAll(output);
    for (int token : seen) {
      double r = p.repetitionPenalty();
      double penalized = x[token] > 0 ? x[token] / r : x[token] * r;
      int count = Collections.frequency(output, token);
      double presence = count > 0 ? p.presencePenalty() : 0;
      x[token] = (float) (penalized - (p.frequencyPenalty() * count + presence));
    }
    for (TokenBias entry : p.logitBias()) {
      x[entry.token()] += entry.bias();
      if (entry.bias() == Double.NEGATIVE_INFINITY) {
        x[entry.token()] = Float.NEGATIVE_INFINITY;
      }
    }
    Set<Integer> stops = new HashSet<>(p.stopTokenIds());
    if (!p.ignoreEos()) {
      IntStream.of(eos).forEach(stops::add);
    }
    if (output.size() < p.minTokens()) {
      stops.forEach(token -> x[token] = Float.NEGATIVE_INFINITY);
    }

    List<Integer> kept = new ArrayList<>(IntStream.range(0, vocab).boxed().toList());
    // + 0f: Float.compare would put -0 below 0.
    kept.sort(
        Comparator.<Integer, Float>comparing(i -> x[i] + 0f)
            .reversed()
            .thenComparing(Comparator.naturalOrder()));
    float highest = x[kept.getFirst()];
    if (highest == Float.NEGATIVE_INFINITY) {
      return null;
    }
    double[] weights = new double[vocab];
    if (p.temperature() == 0) {
      weights[kept.getFirst()] = 1;
      return weights;
    }
    double[] all = new double[vocab];
    for (int i = 0; i < vocab; i++) {
      double distance = x[i] == highest ? 0 : (double) x[i] - highest;
      all[i] = Elementary.exp((float) (distance / p.temperature()));
    }
    if (p.topK() > 0 && p.topK() < vocab) {
      kept = kept.subList(0, p.topK());
    }
    if (p.topP() < 1) {
      double mass = kept.stream().sorted().mapToDouble(i -> all[i]).reduce(0, Double::sum);
      List<Integer> nucleus = new ArrayList<>();
      double before = 0;
      for (int token : kept) {
        if (before >= p.topP() * mass) {
          break;
        }
        nucleus.add(token);
        before += all[token];
      }
      kept = nucleus;
    }
    for (int token : kept) {
      weights[token] = all[token] < p.minP() ? 0 : all[token];
    }
    return weights;
  }
}
