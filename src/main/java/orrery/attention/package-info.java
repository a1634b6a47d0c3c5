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
 * There are two: {@link orrery.attention.GroupedQueryAttention}, and {@link
 * orrery.attention.LatentAttention} below. What belongs to a model's cache and not to its weights
 * is handed over: a layer's streams ({@link orrery.attention.LayerKv}, {@link
 * orrery.attention.LatentKv}) and the rotary positions ({@link orrery.attention.RopeTable}, {@link
 * orrery.attention.LatentRope}).
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
 * <p><b>Latent attention.</b> With a million tokens of context, even one key/value head is too much
 * to read for every token. DeepSeek-V4 saves three times. All heads share one cached row a token,
 * which is key and value at once. Only the rows of a window stay; of all tokens before, a {@link
 * orrery.attention.Compressor} keeps one entry for each few tokens. And an {@link
 * orrery.attention.Indexer} selects the entries that a row reads, by small keys that are cached
 * beside them.
 *
 * <pre>
 *   h ─┬ wqA norm wqB, unit norm, rope ─────────── q ────────────────────────────┐
 *      │     └─ wqB of the indexer ─ rope ─ index.q ─ SelectEntries ─ selected ──┤ AttendLatent
 *      ├ wkv norm rope ─ WriteRow ──> raw ───────────────│───────────────────────┤  over the raw rows
 *      ├ wkv | wgate ─── WriteState > state ─ Compress > │ compressed ───────────┤  of the window,
 *      └ the same for the indexer ─ > state ─ Compress > keys                    │  then over entries
 *                                                                                v
 *   out = woB · (woA of each group of heads) <── rope backwards ──────────────── mixed
 *
 *   entry of 4 tokens, channel by channel:  Σ softmax(gate of the token) · a of the token, then norm,
 *                                           then rope by the position of its first token
 * </pre>
 *
 * <p>An entry appears with the last of its tokens, and that token reads it already. What is needed
 * of the tokens before is cached as rows of state, so chunks, hits and rejected drafts need no
 * special case: a state row is written before it is read, as keys are, and an entry is a function
 * of state rows. A layer may do without the indexer (all entries are read; then an entry stands for
 * many tokens) or without entries.
 *
 * <p>The kernels are those of {@code kernels}, and so is the shape ({@link
 * orrery.kernels.AttentionShape}): how keys lie within a page follows from what the lanes of the
 * kernel are.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Keys and values are written to pages before attention reads them, also those of the same
 *       step. So a prompt may be cut anywhere, also where rows are rounded to bf16 or FP8 when they
 *       are written.
 *   <li>A row sees the slots from {@code firstSlot} to its own, by slot and never by what lies in
 *       memory. Rows beyond, such as those of rejected drafts, need no clearing.
 *   <li>A score is one sum over d, an output one sum over slots. Tiles, pages and threads split
 *       neither.
 *   <li>A missing bias or norm launches no op.
 *   <li>A row reads raw rows, then entries, both in the order of their tokens. So the order of a
 *       sum does not depend on pages or on the order in which entries were selected.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect --program} shows where a step writes and reads; {@code
 * orrery lab ops} what that costs; {@code orrery bench kernels} the cost of small pages.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/layers/attention/}, {@code
 * srt/layers/rotary_embedding.py}; vLLM {@code v1/attention/backends/}, {@code csrc/attention/};
 * TensorRT-LLM {@code _torch/modules/attention.py}, {@code
 * cpp/tensorrt_llm/kernels/decoderMaskedMultiheadAttention/}. They choose among several kernels by
 * shape and phase; here prefill and decode are one op. Latent attention: SGLang {@code
 * srt/models/deepseek_v4.py}, {@code srt/mem_cache/deepseek_v4_memory_pool.py} and {@code
 * deepseek_v4_compress_state.py}; vLLM {@code models/deepseek_v4/compressor.py} and {@code
 * models/deepseek_v4/common/ops/fused_compress_quant_cache.py}, which reads state rows through a
 * page table as here.
 *
 * <p><b>Papers.</b> Vaswani et al., "Attention Is All You Need", 2017; Su et al., "RoFormer", 2021;
 * Ainslie et al., "GQA", 2023; Kwon et al., "PagedAttention", 2023; Peng et al., "YaRN", 2023;
 * DeepSeek-AI, "DeepSeek-V3.2-Exp", 2025 (indexer), and "DeepSeek-V4", 2026; Xiao et al.,
 * "Efficient Streaming Language Models with Attention Sinks", 2023.
 */
package orrery.attention;
