/**
 * How many drafts a sequence should get in the next step.
 *
 * <p><b>The problem.</b> A draft costs rows of the next step, and time of the drafter. It pays if
 * it is accepted often enough, and if the step has room. Both change while the engine serves: with
 * the text, with the number of sequences, and with the machine.
 *
 * <p><b>The idea.</b> A {@link orrery.speculation.DraftLength} sees the outcome of each step:
 * counts and one time. {@link orrery.speculation.length.FixedLength} ignores them. {@link
 * orrery.speculation.length.OffAbove} stops drafting while many sequences decode. {@link
 * orrery.speculation.length.AdaptiveLength} learns from them which length brings the most tokens a
 * second, for each band of batch sizes.
 *
 * <pre>
 *   Round: batch, drafted, accepted, nanos ──> LengthBand (1 │ 2 │ 3-4 │ 5-8 │ …)
 *                                                 │
 *              acceptance of each position ───────┤ Prospects: tokens a second at k = 0, 1, 2, …
 *              time of a round with k drafts ─────┘ RoundTimes
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>No length changes an answer; it changes how fast the answer comes.
 *   <li>No class here reads a clock, so a test can play any machine ({@code AdaptiveLengthTest}).
 *   <li>While drafts bring nothing, the length goes to 0 and costs a few percent at most.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo --speculative-algorithm mtp --speculative-adaptive}.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/speculative/adaptive_spec_params.py}; vLLM's {@code
 * disable_by_batch_size}.
 */
package orrery.speculation.length;
