/**
 * The engine: from a prompt to an answer.
 *
 * <p><b>The problem.</b> A model maps rows to logits; a user wants text, soon, and the same text
 * again for the same seed. Between them stand the cut of the prompt into steps, the cache,
 * sampling, stop conditions, streaming, and every switch somebody may flip.
 *
 * <p><b>The idea.</b> Today this is the plainest engine there is: {@link orrery.engine.Generator}
 * takes one request at a time, computes its prompt in chunks and then one row per token. Its cache
 * has one page of maximum length. {@link orrery.engine.EngineOptions} holds every switch in one
 * record. Continuous batching and prefix sharing come next and replace the loop, not the parts.
 *
 * <pre>
 *   prompt ids ── chunks ──> Step ──> ModelRunner ──> logits of the last row ──> Sampler ──> token
 *                             ▲                                                               │
 *                             └──────────── one row: the token at the next position ──────────┤
 *        Listener  <── text <── StopChecker <── StreamDecoder <───────────────────────────────┘
 *
 *   KernelSwitch:  a small first step: scalar kernels ── then ──> vector kernels, compiling on the job
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>No option changes an answer, to the bit: threads, kernels, graph, chunk size.
 *   <li>Changing kernels in the middle of an answer is legal, because both give the same bits. So
 *       the first token need not wait for the JIT.
 *   <li>Prompts that are empty, too long or no tokens of this model are refused before any work.
 *   <li>Pages go back to the pool on every way out.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo}; {@code orrery generate --kernels scalar} against {@code
 * --kernels vector}: same text, other speed.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/entrypoints/engine.py}, {@code srt/managers/scheduler.py};
 * vLLM {@code v1/engine/core.py}, {@code entrypoints/llm.py}; TensorRT-LLM {@code
 * _torch/pyexecutor/py_executor.py}.
 *
 * <p><b>Papers.</b> Yu et al., "Orca", OSDI 2022 (iteration-level scheduling, next); Agrawal et
 * al., "Sarathi-Serve", OSDI 2024 (chunked prefill).
 */
package orrery.engine;
