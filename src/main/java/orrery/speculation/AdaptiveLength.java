package orrery.speculation;

/**
 * The draft length that brings the most tokens a second, as far as acceptance and times seen so far
 * tell. With a<sub>j</sub> the share of drafts at position j that are accepted if all before were,
 * and T(k) the time of a round with k drafts a sequence, it maximises
 *
 * <pre>
 *   rate(k) = ( 1 + Σ_{i ≤ k} Π_{j ≤ i} a_j ) / T(k)
 * </pre>
 *
 * so it drafts iff the acceptance length is above the break-even line (t_verify + t_extend + (k −
 * 1) · t_draft) / t_1, each side measured while serving.
 *
 * <p>SGLang's default ({@code speculative/adaptive_spec_params.py}) looks at the acceptance length
 * alone: a moving average (α = 0.2) per batch size against thresholds half a draft from each step
 * count. That takes a round to cost the same whatever its length, which a GPU waiting for memory
 * nearly grants and a CPU does not. SGLang's {@code throughput_aware} strategy scores the quotient
 * above, with times profiled at start-up; here they are those of real rounds ({@code RoundTimes}),
 * so they follow contexts and neighbours. The averages ({@code Prospects}) reach further back, over
 * some 20 rounds: over 5, those of a single sequence err by 0.15 and the length never rests.
 *
 * <p>Each band of batch sizes (1, 2, 3-4, 5-8, ...) learns for itself, by these rules:
 *
 * <ul>
 *   <li>It begins with a few rounds each of 0, 1 and, if that may pay, up to 5 drafts (or 2, where
 *       only the first is dear).
 *   <li>While it drafts it decides every 4 rounds, and moves for a gain above 5 %. Moves between
 *       lengths above 0 that come fast after one another need ever longer stays, up to 512 rounds,
 *       unless the gain is above 25 %; a move to 0 never waits, as it stops a loss.
 *   <li>What it does not do it cannot learn about. So now and then it tries a longer length that
 *       would pay if its drafts were nearly all accepted: from 0 the shortest such (as SGLang
 *       re-probes), else the best. A trial ends as soon as it does not look better. Pauses between
 *       trials double, from 32 to 512 rounds, as long as trials fail or what they led to does not
 *       last, and are so long that a failed trial costs about 2 % of them.
 *   <li>While it drafts, and not drafting is not out of the question, it measures T(0) again now
 *       and then.
 *   <li>Rounds with prompt rows teach acceptance, not time; so does the first round after one
 *       without drafts, in which a drafter may have to catch up. A time is that of the drafts that
 *       were really made: where prompt lookup finds nothing, it is one of 0 drafts.
 * </ul>
 *
 * <p>Only a ratio of times counts, and both sides come from the same band; within a wide band they
 * may come from batches of different size, and then err by as much as the batch has changed since.
 *
 * <p>Time comes in through {@link DraftLength.Round} only. Not safe for use by several threads.
 */
public final class AdaptiveLength implements DraftLength {
  private final int most;
  private final LengthBand[] bands = new LengthBand[33]; // [ceil(log2 batch)], null until used

  /**
   * @param most drafts a sequence, at least 1
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
