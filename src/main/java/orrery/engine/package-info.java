/**
 * The engine: many requests, one model, one memory.
 *
 * <p><b>The problem.</b> Requests come at any time, with prompts and answers of any length. Each
 * request wants its first token soon and its other tokens steadily; the machine wants full steps.
 * And the answer to a request may not depend on other requests ({@link orrery.speculation.rules}
 * may be asked to keep only its distribution).
 *
 * <p><b>The idea.</b> One loop on one thread. It <em>plans</em> a step (a pure function of queues
 * and page counts decides how many rows each sequence computes), <em>launches</em> it (one forward
 * pass over all those rows) and <em>settles</em> it. To settle is to judge (sample, decode text,
 * look for the end), to let the drafter follow, and to commit (complete pages enter the prefix
 * cache, finished sequences leave). A sequence has no phase: prefill, decode and recomputation
 * after a retraction differ only in how far {@code computed} is behind {@code known}.
 *
 * <pre>
 *   submit ──> inbox ──> Queues ──plan──> Planned ──launch──> Launched ──settle──> tokens ──┐
 *                          ▲  ▲                                                             │
 *                          │  └── retracted: pages gone, tokens kept                        │
 *                          └───────────────────── known = computed + 1 ─────────────────────┘
 * </pre>
 *
 * <p>A request may ask how likely the tokens of its own prompt were. A prefill has the states of
 * all rows, but logits of the last one alone; so the rows of such a prompt go through the head
 * afterwards, a few at a time ({@code PromptScorer}). These rows must be computed, so the request
 * uses the prefix cache only before them.
 *
 * <p>What a step leaves for its next phase is a value ({@code Planned}, {@code Launched}), and its
 * rows are {@code Segment}s, one for each sequence. So another loop, {@code OverlapLoop}, can
 * launch the next step before it settles this one: a thread of its own computes the steps and
 * decides their tokens, while the engine's thread plans and settles.
 *
 * <p>A program uses {@link orrery.engine.Engine}, or {@link orrery.engine.Llm} for text in, text
 * out. {@link orrery.engine.EngineOptions} holds every switch. {@link orrery.engine.Architectures}
 * is the one place that knows which models there are. {@code HeapPlan} counts the memory before it
 * is taken. Behind the {@code Engine} stand {@code Arrivals}, which takes requests, {@code
 * Lifecycle}, which pauses and ends it, and {@code EngineThread}, whose thread does everything
 * else. That thread has an {@code EngineCore}: {@code EngineState} is what stays from step to step,
 * {@code ComputeParts} compute a step, {@code LoopParts} plan and settle it, and a {@code Loop}
 * runs them. {@code Requests} keeps the requests inside the engine, and {@code KvMemory} their
 * pages. {@code BookKeeper} reports each step. Sinks that want the books get from it what changed
 * in a step, and whole keyframes.
 *
 * <p>A caller may pause an engine between two steps, and then let it compute single steps ({@link
 * orrery.engine.Engine#step}).
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>No option changes an answer, to the bit.
 *   <li>Every submitted request ends exactly once: answered, cut off, failed or refused.
 *   <li>A failure inside one request (for example a row that is NaN) ends that request alone, and
 *       none of the rows of that step enters the prefix cache. Every row that counts is looked at.
 *   <li>Between two steps the page counts balance, and page tables account for every reference.
 *       This is checked after each step when assertions are on.
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
