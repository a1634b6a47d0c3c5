/**
 * Slower memory behind the pages of the KV cache: what a prefix cache must evict stays in host
 * memory, and comes back when a request begins like it again.
 *
 * <p><b>The problem.</b> The prefix cache keeps what fits into the KV cache. A conversation that
 * pauses for minutes, a long document that many ask about in turn: their pages are evicted before
 * they are wanted again, and then the prompt is computed once more. On a GPU the memory beside it
 * is many times larger, and copying a row from there is far cheaper than computing it.
 *
 * <p><b>The idea.</b> {@link orrery.offload.TieredCache} decorates any prefix cache over pages.
 * Blocks of P tokens are cut into <em>parts</em>, the pages of one pool that a block keeps. A part
 * lies in a {@link orrery.offload.HostPool} slot as a whole or not at all, under a name that says
 * which tokens it stands for ({@link orrery.offload.BlockKey}). A look-up walks through the cache
 * over pages, and goes on by name on the host. A page of a window that has gone (a tombstone) is
 * found there too.
 *
 * <pre>
 *   L1 "device"  pages of the KV cache      [0][1][2]            blocks 0-2 of a prompt
 *                                            │      ^
 *                     store: by policy, at   │      │ load: when a hit needs them, into new pages;
 *                     the latest before a    v      │ the step waits stream by stream
 *                     page becomes free
 *   L2 "host"    slots outside the heap     [0][1][2][3][4]      hit: 5 blocks, 2 of them loaded
 *
 *   part = one pool's pages of a block:     │ page: stream, stream, … │ page: … │     one run of bytes
 * </pre>
 *
 * <p>Behind host memory there may be files ({@link orrery.offload.PartStore}, L3), which outlive
 * the process and may be shared. A part is written there when it is whole on the host, or before it
 * leaves it; and it is read there for a request that waits in the queue, never for a step:
 *
 * <pre>
 *   request comes ──> look-up: do files have more ──> host slots, reads part by part
 *                     than pages and host?           └ others pass it meanwhile
 *                                                    └ ended, or its time is up: an ordinary hit
 *                                                      finds what came, which stays until then
 * </pre>
 *
 * <p>{@link orrery.offload.WritePolicy} says when a block is stored. A {@link orrery.offload.Mover}
 * copies on a thread of its own while steps are computed, loads first.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A hit is the longest that pages and host memory allow together; the same rule says where it
 *       may end ({@link orrery.prefix.Hits}).
 *   <li>No copy keeps a page: before a page leaves the KV cache, its store is finished or
 *       cancelled. So what a pool calls idle can become free at once, and policies count as before.
 *   <li>A hit takes as many free pages as {@link orrery.prefix.PrefixCache.Match#takes} said: all
 *       hits of a step are taken before one page is evicted to load another.
 *   <li>A part that is being copied keeps its slot, and a reader sees whole parts only.
 *   <li>A sequence that was loaded is one that was computed: after its first step its blocks are in
 *       the cache over pages again.
 *   <li>The engine's thread alone touches the books. What ended comes back as a message.
 *   <li>No request fails because of a file: what is missing or broken is computed, and an event
 *       says so. The engine's thread touches no file: reads, writes, look-ups and times of use are
 *       jobs of the disk's thread.
 *   <li>What came from files for a request stays on the host until the request starts or leaves, up
 *       to half of the slots for all requests together.
 *   <li>No part pushes one of a higher priority out of the host.
 *   <li>A slot that is read from a file, or written to one, is kept until the disk's thread says
 *       that it is done.
 *   <li>No bit of an answer depends on tiers, policies, sizes, or on which copy ended when.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo --enable-hierarchical-cache --max-total-tokens 512}; the
 * step line counts host slots. Traces have {@link orrery.events.Stored}, {@link
 * orrery.events.Loaded} and {@link orrery.events.HostHit}; Perfetto shows the mover's lane. {@code
 * orrery lab tiers}: time to the first token by where a prefix lies, and what writing costs.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/mem_cache/hiradix_cache.py}, {@code memory_pool_host.py},
 * {@code managers/cache_controller.py}; vLLM {@code v1/kv_offload}; LMCache; TensorRT-LLM {@code
 * batch_manager/kvCacheManager.cpp} (a secondary pool).
 *
 * <p><b>Papers.</b> Gao et al., "CachedAttention", USENIX ATC 2024; Qin et al., "Mooncake", FAST
 * 2025; Xie et al., "Strata", 2025 (arXiv:2508.18572).
 */
package orrery.offload;
