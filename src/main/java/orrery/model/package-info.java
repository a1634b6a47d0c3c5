/**
 * The model as an engine sees it: rows of tokens go in, states and logits come out.
 *
 * <p><b>The problem.</b> An engine should serve architectures that its code does not name, and an
 * architecture should not know about requests, batches or graphs. The line between the two decides
 * how much of an engine must change for a new model.
 *
 * <p><b>The idea.</b> A {@link orrery.model.ModelConfig} is read from {@code config.json} alone. It
 * tells what the model is: its limits, its parameters, and which rows a token leaves in the cache
 * (a {@code KvLayout}). To load weights is a step of its own; it gives a {@link
 * orrery.model.Model}, which answers as its config does. Bound to a cache, it makes {@link
 * orrery.model.Forward}s; each is a forward pass with the buffers of one row bucket. {@link
 * orrery.model.ModelRunner} runs steps through them: eagerly, or by replaying a program that it
 * captured once per bucket.
 *
 * <pre>
 *   config.json ──> ModelConfig ── kvLayout, info, activations (ModelSpec): all that sizes need
 *                       │
 *   checkpoint ──> load(Checkpoint)
 *                       │
 *                     Model ── bind(KvCache) ──> Forward (rows ≤ 1)     ──┐
 *                                                Forward (rows ≤ 2)       ├─ ModelRunner
 *                                                Forward (rows ≤ 4) ...   ┘     │
 *                                                                                     ▼
 *   Step: token, position, slot, sequence of each row  ───────────────>  states, logits, MTP logits
 * </pre>
 *
 * <p>{@link orrery.model.Fp8Activations} is a model made of another one: the same weights, and
 * products that multiply rounded rows.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A row's results depend on its token, its position and the cached rows that it may see. They
 *       do not depend on other rows, the bucket, threads, kernels or the chunks of the prompt.
 *   <li>Loading changes no value: bf16 stays bf16, f16 and f32 become f32 ({@link
 *       orrery.model.CheckpointWeights}).
 *   <li>The config alone tells the parameters of the loaded model ({@code ConfigSeamTest}): the
 *       same lines read a checkpoint and count what it must have ({@link orrery.model.Weights}).
 *   <li>Only rows that want logits go through the head. Which rows those are may change while the
 *       states are there: a prompt that is scored goes through it in slices ({@code
 *       engine.PromptScorer}).
 *   <li>One class names the architectures: {@code orrery.engine.Architectures} ({@code
 *       ArchitectureTest.anArchitectureIsNamedInOnePlace}).
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect} prints {@link orrery.model.ModelInfo}: parameters by
 * role, the parameters that one token uses, and the bytes that it reads.
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
