/**
 * From logits to a token, and from tokens to the end of an answer.
 *
 * <p><b>The problem.</b> A model gives one number per token of the vocabulary. Users want one
 * token: the likeliest, or a random one among the likely, not one they just had, never that one;
 * and they want the answer to end at a stop token, a stop string or a length. They want the same
 * answer again for the same seed. An engine that batches, splits, retracts and speculates makes the
 * last wish hard: a generator with a state gives other numbers as soon as requests are served in
 * another order.
 *
 * <p><b>The idea.</b> Drawing a token is a pure function of (logits, parameters, tokens so far,
 * seed, choice, position). The random number is not the next one of a sequence, but the hash of the
 * place where it is used. Speculation then needs no theory to be lossless: it asks this same
 * function what plain decoding would have drawn, and compares. And every token of the vocabulary
 * has a number of its own there, so that a drafter that is nearly right draws the same token.
 *
 * <pre>
 *  logits ─ penalties ─ bias ─ min_tokens ─ ÷ temperature ─ top-k ─ top-p ─ min-p ─┐
 *              ▲                                                                   ▼
 *           History                     KeyedRandom(seed, choice, position) ──> draw ──> token
 *              ▲                                                                           │
 *              └──────────── push / roll back ─────────────────────────────────────────────┤
 *                                      text and FinishReason <── AnswerText <──────────────┘
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Same arguments, same token, to the bit; ties go to the lowest id.
 *   <li>Temperature to 0 and top-k 1 are greedy; top-k 0, top-p 1 and min-p 0 change nothing.
 *   <li>A history rolled back equals one that never went forward.
 *   <li>Text given out is never taken back, and no part of a stop string is ever given out; where
 *       an answer ends does not depend on how its text was cut into tokens.
 *   <li>Whatever ends an answer (a stop token, a stop string, its length, a cancel, a deadline, a
 *       failure), the pieces given out are its text: what was held back goes through the search for
 *       stop strings and out ({@link orrery.sampling.AnswerText}).
 *   <li>A row with a NaN fails alone.
 * </ul>
 *
 * <p><b>Watch it:</b> {@code orrery generate --temperature 0.8 --top-p 0.9 --seed 7}, twice.
 *
 * <p><b>Elsewhere:</b> SGLang {@code srt/layers/sampler.py}, {@code srt/sampling/}; vLLM {@code
 * v1/sample/sampler.py}, {@code v1/sample/ops/}, {@code v1/engine/detokenizer.py} (stop strings);
 * TensorRT-LLM {@code _torch/pyexecutor/sampler.py}. vLLM draws with exponential noise as here,
 * SGLang's FlashInfer kernels by rejection: both spare a GPU the sort. Here a heap sorts only the
 * few tokens that top-k and top-p look at.
 *
 * <p><b>Papers:</b> Fan et al. 2018 (top-k, arXiv:1805.04833), Holtzman et al. 2019 (top-p,
 * arXiv:1904.09751), Nguyen et al. 2024 (min-p, arXiv:2407.01082), Keskar et al. 2019 (repetition
 * penalty, arXiv:1909.05858), Salmon et al. 2011 (counter-based random numbers).
 */
package orrery.sampling;
