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
 * so it drafts iff the acceptance length is above the break-even line (t_verify + t_extend + k ·
 * t_draft) / t_1, each side measured while serving.
 *
 * <p>SGLang's default ({@code speculative/adaptive_spec_params.py}) looks at the acceptance length
 * alone: tokens are compared with thresholds half a draft below each step count, with a moving
 * average (α = 0.2) per batch size and a re-probing off state. That assumes a round costs the same
 * whatever its length, which a GPU waiting for memory nearly grants and a CPU does not. SGLang's
 * {@code throughput_aware} strategy scores the quotient above, with times profiled at start-up;
 * here they are the medians of real rounds ({@link RoundTimes}), so they follow context and
 * neighbours.
 *
 * <p>Each band of batch sizes (1, 2, 3-4, 5-8, ...) learns for itself, by these rules:
 *
 * <ul>
 *   <li>It begins with a few rounds each of 0, 1 and, if that may pay at all, {@code most} drafts.
 *   <li>While it drafts it decides every few rounds, and moves for a gain above 5 %. Moves between
 *       draft lengths that come fast after one another need ever longer pauses, up to a bound,
 *       unless the gain is large; moves to 0 do not wait, as they stop a loss.
 *   <li>What it does not do it cannot learn about. So now and then it tries a longer length that
 *       would pay if its drafts were nearly all accepted: from 0 the shortest such, as SGLang, else
 *       the best. A trial ends as soon as it does not look better. The pause before the next
 *       doubles while trials fail or what they led to did not last, and is at least so long that a
 *       failed trial costs about 2 % of it.
 *   <li>While it drafts, it measures T(0) again now and then.
 *   <li>Rounds with prompt rows teach acceptance, not time; so does the first round after an off
 *       period, in which a drafter catches up. A round's time is that of the drafts that were
 *       really made: where prompt lookup finds nothing, it is a round of length 0.
 * </ul>
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
