/**
 * The layouts in which quantised checkpoints are published, for writing them.
 *
 * <p><b>The problem.</b> A matrix in codes and scales is one thing, but there are a dozen ways to
 * write it to a file. They differ in the names and types of the tensors, in the direction of a
 * scale (multiply or divide), and in what {@code config.json} says about it. A reader that knows
 * one of them refuses the others or, worse, reads them wrongly.
 *
 * <p><b>The idea.</b> A layout is one file. It says how the matrices of a role are stored ({@link
 * orrery.quantization.layouts.StoredForm}), and what it adds to the config. To add one, write its
 * file and name it in one line of {@link orrery.quantization.layouts.Layouts}.
 *
 * <pre>
 *   name          codes                        scales                                   of
 *   fp8           weight        F8_E4M3        weight_scale_inv  F32     128 x 128      DeepSeek-V3
 *   fp8-channel   weight        F8_E4M3        weight_scale      F32     a row          GLM-4.5-Air-FP8
 *   mxfp8         weight        F8_E4M3        weight_scale_inv  U8      1 x 32         MiniMax-M3
 *   mxfp4         weight_packed U8, two each   weight_scale      U8      1 x 32         compressed-tensors
 *   nvfp4         weight_packed U8, two each   weight_scale      F8_E4M3 1 x 16         compressed-tensors
 *                                              weight_global_scale F32 [1], divides
 *   v4            weight        F8_E4M3        scale             F8_E8M0 128 x 128      DeepSeek-V4
 *     its experts weight        I8, two each   scale             F8_E8M0 1 x 32
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>What is written decodes to the {@link orrery.quantization.CodedMatrix} that was given, to
 *       the bit ({@code StoredFormTest}).
 *   <li>Only matrices that a release has in few bits are stored so; the model says which ({@link
 *       orrery.model.QuantizedParts}).
 *   <li>Two codes of FP4 share a byte: the even column in the low half.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery quantize --format nvfp4 --out DIR}; {@code orrery inspect
 * --model DIR --tensors}.
 *
 * <p><b>Elsewhere.</b> github.com/vllm-project/compressed-tensors {@code compressors/}; NVIDIA
 * Model Optimizer {@code modelopt/torch/export}; DeepSeek-V3 {@code README_WEIGHTS.md}.
 */
package orrery.quantization.layouts;
