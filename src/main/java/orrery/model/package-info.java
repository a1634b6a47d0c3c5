/**
 * What a model is to an engine: token rows in, hidden states and logits out.
 *
 * <p><b>The problem.</b> An engine should serve architectures it has never heard of, and an
 * architecture should not know about requests, batches or graphs. Where the line is drawn decides
 * how much of an engine must be touched for a new model.
 *
 * <p><b>The idea.</b> {@link orrery.model.Model} says what it consists of and what a token leaves
 * in the cache (a {@code KvLayout}); bound to a cache it makes {@link orrery.model.Forward}s, a
 * forward pass with the buffers of one row bucket. {@link orrery.model.ModelRunner} runs steps
 * through it: eagerly, or by replaying what it captured once per bucket.
 *
 * <pre>
 *   checkpoint ──> Weights ──> Model ── bind(KvCache) ──> Forward (rows ≤ 1)   ──┐
 *                               │                         Forward (rows ≤ 2)     ├─ ModelRunner
 *                               └─ kvLayout() ──> KvCache Forward (rows ≤ 4) ... ┘     │
 *                                                                                     ▼
 *   Step: token, position, slot, sequence of each row  ───────────────>  hidden, logits, MTP logits
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A row's results depend on its token, its position and the cached rows its sequence may see;
 *       not on other rows, the bucket, threads, kernels or the way the prompt was cut.
 *   <li>Loading changes no value: bf16 stays bf16, f16 and f32 become f32 ({@link
 *       orrery.model.Weights}).
 *   <li>Only rows whose logits somebody wants go through the head.
 *   <li>An architecture is named by {@code engine}, {@code cli} and {@code lab} only ({@code
 *       ArchitectureTest.anArchitectureIsNamedOnlyByEngineCliAndLab}).
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect} prints {@link orrery.model.ModelInfo}: parameters by
 * role, those one token uses, and the bytes it reads.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/models/registry.py}, {@code
 * srt/model_executor/model_runner.py}; vLLM {@code model_executor/models/registry.py}, {@code
 * model_executor/models/interfaces.py}, {@code v1/worker/gpu_model_runner.py}; TensorRT-LLM {@code
 * _torch/models/modeling_utils.py}, {@code _torch/pyexecutor/model_engine.py}.
 *
 * <p><b>Source.</b> The decoder as such: Vaswani et al., "Attention Is All You Need", 2017;
 * pre-norm residual streams: Xiong et al., "On Layer Normalization in the Transformer
 * Architecture", 2020.
 */
package orrery.model;
