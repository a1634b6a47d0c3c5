/**
 * Sparse offload ("HiSparse"): a sparse attention reads few entries of a long context, so the host
 * has all of them, and the device those alone that were read recently.
 *
 * <p><b>The problem.</b> An indexer chooses the few entries that a row reads ({@link
 * orrery.graph.IntBuffer} {@code selected}, [rows][topk]). But each later row may choose others, so
 * all entries of a sequence must be kept, though a step reads hardly any of them. On a GPU they
 * fill the memory that other requests could run in.
 *
 * <p><b>The idea.</b> The pages of these streams lie on the host, in whole, and nothing else
 * changes for holders of pages: prefix hits, forks, retraction, tiers, transfers between engines.
 * On the device each running sequence has in each layer a buffer of a few slots. A new entry is
 * written to the host at once. Before attention, {@link orrery.hisparse.FetchEntries} brings into
 * the buffer what the sequence's rows chose; what it chose last time is mostly there.
 *
 * <pre>
 *   host      pages of layers.N.compressed   [ 0  1  2  3  4  5  6  7  8  9 10 11 ]    11 is new
 *                                                         │ miss
 *   device    the sequence's buffer, 5 slots [ 9 ][ 10 ][ 3 ][ 7 ][ 11 ]               2 gave way
 *
 *   row chooses 3, 9, 10 ──> places: slots 2, 0, 1
 *   attention reads the places in the order of the entries: the same numbers in the same order
 * </pre>
 *
 * <p>Index keys, entries that every row reads, states and windows stay on the device. Here both are
 * the heap of one process, so nothing becomes faster; what counts is which bytes must be on the
 * device. {@code HeapPlan}, {@code orrery inspect} and the event {@link
 * orrery.events.Event.SparseReads} tell the two apart.
 *
 * <p><b>Rows that choose too much.</b> If the rows of one sequence choose more together than its
 * buffer holds, as the rows of a prompt do, they read on the host in place. If an SGLang engine
 * computes prompts too, their rows lie on the device until they are copied to the host. A buffer
 * has at least room for the rows of a decode step, with all drafts ({@code hisparse-config}); so no
 * decode step reads on the host.
 *
 * <p><b>Whose buffer.</b> A sequence takes a buffer when it is first in a step ({@link
 * orrery.kv.KvCache#takeBuffer}) and gives it back with its pages. Each time the buffer has another
 * term, and {@link orrery.hisparse.EntryBuffer} forgets what is of an older one. So the engine's
 * thread may give a buffer away while a step still reads it: the steps are computed one after the
 * other.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Every chosen entry is in the buffer before attention reads, or all of the row's entries are
 *       read on the host. No bit of an answer depends on which.
 *   <li>An entry that a step needs is not evicted in that step.
 *   <li>A buffer holds no stale entry: what a step completes is copied again, since rejected drafts
 *       may have completed it before.
 *   <li>hits + misses = chosen, over all rows that read from buffers.
 *   <li>A sequence with no more entries than slots fetches each entry at most once, and none that
 *       it computed itself.
 *   <li>Padding fetches nothing. A step allocates nothing.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery generate --model tiny-models/storyteller-v4 --enable-hisparse
 * --trace FILE} writes a {@code SparseReads} for each step.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/managers/hisparse_coordinator.py} (a kernel finds hits and
 * copies misses; the newest token lies in an extra page beside the buffer, and is copied to the
 * host beside the next step); vLLM {@code v1/hisparse/}; TensorRT-LLM {@code
 * SparseKvCacheOffloadConfig}.
 */
package orrery.hisparse;
