/**
 * Continuous batching: which sequences compute how many rows in the next step.
 *
 * <p><b>The problem.</b> One row alone wastes the machine, because all weights are read for it. But
 * requests come at any time, their prompts differ a thousandfold in length, the length of an answer
 * is unknown, and all requests share one memory. A batch that waits for its longest answer computes
 * mostly padding. A batch that admits too much runs out of pages.
 *
 * <p><b>The idea.</b> Decide anew at every step. A {@link orrery.batching.Sequence} has
 * <em>known</em> and <em>computed</em> tokens and no phase: prefill, a chunk of it, decode and
 * recomputing after a retraction differ only in the gap between the two. A {@link
 * orrery.batching.Policy} is a pure function from queues, lengths and page counts ({@link
 * orrery.batching.View}) to a {@link orrery.batching.StepPlan}.
 *
 * <pre>
 *   waiting (priority, arrival)          running                        a step's rows
 *   ┌───┬───┬───┐   admit: room for      ┌─────────────────────┐
 *   │ E │ D │ C │ ────────────────────>  │ A ████████████░     │  1     A: its newest token
 *   └───┴───┴───┘   its rows (vLLM),     │ B ██████░           │  1     B: its newest token
 *     ^             what it may grow to  │ C ███░░░░░░░░       │  8     C: a chunk of its prompt
 *     └──────────── (TensorRT-LLM), or   └─────────────────────┘
 *       retract:    a guess (SGLang)       █ computed  ░ known
 *       no pages
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Whenever a sequence runs or can be admitted, at least one row is planned. No sequence is
 *       lost.
 *   <li>A plan takes no more pages than are free after its own retractions. It never retracts all
 *       sequences: when only one is left, all pages but its own are free. The first sequence in a
 *       policy's order is never retracted, so a request is retracted at most once for each row of
 *       other requests.
 *   <li>First come, first served within a priority, except under longest prefix match. No request
 *       passes one that waits for a prefix which is being computed.
 *   <li>Static and guaranteed-no-evict never retract. Every sequence that they start, also another
 *       choice of a running request, fits beside all pages that the others may still need.
 *   <li>Pages of a window count as becoming free only if no other sequence holds them.
 *   <li>One function says what a sequence may come to hold, rows that a drafter has put off
 *       included ({@link orrery.kv.KvGeometry#expected}). A request that needs more than there is,
 *       even alone, is refused by it when it is submitted; any other can run to its end.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo --schedule-policy static|sglang|vllm|trtllm}, with {@code
 * --max-total-tokens} small enough for retractions; the step line says what stopped admission.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/managers/scheduler.py}, {@code schedule_policy.py}, {@code
 * schedule_batch.py}; vLLM {@code v1/core/sched/scheduler.py}; TensorRT-LLM {@code
 * batch_manager/capacityScheduler.cpp}, {@code microBatchScheduler.cpp}.
 *
 * <p><b>Papers.</b> Yu et al., "Orca", OSDI 2022; Agrawal et al., "Sarathi-Serve", OSDI 2024.
 */
package orrery.batching;
