/**
 * Numbers of few bits that share scales: how matrices, activations and cached rows are stored.
 *
 * <p><b>The problem.</b> A number of 8 or 4 bits has few values and a small range. The weights of a
 * matrix have any range.
 *
 * <p><b>The idea.</b> A block of neighbouring numbers shares one scale. A weight is code · scale.
 *
 * <pre>
 *   codes  [out][in]                        E4M3, E5M2 or E2M1
 *   scales [out/blockRows][in/blockCols]    float32, bf16, a power of two (E8M0), or E4M3
 * </pre>
 *
 * <p><b>Invariants.</b> A weight is its decoded code times its scale, rounded once. The scales of
 * activations and of cached rows depend on their row alone, so batching, chunking and sharing
 * change nothing.
 *
 * <p>{@link orrery.quantization.CodedMatrix#decode}, {@link
 * orrery.quantization.ActivationRounding#round} and {@link orrery.quantization.RowCodec} are the
 * definitions. {@link orrery.quantization.BlockQuantizer} makes codes and scales of floats.
 *
 * <p><b>Watch it.</b> {@code orrery lab numbers}: what the numbers are, and what a model's weights
 * lose in them. The chapter is {@code docs/numbers-with-few-bits.md}.
 *
 * <p><b>Elsewhere.</b> "OCP Microscaling Formats (MX) Specification" 1.0, 2023; DeepSeek-V3, 2024,
 * §3.3 (blocks of 128 x 128, and 1 x 128 for activations).
 */
package orrery.quantization;
