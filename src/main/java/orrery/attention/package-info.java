/**
 * Attention: each row mixes the cached values of the tokens before it.
 *
 * <p><b>The problem.</b> A row must read the keys and values of all earlier tokens of its sequence.
 * They lie in pages, in no order, and no two rows of a step need see the same number of them. For
 * many rows behind a long context this is most of the work of a step, and nearly all of its memory
 * traffic.
 *
 * <p><b>The idea.</b> Write first, then read: an op puts the step's keys and values into the cache,
 * and the next op reads all keys and values from there, old and new alike. Each technique of
 * attention is one record of weights, with its buffers and one {@code run}, as in {@code moe}.
 * Today there is {@link orrery.attention.GroupedQueryAttention}. What belongs to a model's cache
 * and not to its weights is handed over: a layer's streams ({@link orrery.attention.LayerKv}) and
 * the rotary positions ({@link orrery.attention.RopeTable}).
 *
 * <pre>
 *   h ──┬─ q, bias, norm, rope ────────────────────────────┐
 *       ├─ k, bias, norm, rope ─┐                          │ Attend   out of row r =
 *       └─ v, bias ─────────────┴ WriteKv ──> pages ───────┤   Σ softmax(q · key) · value
 *                                                          │   over the slots firstSlot .. slot of r
 *   rows of one sequence that follow each other            └──> mixed ─ o ─> out
 *   are one tile: 4 rows load each key once
 * </pre>
 *
 * <p>The kernels are those of {@code kernels}, and so is the shape ({@link
 * orrery.kernels.AttentionShape}): how keys lie within a page follows from what the lanes of the
 * kernel are.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Keys and values are written to pages before attention reads them, also those of the same
 *       step. So a prompt may be cut anywhere.
 *   <li>A row sees the slots from {@code firstSlot} to its own, by slot and never by what lies in
 *       memory. Rows beyond, such as those of rejected drafts, need no clearing.
 *   <li>A score is one sum over d, an output one sum over slots. Tiles, pages and threads split
 *       neither.
 *   <li>A missing bias or norm launches no op.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect --program} shows where a step writes and reads; {@code
 * orrery lab ops} what that costs; {@code orrery bench kernels} the cost of small pages.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/layers/attention/}, {@code
 * srt/layers/rotary_embedding.py}; vLLM {@code v1/attention/backends/}, {@code csrc/attention/};
 * TensorRT-LLM {@code _torch/modules/attention.py}, {@code
 * cpp/tensorrt_llm/kernels/decoderMaskedMultiheadAttention/}. They choose among several kernels by
 * shape and phase; here prefill and decode are one op.
 *
 * <p><b>Papers.</b> Vaswani et al., "Attention Is All You Need", 2017; Su et al., "RoFormer", 2021;
 * Ainslie et al., "GQA", 2023; Kwon et al., "PagedAttention", 2023.
 */
package orrery.attention;
