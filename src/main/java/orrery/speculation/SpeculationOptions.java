package orrery.speculation;

/**
 * Switches of speculative decoding. With {@link Acceptance#COUPLED} none of them changes an answer.
 *
 * @param algorithm which drafter guesses
 * @param steps the most drafts of a sequence in a step ({@code --speculative-num-steps})
 * @param adaptive whether acceptance and measured times choose between 0 and {@code steps} drafts
 * @param maxBatch no drafts are made while more sequences than this decode; 0 is no limit
 * @param acceptance which rule accepts drafts
 * @param coupledDrafts whether drafts of sampled answers are drawn with the random number of their
 *     position; if not, the likeliest token is the draft
 * @param ngramMin shortest run of tokens that prompt lookup looks for
 * @param ngramMax longest run of tokens that prompt lookup looks for
 * @param syntheticLength for experiments: drafts are accepted, whatever they are, so that a step
 *     emits this many tokens on average; 0 is off. The text is then <b>not</b> the model's
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

  /** Which drafter guesses. */
  public enum Algorithm {
    OFF,
    /** The model's own multi-token prediction layer. */
    MTP,
    /** Prompt lookup: the tokens that followed the last time. */
    NGRAM
  }

  /** Which rule accepts drafts. */
  public enum Acceptance {
    /** A draft is accepted if plain decoding draws it: same text. */
    COUPLED,
    /** A draft is accepted with the target's probability of it: same distribution. */
    TARGET_ONLY,
    /** Speculative sampling with the drafter's distribution: same distribution. */
    REJECTION
  }

  private static final int MOST_STEPS = 16;
  private static final int LONGEST_NGRAM = 64; // each length has an index of the whole text

  public SpeculationOptions {
    check(steps >= 0 && steps <= MOST_STEPS, "num-steps", "0 to " + MOST_STEPS, steps);
    check(maxBatch >= 0, "disable-by-batch-size", "at least 1, or 0 for no limit", maxBatch);
    check(
        ngramMin >= 1 && ngramMin <= LONGEST_NGRAM, "ngram-min", "1 to " + LONGEST_NGRAM, ngramMin);
    check(
        ngramMax >= ngramMin && ngramMax <= LONGEST_NGRAM,
        "ngram-max",
        "from the shortest run " + ngramMin + " to " + LONGEST_NGRAM,
        ngramMax);
    check(
        syntheticLength == 0 || syntheticLength >= 1 && syntheticLength <= steps + 1,
        "synthetic-accept-length",
        "1 to speculative-num-steps + 1, or 0 for off",
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

  /** Speculation with the given algorithm and defaults for the rest. */
  public static SpeculationOptions of(Algorithm algorithm, int steps) {
    return off().withAlgorithm(algorithm).withSteps(steps);
  }

  /** Whether tokens are guessed at all. */
  public boolean on() {
    return algorithm != Algorithm.OFF;
  }

  /** Whether an experiment accepts drafts at a given rate, so that the text is not the model's. */
  public boolean synthetic() {
    return on() && syntheticLength > 0;
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
