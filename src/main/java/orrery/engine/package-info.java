/**
 * The engine: many requests, one model, one memory.
 *
 * <p><b>The problem.</b> Requests come when they like, with prompts and answers of any length. Each
 * wants its first token soon and its others steadily; the machine wants full steps. And nobody's
 * answer may depend on who else is there.
 *
 * <p><b>The idea.</b> One loop on one thread. Each turn <em>plans</em> (a pure function of queues
 * and page counts decides who computes how many rows), <em>launches</em> (one forward pass over all
 * those rows), <em>judges</em> (samples, decodes text, looks for the end) and <em>commits</em>
 * (lengths grow, complete pages enter the prefix cache, whoever is done leaves). A sequence has no
 * phase: prefill, decode and recomputation after a retraction only differ in how far {@code
 * computed} is behind {@code known}.
 *
 * <pre>
 *   submit ──> inbox ──> Queues ──plan──> Step ──launch──> logits ──judge──> tokens ──commit──┐
 *                          ▲  ▲                                                               │
 *                          │  └── retracted: pages gone, tokens kept                          │
 *                          └────────────────────── known = computed + 1 ──────────────────────┘
 * </pre>
 *
 * <p>{@link orrery.engine.Engine} is what a program talks to ({@link orrery.engine.Llm} for text
 * in, text out), {@code HeapPlan} what it will take from memory, {@code StepLoop} the turn, {@code
 * Requests} who is inside, {@code KvMemory} what they do to the cache; {@link
 * orrery.engine.EngineOptions} holds every switch.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>No option changes an answer, to the bit.
 *   <li>Every submitted request ends exactly once: answered, cut off, failed or turned away.
 *   <li>A failure inside one request (NaN logits, say) ends that request alone, and nothing of it
 *       enters the prefix cache.
 *   <li>Between two steps the books of pages balance, and the tables account for every reference;
 *       checked after each step when assertions are on.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo} in a terminal; {@code orrery demo --trace
 * /tmp/trace.json} for a timeline.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/managers/scheduler.py}; vLLM {@code v1/engine/core.py};
 * TensorRT-LLM {@code _torch/pyexecutor/py_executor.py}.
 *
 * <p><b>Papers.</b> Yu et al., "Orca", OSDI 2022 (iteration-level scheduling); Agrawal et al.,
 * "Sarathi-Serve", OSDI 2024 (chunked prefill); Kwon et al., "PagedAttention", SOSP 2023.
 */
package orrery.engine;
