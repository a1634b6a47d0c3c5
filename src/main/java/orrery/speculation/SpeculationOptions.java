package orrery.speculation;

import orrery.options.Options;

/**
 * Switches of speculative decoding. With {@link Acceptance#COUPLED} none of them changes an answer.
 * With another rule the text also depends on how many drafts a step has room for, and so on the
 * other requests.
 *
 * @param algorithm which drafter guesses
 * @param numSteps the most drafts of a sequence in a step
 * @param adaptive whether acceptance and measured times choose between 0 and {@code numSteps}
 *     drafts
 * @param disableByBatchSize no drafts are made while more sequences than this decode; 0 is no limit
 * @param acceptance which rule accepts drafts
 * @param coupledDrafts whether drafts of sampled answers are drawn with the random number of their
 *     position; if not, the likeliest token is the draft
 * @param ngramMin shortest run of tokens that prompt lookup looks for
 * @param ngramMax longest run of tokens that prompt lookup looks for
 * @param syntheticAcceptLength for experiments: drafts are accepted, whatever they are, so that a
 *     step emits this many tokens on average; 0 is off. The text is then <b>not</b> the model's
 */
public record SpeculationOptions(
    Algorithm algorithm,
    int numSteps,
    boolean adaptive,
    int disableByBatchSize,
    Acceptance acceptance,
    boolean coupledDrafts,
    int ngramMin,
    int ngramMax,
    double syntheticAcceptLength) {

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

  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public SpeculationOptions {
    check(algorithm != null, "algorithm", "an algorithm", null);
    check(numSteps >= 0 && numSteps <= MOST_STEPS, "num-steps", "0 to " + MOST_STEPS, numSteps);
    check(
        disableByBatchSize >= 0,
        "disable-by-batch-size",
        "at least 1, or 0 for no limit",
        disableByBatchSize);
    check(acceptance != null, "acceptance", "a rule", null);
    check(
        ngramMin >= 1 && ngramMin <= LONGEST_NGRAM, "ngram-min", "1 to " + LONGEST_NGRAM, ngramMin);
    check(
        ngramMax >= ngramMin && ngramMax <= LONGEST_NGRAM,
        "ngram-max",
        "from the shortest run " + ngramMin + " to " + LONGEST_NGRAM,
        ngramMax);
    check(
        syntheticAcceptLength == 0
            || syntheticAcceptLength >= 1 && syntheticAcceptLength <= numSteps + 1,
        "synthetic-accept-length",
        "1 to speculative-num-steps + 1, or 0 for off",
        syntheticAcceptLength);
  }

  private static void check(boolean holds, String what, String expected, Object found) {
    Options.check(holds, "speculative-" + what, expected, found);
  }

  /** The default options: no speculation. */
  public static SpeculationOptions defaults() {
    return new SpeculationOptions(Algorithm.OFF, 3, false, 0, Acceptance.COUPLED, true, 2, 4, 0);
  }

  public SpeculationOptions withAlgorithm(Algorithm algorithm) {
    return Options.with(this, "algorithm", algorithm);
  }

  public SpeculationOptions withNumSteps(int numSteps) {
    return Options.with(this, "numSteps", numSteps);
  }

  public SpeculationOptions withAdaptive(boolean adaptive) {
    return Options.with(this, "adaptive", adaptive);
  }

  public SpeculationOptions withDisableByBatchSize(int disableByBatchSize) {
    return Options.with(this, "disableByBatchSize", disableByBatchSize);
  }

  public SpeculationOptions withAcceptance(Acceptance acceptance) {
    return Options.with(this, "acceptance", acceptance);
  }

  public SpeculationOptions withCoupledDrafts(boolean coupledDrafts) {
    return Options.with(this, "coupledDrafts", coupledDrafts);
  }

  /** Changes both ends together, since each limits the other. */
  public SpeculationOptions withNgram(int ngramMin, int ngramMax) {
    return Options.with(this, new String[] {"ngramMin", "ngramMax"}, ngramMin, ngramMax);
  }

  /** The number of steps limits the length, so change that first. */
  public SpeculationOptions withSyntheticAcceptLength(double syntheticAcceptLength) {
    return Options.with(this, "syntheticAcceptLength", syntheticAcceptLength);
  }

  /** Whether tokens are guessed at all. */
  public boolean on() {
    return algorithm != Algorithm.OFF;
  }

  /** Whether an experiment accepts drafts at a given rate, so that the text is not the model's. */
  public boolean synthetic() {
    return on() && syntheticAcceptLength > 0;
  }
}
