/**
 * Continuous batching: who computes how many rows in the next step.
 *
 * <p><b>The problem.</b> One row alone wastes the machine, since all weights are read for it. But
 * requests come when they like, their prompts differ a thousandfold in length, nobody knows how
 * long an answer gets, and all share one memory. A batch that waits for its longest answer computes
 * mostly padding; one that admits too much runs out of pages.
 *
 * <p><b>The idea.</b> Decide anew at every step. A {@link orrery.batching.Sequence} has
 * <em>known</em> and <em>computed</em> tokens and no phase: prefill, a chunk of it, decode and
 * recomputing after a retraction differ only in the gap. A {@link orrery.batching.Policy} is a pure
 * function from queues, lengths and page counts ({@link orrery.batching.View}) to a {@link
 * orrery.batching.StepPlan}.
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
 *   <li>Whenever something runs or can be admitted, at least one row is planned; nobody is lost.
 *   <li>A plan takes no more pages than are free after its own retractions, and never retracts
 *       everybody: when only one is left, all pages but its own are free. The first in a policy's
 *       order is never retracted, so a request is retracted at most once for each row of others.
 *   <li>First come, first served within a priority (longest prefix match says otherwise); nobody
 *       passes a request that waits for a prefix being computed.
 *   <li>Static and guaranteed-no-evict never retract: whoever starts, another choice of a running
 *       request too, fits beside all that the others may still need.
 *   <li>Pages of a window count as becoming free only if nobody else holds them.
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
