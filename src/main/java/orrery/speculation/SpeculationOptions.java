package orrery.speculation;

import orrery.sampling.Sampler;

/**
 * Switches of speculative decoding. With {@link Acceptance#COUPLED} none of them changes an answer.
 *
 * @param algorithm who guesses
 * @param steps drafts for a step, at most ({@code --speculative-num-steps})
 * @param adaptive let acceptance and measured times choose from 0 to {@code steps} drafts
 * @param maxBatch no drafts while more sequences than this decode; 0 is no limit
 * @param acceptance what makes a draft accepted
 * @param coupledDrafts drafts of sampled answers are drawn with the random number of their position
 *     instead of taking the likeliest token
 * @param ngramMin shortest run of tokens that prompt lookup looks for
 * @param ngramMax longest run
 * @param syntheticLength for experiments: accept drafts, whatever they are, so that a step emits
 *     this many tokens on average; 0 is off. The text is then <b>not</b> the model's
 */
public record SpeculationOptions(
    Algorithm algorithm,
    int steps,
    boolean adaptive,
    int maxBatch,
    Acceptance acceptance,
    boolean coupledDrafts,
    int ngramMin,
    int ngramMax,
    double syntheticLength) {

  /** Who guesses. */
  public enum Algorithm {
    OFF,
    /** The model's own multi-token prediction layer. */
    MTP,
    /** Prompt lookup: what followed the last time. */
    NGRAM
  }

  /** What makes a draft accepted. */
  public enum Acceptance {
    /** It is what plain decoding draws: same text. */
    COUPLED,
    /** With the target's probability of it: same distribution. */
    TARGET_ONLY,
    /** Speculative sampling with the drafter's distribution: same distribution. */
    REJECTION
  }

  private static final int MOST_STEPS = 16;

  public SpeculationOptions {
    check(steps >= 0 && steps <= MOST_STEPS, "num-steps", "0 to " + MOST_STEPS, steps);
    check(maxBatch >= 0, "disable-by-batch-size", "at least 1, or 0 for no limit", maxBatch);
    check(ngramMin >= 1, "ngram-min", "at least 1", ngramMin);
    check(ngramMax >= ngramMin, "ngram-max", "at least the shortest run " + ngramMin, ngramMax);
    check(
        syntheticLength == 0 || syntheticLength >= 1 && syntheticLength <= steps + 1,
        "synthetic-accept-length",
        "1 to num-steps + 1, or 0 for off",
        syntheticLength);
  }

  private static void check(boolean holds, String what, String expected, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "speculative-" + what + ": expected " + expected + ", found " + found);
    }
  }

  /** No speculation. */
  public static SpeculationOptions off() {
    return new SpeculationOptions(Algorithm.OFF, 3, false, 0, Acceptance.COUPLED, true, 2, 4, 0);
  }

  /** An algorithm with the defaults. */
  public static SpeculationOptions of(Algorithm algorithm, int steps) {
    return off().withAlgorithm(algorithm).withSteps(steps);
  }

  /** Whether anybody guesses. */
  public boolean on() {
    return algorithm != Algorithm.OFF;
  }

  /** Whether drafts are accepted for an experiment's sake, so that the text is not the model's. */
  public boolean synthetic() {
    return on() && syntheticLength > 0;
  }

  /** The rule, for one engine; it shares the sampler's scratch memory, so its thread too. */
  public AcceptanceRule newRule(Sampler sampler) {
    if (syntheticLength > 0) {
      return new SyntheticRule(sampler, syntheticLength);
    }
    return switch (acceptance) {
      case COUPLED -> new CoupledRule(sampler);
      case TARGET_ONLY -> new TargetOnlyRule(sampler);
      case REJECTION -> new RejectionRule(sampler);
    };
  }

  /** The draft length, for one engine: it learns. */
  public DraftLength newLength() {
    DraftLength length =
        !on() || steps == 0
            ? new FixedLength(0)
            : adaptive ? new AdaptiveLength(steps) : new FixedLength(steps);
    return maxBatch == 0 ? length : new OffAbove(maxBatch, length);
  }

  public SpeculationOptions withAlgorithm(Algorithm algorithm) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withSteps(int steps) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withAdaptive(boolean adaptive) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withMaxBatch(int maxBatch) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withAcceptance(Acceptance acceptance) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withCoupledDrafts(boolean coupledDrafts) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withNgramMin(int ngramMin) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withNgramMax(int ngramMax) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }

  public SpeculationOptions withSyntheticLength(double syntheticLength) {
    return new SpeculationOptions(
        algorithm,
        steps,
        adaptive,
        maxBatch,
        acceptance,
        coupledDrafts,
        ngramMin,
        ngramMax,
        syntheticLength);
  }
}
