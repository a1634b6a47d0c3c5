/**
 * Prefix caches: what one request computed, the next one need not.
 *
 * <p><b>The problem.</b> Requests begin alike: the same system prompt, the same conversation one
 * turn longer, the same question drawn several times. Reading a prompt is most of the work before
 * the first token, and its rows are a function of its tokens alone, so doing it again is waste. But
 * the pages of a finished request are also the memory of the next one.
 *
 * <p><b>The idea.</b> Pages of a finished request stay where they are, idle, until somebody needs
 * the room. What is kept is found by its tokens, a block of P at a time: {@link
 * orrery.prefix.RadixCache} in a tree, {@link orrery.prefix.HashBlockCache} in a table of chained
 * hashes. A hit puts the found pages into the new request's table.
 *
 * <pre>
 *   [sys prompt ····]──┬──[question A ··]        h0 ── h1 ── h2        one block = P tokens
 *        locks 2       └──[question B ·]             └── h2'           = pages of every pool
 *
 *   block   pool 0 (keeps all)   pool 1 (window)
 *     0      page 7 ............  evicted            a hit may end after block 2 or 3:
 *     1      page 3 ............  evicted            the window's rows before it are live.
 *     2      page 9 ............  page 4             After block 0 or 1 it may not:
 *     3      page 2 ............  page 5             these are tombstones.
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A hit is whole blocks, has all rows that a continuation reads, and leaves a row to compute.
 *   <li>Only blocks whose rows are all written enter, at the end of each chunk; shared pages are
 *       only read. What a failed or cancelled request had not yet handed in never enters.
 *   <li>A page belongs to one block at most; what a running sequence holds is never evicted, and
 *       what the pool calls idle always can be.
 *   <li>Hash or tree, eviction order, hit or miss: no answer changes by a bit. Salts never share.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo}, whose prompts share their beginnings; with {@code
 * --prefix-cache off|radix|hash}. In its traces, {@code hit} says what a request found.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/mem_cache/radix_cache.py}, {@code evict_policy.py}, {@code
 * swa_radix_cache.py} (tombstones); vLLM {@code v1/core/block_pool.py}, {@code kv_cache_utils.py};
 * TensorRT-LLM {@code batch_manager/kvCacheManager.cpp} (a tree of blocks, by priority).
 *
 * <p><b>Papers.</b> Zheng et al., "SGLang: Efficient Execution of Structured Language Model
 * Programs", 2023 (arXiv:2312.07104); Kwon et al., "PagedAttention", SOSP 2023.
 */
package orrery.prefix;
