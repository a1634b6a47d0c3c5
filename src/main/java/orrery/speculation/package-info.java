/**
 * Several tokens a step: guess the next tokens, and let the model check them all at once.
 *
 * <p><b>The problem.</b> One step of decoding reads every active weight to compute one row. More
 * rows would be nearly free while weights come from memory. But the next row needs the token that
 * this row has yet to give.
 *
 * <p><b>The idea.</b> A cheap drafter guesses that token and the tokens after it. The drafter is
 * the model's own multi-token prediction layer, run again and again on its own guesses, or a look
 * at what followed the same tokens before. The guesses become ordinary rows of the next step. The
 * logits of these rows tell which token the model gives at each place. Guesses are accepted as long
 * as the model gives the same tokens; the first different token of the model counts too. So a step
 * brings at least one token, as before, and the text is the model's.
 *
 * <pre>
 *   known ... A │ B   C   D        draft    B C D are guesses (Drafter)
 *             │   │   │   │
 *           ┌─▼───▼───▼───▼─┐      verify   4 rows of one step, with those of other requests
 *           └─┬───┬───┬───┬─┘
 *             B   C   X   ·        judge    row by row, with the history up to there (AcceptanceRule)
 *             ✓   ✓   ✗                     B, C accepted, X instead of D, the row of D is void
 *   known ... A   B   C │ X        follow   the drafter catches up with A B C; next guesses follow X
 * </pre>
 *
 * <p>The MTP layer reads the model's state of token p (whatever the model hands over, for example
 * the hidden state after the final norm) and the token p + 1. Its row is stored at the slot of the
 * newest token that it reads. So a page's MTP rows depend on no token behind the page, and they may
 * be shared. The first row of a page needs the state of the last token of the page before; that
 * state lies in the boundary stream.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>{@link orrery.speculation.CoupledRule}, the default, runs the plain sampler at every row,
 *       with the random number of its position. Tokens and logits are those of plain decoding, to
 *       the bit, at any temperature, with the penalties, bias and stops of that row.
 *   <li>The published rules, in {@code orrery.speculation.rules}, give the same distribution, but
 *       other text.
 *   <li>A drafter decides how fast an answer comes, never what it says.
 *   <li>Rolling back only lowers the committed length: rows lie by position, and positions decide
 *       which rows are visible.
 *   <li>A {@link orrery.speculation.DraftLength} sees only counts and times, and may say 0; {@code
 *       orrery.speculation.length} has the lengths.
 * </ul>
 *
 * <p><b>Watch it:</b> {@code orrery generate --speculative-algorithm mtp --speculative-num-steps
 * 3}.
 *
 * <p><b>Elsewhere:</b> SGLang {@code srt/speculative/} ({@code eagle_worker_v2.py}, {@code
 * eagle_utils.py}, {@code adaptive_spec_params.py}); vLLM {@code v1/spec_decode/}, {@code
 * v1/sample/rejection_sampler.py}; TensorRT-LLM {@code _torch/speculative/}. They also verify trees
 * of guesses; DeepSeek's recipes use chains.
 *
 * <p><b>Papers:</b> Leviathan et al. 2023 (arXiv:2211.17192) and Chen et al. 2023
 * (arXiv:2302.01318), speculative sampling; DeepSeek-V3 2024 (arXiv:2412.19437), MTP; Li et al.
 * 2024, EAGLE (arXiv:2401.15077), drafting from hidden states; Saxena 2023, prompt lookup.
 */
package orrery.speculation;
