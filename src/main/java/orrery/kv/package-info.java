/**
 * The KV cache: what earlier tokens leave behind, in pages.
 *
 * <p><b>The problem.</b> Attention reads the keys and values of all earlier tokens. Computing them
 * again would cost too much ({@code docs/naive.md}), so they are kept, and they take most of the
 * memory that requests need. A sequence grows by an unknown number of tokens, so room for its
 * maximum length is mostly wasted, and a hole that one sequence leaves does not fit the next.
 *
 * <p><b>The idea.</b> As in an operating system: memory is cut into pages of P slots, and a table
 * per sequence says where each run of P slots lies. A model declares what it caches as a list of
 * {@link orrery.kv.Stream}s; the cache knows nothing else about the model.
 *
 * <pre>
 *   slot 0 ........ 15 16 ....... 31 32 ..     PageTable       PagePool
 *        └─ page 5 ──┘ └─ page 1 ──┘ └─ 3 ──   [ 5, 1, 3 ]     free        on a stack
 *                                              [ ·, ·, 9 ]     referenced  by n tables
 *   a pool that keeps a window: passed ─────────┘  └─ held     idle        only the prefix cache
 *                                                                          has it: in a queue
 *   KvCache.rows(stream):  | page 0 | page 1 | page 2 | ...    page 0 is the dummy
 *   row of a slot:         page = table[slot / span], then slot % span
 * </pre>
 *
 * <p>Streams with rows that stay readable equally long ({@code keeps}) share a pool and a table. P
 * tokens are the unit of sharing. A pool that keeps a shorter window has smaller pages, and a
 * sequence gives a page up as soon as no row to come can see it. How many pages it may hold until
 * then, {@link orrery.kv.KvGeometry} says to all who plan: the windows, and what a drafter writes
 * ahead of the computed tokens or has put off. The plainest allocation, one piece of maximum length
 * per sequence, is the same code with P = the maximum length.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Slot → page → row is the only addressing; no ring buffers, no offsets.
 *   <li>For every pool, {@code free + referenced + idle + 1 dummy = total}; a page that is given
 *       back too often, or retained or cached while it is free, is refused by name.
 *   <li>With assertions on, free pages hold NaN, so a read beyond a sequence's rows shows at once.
 *   <li>A fork shares the pages of blocks of P tokens with all rows written and copies the rest, so
 *       no page that will still be written has two holders. It begins where its parent's pages do.
 *   <li>Page size and page order change no bit of any result. The format of a stream's rows does:
 *       {@link orrery.kv.KvDtype} makes another model.
 *   <li>How a row lies within its page is the kernel's choice ({@link
 *       orrery.kernels.AttentionShape}), not the cache's.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect} says how many streams a model has and what a token
 * costs; {@code orrery inspect --program} shows where a step writes and reads.
 *
 * <p><b>Elsewhere.</b> vLLM {@code v1/core/block_pool.py}, {@code v1/kv_cache_interface.py}, {@code
 * v1/worker/gpu/block_table.py}; SGLang {@code srt/mem_cache/memory_pool.py} (token-granular index
 * tables, pages optional); TensorRT-LLM {@code _torch/pyexecutor/resource_manager.py}.
 *
 * <p><b>Paper.</b> Kwon et al., "Efficient Memory Management for Large Language Model Serving with
 * PagedAttention", SOSP 2023.
 */
package orrery.kv;
