/**
 * Several tokens a step: guess the next ones, let the model check them all at once.
 *
 * <p><b>The problem.</b> One step of decoding reads every active weight to compute one row. Rows
 * are nearly free while weights come from memory, but the next row needs the token that this one is
 * to bring.
 *
 * <p><b>The idea.</b> Something cheap guesses it, and the ones after it: the model's own
 * multi-token prediction layer, run again and again on its own guesses, or a look at what followed
 * the same words before. The guesses become ordinary rows of the next step. Their logits tell what
 * the model says at each place; guesses are taken as long as it agrees, and its first other word is
 * a token too. So a step brings at least what it did before, and the text is the model's.
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
 * <p>The MTP layer reads the model's hidden state of token p and the token p + 1, so its row is
 * stored at the slot of the newest token it reads: a page's MTP rows then depend on no token behind
 * the page, and may be shared. What a page's first row needs from the page before, the hidden state
 * of its last token, lies in the boundary stream.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>{@link orrery.speculation.CoupledRule}, the default: the plain sampler at every row, with
 *       the random number of its position. Tokens and logits are those of plain decoding, to the
 *       bit, at any temperature, with penalties, bias and stops as they are at that row.
 *   <li>{@link orrery.speculation.TargetOnlyRule} and {@link orrery.speculation.RejectionRule}: the
 *       published ones. The same distribution, other text.
 *   <li>A drafter decides how fast an answer comes, never what it says.
 *   <li>Rolling back is nothing but a lower committed length: rows lie by position, and what is
 *       visible follows from positions.
 *   <li>{@link orrery.speculation.DraftLength} sees counts and times only, and may say 0.
 * </ul>
 *
 * <p><b>Watch it:</b> {@code orrery generate --speculative-algorithm mtp --speculative-num-steps
 * 3}.
 *
 * <p><b>Elsewhere:</b> SGLang {@code srt/speculative/} ({@code eagle_worker_v2.py}, {@code
 * eagle_utils.py}, {@code adaptive_spec_params.py}); vLLM {@code v1/spec_decode/}, {@code
 * v1/sample/rejection_sampler.py}; TensorRT-LLM {@code _torch/speculative/}. They also verify trees
 * of guesses; chains are what DeepSeek's recipes run.
 *
 * <p><b>Papers:</b> Leviathan et al. 2023 (arXiv:2211.17192) and Chen et al. 2023
 * (arXiv:2302.01318), speculative sampling; DeepSeek-V3 2024 (arXiv:2412.19437), MTP; Li et al.
 * 2024, EAGLE (arXiv:2401.15077), drafting from hidden states; Saxena 2023, prompt lookup.
 */
package orrery.speculation;
