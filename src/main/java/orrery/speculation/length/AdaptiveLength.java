package orrery.speculation.length;

import orrery.speculation.DraftLength;

/**
 * Chooses the draft length that brings the most tokens a second, by the acceptance and the times
 * measured so far. Let a<sub>j</sub> be the share of drafts at position j that are accepted when
 * all drafts before them were, and T(k) the time of a round with k drafts a sequence. The chosen k
 * maximises
 *
 * <pre>
 *   rate(k) = ( 1 + Σ_{i ≤ k} Π_{j ≤ i} a_j ) / T(k)
 * </pre>
 *
 * So it drafts if and only if the acceptance length is above the break-even line (t_verify +
 * t_extend + (k − 1) · t_draft) / t_1. Both sides are measured while serving.
 *
 * <p>SGLang's default ({@code speculative/adaptive_spec_params.py}) looks at the acceptance length
 * alone. It compares a moving average (α = 0.2) per batch size with thresholds that lie half a
 * draft from each step count. This assumes that a round costs the same whatever its length. The
 * assumption nearly holds for a GPU that waits for memory, but not for a CPU. SGLang's {@code
 * throughput_aware} strategy scores the quotient above, with times profiled at start-up. Here the
 * times are those of real rounds ({@code RoundTimes}), so they follow longer contexts and a busier
 * machine. The averages here ({@code Prospects}) cover some 20 rounds. Averages over 5 rounds would
 * be wrong by 0.15 for a single sequence, and the length would never rest.
 *
 * <p>Each band of batch sizes (1, 2, 3-4, 5-8, ...) learns alone, by these rules:
 *
 * <ul>
 *   <li>It begins with a few rounds of 0 drafts and a few of 1 draft. If more drafts may pay,
 *       rounds of up to 5 drafts follow (2 where only the first draft is costly).
 *   <li>While it drafts, it decides every 4 rounds, and it moves for a gain above 5 %. If moves
 *       between lengths above 0 follow one another fast, the stay at a length before the next move
 *       grows, up to 512 rounds, unless the gain is above 25 %. A move to 0 never waits, because it
 *       stops a loss.
 *   <li>It cannot learn about a length that it does not use. So now and then it tries a longer
 *       length that would pay if nearly all of its drafts were accepted. At 0 it tries the shortest
 *       such length (as SGLang re-probes), otherwise the best one. A trial ends as soon as the
 *       tried length does not look better. The pauses between trials double, from 32 to 512 rounds,
 *       as long as trials fail or their gain does not last. A pause is always so long that a failed
 *       trial costs about 2 % of it.
 *   <li>While it drafts, it measures T(0) again now and then, unless drafting is better by far.
 *   <li>A round with prompt rows teaches acceptance, but no time. The same holds for the first
 *       round with drafts after a round without, because the drafter may have to catch up in it. A
 *       time counts for the number of drafts that were really made: if prompt lookup finds nothing,
 *       it is a time of 0 drafts.
 * </ul>
 *
 * <p>Only a ratio of times counts, and both times come from the same band. In a wide band they may
 * come from batches of different size; then the ratio is wrong by as much as the batch has changed
 * in between.
 *
 * <p>It reads no clock: times come in through {@link DraftLength.Round} only. It is not safe for
 * use by several threads.
 */
public final class AdaptiveLength implements DraftLength {
  private final int most;
  private final LengthBand[] bands = new LengthBand[33]; // [ceil(log2 batch)], null until used

  /**
   * @param most the most drafts a sequence, at least 1
   * @throws IllegalArgumentException if it is less
   */
  public AdaptiveLength(int most) {
    if (most < 1) {
      throw new IllegalArgumentException(
          "most drafts to adapt: expected at least 1, found " + most);
    }
    this.most = most;
  }

  @Override
  public int next(int batch) {
    return band(batch).next();
  }

  @Override
  public int most() {
    return most;
  }

  @Override
  public void observe(Round round) {
    band(round.batch()).observe(round);
  }

  private LengthBand band(int batch) {
    int b = batch <= 1 ? 0 : 32 - Integer.numberOfLeadingZeros(batch - 1);
    if (bands[b] == null) {
      bands[b] = new LengthBand(most);
    }
    return bands[b];
  }
}
