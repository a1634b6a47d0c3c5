/**
 * The architecture {@code deepseek_v4} (DeepSeek-V4): hybrid attention, hyper-connections, hash
 * routing, and multi-token prediction on streams.
 *
 * <p><b>The problem.</b> With full attention, the cache of a token is kept as long as its sequence,
 * and each new token reads all of it. At a million tokens neither fits.
 *
 * <p><b>The idea.</b> A token reads its neighbours as they are, and what lies further back only as
 * compressed entries. Layers of three kinds take turns:
 *
 * <pre>
 *   SWA   a window                        ░░░░░░░░░░░░░░░░░░░░░░░▓▓▓▓
 *   CSA   a window, and those of many     ·  ▪ ·  ·  · ▪ ·  · ▪ ·▓▓▓▓    an entry of  4 tokens
 *         short entries that an indexer selects
 *   HCA   a window, and all of few        ■         ■         ■  ▓▓▓▓    an entry of 128 tokens
 *         long entries
 * </pre>
 *
 * <p>{@link orrery.model.deepseekv4.DeepSeekV4Config} reads {@code config.json} as DeepSeek and as
 * transformers write it. {@code TensorNames} knows the three ways in which checkpoints name the
 * same tensors. {@code CacheStreams} lists the rows that a token leaves in the cache; that list is
 * all that the cache, the prefix cache and the scheduler learn about windows and entries. {@code
 * DeepSeekV4Forward} is the forward pass, a call a line; attention, hyper-connections and experts
 * are techniques with packages of their own.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Logits, streams, MTP logits, MTP streams and chains of drafts agree with transformers and
 *       with DeepSeek's own code in float32 within 1e-4 ({@code GoldenToyTest}).
 *   <li>The model hands over the streams behind the last layer, before they are collapsed and
 *       normed. They are what its MTP layer continues, and what the boundary stream keeps.
 *   <li>An MTP row lies at the cache slot of the newest token that it reads (p+1), while its rotary
 *       position stays p, as in every model.
 *   <li>Layers that compress have rotary positions of their own, for their windows too.
 *   <li>A tensor that is missing, misshapen or unknown is an error that names it as its file does.
 *   <li>Nothing is quantised here: weights in F32, F16 or BF16 are used as they are.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect --config docs/examples/deepseek-v4-flash.json} shows
 * parameters, rows of the cache and memory by length of the real models.
 *
 * <p><b>Elsewhere.</b> transformers {@code models/deepseek_v4/} (without MTP); SGLang {@code
 * srt/models/deepseek_v4.py}, {@code deepseek_v4_nextn.py}; vLLM {@code models/deepseek_v4/}.
 *
 * <p><b>Papers.</b> DeepSeek-AI, "DeepSeek-V4", 2026; "mHC: Manifold-Constrained
 * Hyper-Connections", 2025; "DeepSeek-V3.2-Exp", 2025 (the indexer); Roller et al., "Hash Layers
 * For Large Sparse Models", 2021.
 */
package orrery.model.deepseekv4;
