/**
 * The classic architecture {@code glm4_moe} (GLM-4.5): the parts of Llama, mixture of experts and
 * multi-token prediction.
 *
 * <p><b>The problem.</b> A first model to learn from must be one that other engines run too. It
 * should have today's parts (grouped-query attention, rotary positions, experts, an MTP layer), a
 * published checkpoint layout, and an independent implementation to compare numbers with.
 *
 * <p><b>The idea.</b> {@link orrery.model.classic.ClassicConfig} reads {@code config.json} as
 * transformers 4 and 5 write it, and tells what the model is; {@link
 * orrery.model.classic.ClassicModel} adds the weights. They have the names of the release. {@code
 * ClassicForward} is the forward pass, a call a line; attention and experts are techniques with
 * packages of their own.
 *
 * <pre>
 *   token ─ embedding ─ x ─┬────────────────(+)─┬───────────────────(+)─ x  … L layers …
 *                          └ norm, attention ┘  └ norm, feed-forward ┘
 *                                                 or experts
 *   x ─ norm ─ hidden ─ head ─ logits of p+1
 *                │
 *   MTP, row p:  └─────────────────────────────── hnorm ─┐
 *   token p+1 ─ embedding ─ enorm ───────────────────────┴ eh_proj ─ one layer ─ norm ─ head ─ p+2
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Logits agree with transformers in float32 within 2e-4, and the top-1 token is the same
 *       everywhere. They agree with the test oracle {@code Naive} to the bit ({@code
 *       ClassicModelTest}).
 *   <li>An MTP row lies at the cache slot of the newest token that it reads (p+1), while its rotary
 *       position stays p. So the streams of the MTP layer begin at slot 1.
 *   <li>An MTP row takes the hidden state after the final norm. A later row of a chain takes the
 *       state after {@code shared_head.norm}, as in SGLang. {@code docs/forward-pass.md} tells
 *       where vLLM differs.
 *   <li>A tensor that is missing, misshapen or unknown is an error that names it.
 *   <li>A field of the config is refused by name if no model can have its value, if it contradicts
 *       another field, or if it asks for something that this architecture does not compute.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect --tensors --program -m tiny-models/speck-mtp}, {@code
 * orrery dump --ids 1,2,3 -m tiny-models/speck-mtp --out /tmp/x.safetensors}.
 *
 * <p><b>Elsewhere.</b> transformers {@code models/glm4_moe/modeling_glm4_moe.py} (without MTP);
 * SGLang {@code srt/models/glm4_moe.py}, {@code glm4_moe_nextn.py}; vLLM {@code
 * model_executor/models/glm4_moe.py}, {@code glm4_moe_mtp.py}; TensorRT-LLM {@code
 * _torch/models/modeling_glm.py}.
 *
 * <p><b>Papers.</b> GLM-4.5 Team, "GLM-4.5: Agentic, Reasoning, and Coding (ARC) Foundation
 * Models", 2025; Ainslie et al., "GQA", 2023; Su et al., "RoFormer", 2021; DeepSeek-AI,
 * "DeepSeek-V3 Technical Report", 2024 (routing, MTP).
 */
package orrery.model.classic;
