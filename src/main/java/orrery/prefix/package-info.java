/**
 * Prefix caches: a request need not compute again what an earlier request has computed.
 *
 * <p><b>The problem.</b> Requests begin alike: the same system prompt, the same conversation one
 * turn longer, the same question drawn several times. Computing the prompt is most of the work
 * before the first token. The rows of a prompt depend on its tokens alone, so computing them again
 * is waste. But the next request also needs the memory that holds these rows.
 *
 * <p><b>The idea.</b> Pages of a finished request stay where they are, idle, until another request
 * needs the memory. A new request finds kept pages by its tokens, a block of P tokens at a time:
 * {@link orrery.prefix.RadixCache} in a tree, {@link orrery.prefix.HashBlockCache} in a table of
 * chained hashes. A hit puts the found pages into the new request's page table.
 *
 * <pre>
 *   [sys prompt ····]──┬──[question A ··]        h0 ── h1 ── h2        one block = P tokens
 *        locks 2       └──[question B ·]             └── h2'           = pages of every pool
 *
 *   block   pool 0 (keeps all)   pool 1 (a window of P/2 tokens: two pages a block)
 *     0      page 7 ............  -       page 4     no hit needs the first one, so it is not kept
 *     1      page 3 ............  -       page 8
 *     2      page 9 ............  -       gone       evicted while it was idle
 *     3      page 2 ............  -       page 6
 *
 *   A hit may end after block 0, 1 or 3: the window's rows before its end are live. It may not end
 *   after block 2, but go on over it. A block that has lost a page is a tombstone.
 * </pre>
 *
 * <p>What both caches share is in {@link orrery.prefix.BlockCache}: look up, decide where the hit
 * ends, hold its blocks. Package {@code offload} puts host memory behind either of them there.
 *
 * <p>Views show what the cache keeps: its {@link orrery.prefix.BlockBook} tells, as events, which
 * blocks entered, changed their pages or left, and can read all blocks from the cache's own
 * structure. It costs nothing until it is watched.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A hit consists of whole blocks, has all rows that a continuation reads, and leaves at least
 *       one row to compute.
 *   <li>At the end of each chunk, the blocks with all rows written enter. Shared pages are only
 *       read. If a request fails or is cancelled, the blocks that have not entered by then never
 *       enter.
 *   <li>A page belongs to at most one block, and is live or gone on its own. Only in a pool of
 *       which a prefix needs all pages do they go together, with their block.
 *   <li>A page that a running sequence holds is never evicted; a page that the pool calls idle can
 *       always be evicted. Whether enough can go is asked first: else nothing goes.
 *   <li>A look-up costs what the prompt has tokens, an eviction what it evicts; neither walks
 *       through the cache.
 *   <li>Who follows the changes that the book tells has the blocks that the cache has.
 *   <li>No bit of an answer depends on hash or tree, eviction order, hit or miss. Requests with
 *       different salts never share.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo} has prompts that share their beginnings; run it with
 * {@code --prefix-cache off|radix|hash}. In its traces, {@code hit} says how many tokens a request
 * found.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/mem_cache/radix_cache.py}, {@code evict_policy.py}, {@code
 * swa_radix_cache.py} (tombstones); vLLM {@code v1/core/block_pool.py}, {@code kv_cache_utils.py};
 * TensorRT-LLM {@code batch_manager/kvCacheManager.cpp} (a tree of blocks, by priority).
 *
 * <p><b>Papers.</b> Zheng et al., "SGLang: Efficient Execution of Structured Language Model
 * Programs", 2023 (arXiv:2312.07104); Kwon et al., "PagedAttention", SOSP 2023.
 */
package orrery.prefix;
