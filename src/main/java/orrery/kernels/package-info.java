/**
 * Kernels: the few loops in which an engine spends its time.
 *
 * <p><b>The problem.</b> Nearly all work of a transformer is matrix products, attention, norms and
 * activations. They must run at the speed of the machine, at any vector width, with one row or
 * many, on one thread or several. And they must give the same bits in all those forms; otherwise
 * batching would change answers.
 *
 * <p><b>The idea.</b> {@link orrery.kernels.ScalarKernels} is the definition, in plain loops.
 * {@link orrery.kernels.VectorKernels} does the same operations in the same order per output, many
 * outputs at a time. A product gives each output a lane of its own, so no sum is ever split. The
 * weights are packed so that one load brings the weights of 16 outputs for one input ({@link
 * orrery.kernels.PackedMatrix}), and that input is broadcast.
 *
 * <pre>
 *            lane   0    1    2         15
 *   x[0] ─────×── w0,0 w1,0 w2,0 …  w15,0       one vector = 16 outputs;
 *   x[1] ─────×── w0,1 w1,1 w2,1 …  w15,1       each lane: y = fma(w, x[k], y), k = 0, 1, 2 …
 *   …          ↓    ↓    ↓         ↓            8 or 12 such vectors side by side hide the
 *             y0   y1   y2   …    y15           latency of fma
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>An output of a product is one fma chain over increasing k; a q·k is one over increasing d,
 *       a p·V one over increasing slots, or over a list of cached rows ({@link
 *       orrery.kernels.LatentKernels}). Norms and softmax sum by {@link orrery.numerics.Sum16}.
 *   <li>Threads ({@link orrery.kernels.Team}) and rows split outputs, never sums.
 *   <li>Weights of fewer bits are decoded exactly, and then enter the same chain. So every product
 *       is the float32 product over the decoded weights, to the bit.
 *   <li>Cached keys and values of bf16 or FP8 ({@link orrery.kernels.CachedRows}) are the floats
 *       that they stand for, and enter the same chains.
 *   <li>No call allocates once its {@link orrery.kernels.Scratch} is warm. Hence the style: no
 *       method returns a vector, there are no arrays of vectors, species are constants, and loops
 *       are unrolled by hand. Otherwise C2 boxes vectors, and the loop is 20 times slower.
 * </ul>
 *
 * <p><b>Stored forms.</b> Each way to store weights is one subclass of {@link
 * orrery.kernels.PackedMatrix} in one file; a new one also needs a line in its {@code pack}.
 *
 * <pre>
 *   F32Matrix       [out/16][in][16] floats
 *   Bf16Matrix      [out/16][in/2][16] ints     an int = the next 2 inputs of one output
 *   Fp8E4M3Matrix   [out/16][in/4][16]                         4
 *   Fp8E5M2Matrix   [out/16][in/4][16]                         4
 *   Fp4Matrix       [out/16][in/8][16]                         8
 *                   with scales [out/16][blocks][16], see {@link orrery.kernels.PackedScales}
 *
 *   one row         decode a vector in registers, then fma
 *   more rows       decode 64 inputs of a few panels into the first-level cache, then the loops of
 *                   {@link orrery.kernels.F32Loops} over all rows
 *   where faster    decode in registers for 3 to 6 rows at a time: bf16 always, FP8 and FP4 as
 *                   {@link orrery.kernels.Fp8Loops} and {@link orrery.kernels.Fp4Loops} say
 * </pre>
 *
 * <p>{@code KernelContract}, {@code FormatsTest}, {@code AttentionContract} and {@code
 * LatentKernelContract} test all this over both implementations, at 512, 256 and 128 bits.
 *
 * <p><b>Watch it.</b> {@code orrery bench kernels}: each kernel against the limits of this machine.
 * {@code docs/exact-numbers.md} and {@code docs/rows-against-speed.md} are its chapters.
 *
 * <p><b>Elsewhere.</b> SGLang {@code sgl-kernel/csrc} (its {@code cpu} folder packs weights in
 * blocks for AMX and AVX-512); vLLM {@code csrc}; TensorRT-LLM {@code cpp/tensorrt_llm/kernels};
 * llama.cpp {@code ggml/src/ggml-cpu} (row-dot products, repacked for some formats). They split
 * sums over lanes, blocks or threads by shape, so their last bits depend on the batch unless a
 * batch-invariant mode is on.
 *
 * <p><b>Papers.</b> "Anatomy of high-performance matrix multiplication", Goto and van de Geijn,
 * 2008, for packing and register blocks; "FlashAttention", Dao et al., 2022, for never storing the
 * whole score matrix of a prompt (here one row of scores at a time is stored).
 */
package orrery.kernels;
