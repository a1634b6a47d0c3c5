/**
 * Exact numbers: formats and elementary functions whose results are the same everywhere.
 *
 * <p><b>The problem.</b> An engine that batches, chunks and shares work computes the same number in
 * many ways: alone or among 37 rows, in a 512-bit lane or a scalar register, interpreted or
 * compiled. If those ways differ in the last bit, two runs of one prompt drift apart, and no test
 * can tell a bug from noise.
 *
 * <p><b>The idea.</b> Define every number by a scalar loop made of single IEEE-754 operations, and
 * let every faster form perform the same operations in the same order per element.
 *
 * <pre>
 *   exp(x):   clamp → n = round(x·log2e) → r = x − n·ln2 → degree-6 fma chain → ·2^(n/2)·2^(n−n/2)
 *   sum(x):   partial[i mod 16] += x[i]  →  fold 8, 4, 2, 1
 *   bf16:     the upper half of a float;  decode is exact, encode rounds to nearest even
 *   FP8, FP4: small floats; what lies beyond the largest value becomes the largest value
 *   E8M0:     a power of two as one byte, rounded down, up or to the nearest
 * </pre>
 *
 * <p><b>Invariants.</b> Decoding is exact; encoding rounds once, ties to even, and keeps NaN a NaN
 * (FP4, which has none, refuses it). {@link orrery.numerics.Elementary} stays within its stated ULP
 * error of the exact value. No function here calls a library function with unspecified bits.
 *
 * <p><b>Watch it.</b> {@code mvn -q test-compile exec:exec@experiment
 * -Dexperiment=orrery.numerics.ReduceLanesExperiment} sums the same floats by the banned {@code
 * reduceLanes(ADD)} and by {@link orrery.numerics.Sum16}, cold and compiled, at three widths.
 *
 * <p><b>Elsewhere.</b> SGLang and vLLM offer deterministic ("batch invariant") modes that fix the
 * reduction order of a few kernels, after "Defeating Nondeterminism in LLM Inference" (Thinking
 * Machines, 2025). Orrery has no other mode.
 */
package orrery.numerics;
