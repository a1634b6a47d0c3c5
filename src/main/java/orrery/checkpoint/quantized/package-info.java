/**
 * Quantised checkpoints: which tensors are codes, where their scales are, and how the two make
 * weights.
 *
 * <p><b>The problem.</b> A weight of a quantised checkpoint is a code in one tensor and a scale in
 * another, perhaps in another file. A dozen published layouts differ in the names of these tensors,
 * in their types and shapes, and in the words of the config. A wrong guess gives no error, but a
 * model that answers a little wrong.
 *
 * <p><b>The idea.</b> Each matrix is recognised by what is there ({@link
 * orrery.checkpoint.quantized.CodedWeights}): FP8 codes have a type of their own, FP4 codes lie in
 * bytes, and scales lie beside them under a name of {@code ScaleNames}. The config ({@link
 * orrery.checkpoint.quantized.QuantizationConfig}) adds what no tensor tells, the size of a block,
 * and is refused if it is not understood.
 *
 * <pre>
 *   q_proj.weight            F8_E4M3 [576, 1536]    c[i][j]
 *   q_proj.weight_scale_inv  F32     [5, 12]        s[i / 128][j / 128]      w = c · s
 *   quantization_config.weight_block_size  [128, 128]
 * </pre>
 *
 * <p>The shape of the grid does not tell the block: 576 rows have 5 rows of scales, of 128 rows
 * each but for the last.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Nothing quantised is ever read as if it were not: codes without scales are refused, and so
 *       are floats with scales.
 *   <li>Scales that fit the config in no way, or in two ways, are refused. So are weights and
 *       scales that are NaN or infinite.
 *   <li>Each matrix of a stack of experts has a grid of scales of its own.
 *   <li>Scales of activations and of the KV cache are passed over, with a notice unless they are 1.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect --tensors -m DIR} shows the bits of every weight.
 *
 * <p><b>Elsewhere.</b> vLLM {@code model_executor/layers/quantization}; SGLang {@code
 * srt/layers/quantization}; transformers {@code quantizers}; the layouts: DeepSeek-V3's {@code
 * README_WEIGHTS.md}, vllm-project/compressed-tensors, NVIDIA/Model-Optimizer.
 */
package orrery.checkpoint.quantized;
