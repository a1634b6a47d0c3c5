/**
 * From logits to a token, and from tokens to the end of an answer.
 *
 * <p><b>The problem.</b> A model gives one number per token of the vocabulary. Users want one
 * token: the likeliest one, or a random one of the likely ones. They want to avoid tokens that the
 * answer already has, and to exclude others. They want the answer to end at a stop token, a stop
 * string or a length. And they want the same answer again for the same seed. The last wish is hard
 * for an engine that batches, splits, retracts and speculates: a random generator with a state
 * gives other numbers as soon as requests are served in another order.
 *
 * <p><b>The idea.</b> Drawing a token is a pure function of (logits, parameters, tokens so far,
 * seed, choice, position). The random number is not the next one of a sequence, but a hash of the
 * place where it is used. Speculation then needs no theory to be lossless: it calls the same
 * function for the token that plain decoding draws, and compares. Every token of the vocabulary has
 * its own number at that place, so a drafter whose distribution is nearly right mostly draws the
 * same token.
 *
 * <pre>
 *  logits ─ penalties ─ bias ─ min_tokens, constraint ─ ÷ temperature ─ top-k, top-p, min-p ─┐
 *              ▲                       ▲                                                     ▼
 *              └─────── History ───────┘         KeyedRandom(seed, choice, position) ──> draw ──> token
 *                          ▲                                                                        │
 *                          └───── push / roll back ─────────────────────────────────────────────────┤
 *                                               text and FinishReason <── AnswerText <──────────────┘
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>The same arguments give the same token, to the bit; the lowest id wins a tie.
 *   <li>Temperature 0 and top-k 1 are greedy; top-k 0, top-p 1 and min-p 0 change nothing.
 *   <li>Under a constraint the distribution is the model's own, renormalised over the tokens that
 *       are allowed. Log-probabilities are always those of the raw logits.
 *   <li>A history that was rolled back equals one without the pushes.
 *   <li>Text that was given out is never taken back, and no part of a stop string that ends the
 *       answer is given out. Where an answer ends does not depend on how its text was cut into
 *       tokens.
 *   <li>All pieces given out together are the answer's text, whatever ends it: a stop token, a stop
 *       string, its length, a cancel, a deadline or a failure. At the end, held text goes through
 *       the search for stop strings, and the rest is given out ({@link
 *       orrery.sampling.AnswerText}).
 *   <li>A row with a NaN fails its own request only.
 * </ul>
 *
 * <p><b>Watch it:</b> {@code orrery generate --temperature 0.8 --top-p 0.9 --seed 7}, twice.
 *
 * <p><b>Elsewhere:</b> SGLang {@code srt/layers/sampler.py}, {@code srt/sampling/}; vLLM {@code
 * v1/sample/sampler.py}, {@code v1/sample/ops/}, {@code v1/engine/detokenizer.py} (stop strings);
 * TensorRT-LLM {@code _torch/pyexecutor/sampler.py}. vLLM draws with exponential noise, as Orrery
 * does; SGLang's FlashInfer kernels draw by rejection. So neither needs to sort on the GPU. Here a
 * heap sorts only the few tokens that top-k and top-p look at.
 *
 * <p><b>Papers:</b> Fan et al. 2018 (top-k, arXiv:1805.04833), Holtzman et al. 2019 (top-p,
 * arXiv:1904.09751), Nguyen et al. 2024 (min-p, arXiv:2407.01082), Keskar et al. 2019 (repetition
 * penalty, arXiv:1909.05858), Salmon et al. 2011 (counter-based random numbers).
 */
package orrery.sampling;
