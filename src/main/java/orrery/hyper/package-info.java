/**
 * Hyper-connections: a token has {@code n} residual streams instead of one.
 *
 * <p><b>The problem.</b> In a plain transformer every sublayer reads the one residual stream of a
 * token and adds to it. So what early layers wrote is drowned by what later ones add, and no layer
 * can choose which earlier outputs it reads. Several streams would help, but a mixing between them
 * that is learned freely multiplies matrix by matrix over the layers: a factor of 1.1 a layer is
 * 300 after 60 layers.
 *
 * <p><b>The idea.</b> A sublayer reads a weighted sum of the streams, and its output is added to
 * all of them with other weights. Between that, the streams are mixed by a matrix. All weights are
 * computed from the streams, anew for each token. The matrix is made doubly stochastic ({@link
 * orrery.hyper.Sinkhorn}): its rows and columns sum to 1. So it only redistributes, and a product
 * of such matrices is one again, however many layers there are.
 *
 * <pre>
 *             pre                    post
 *   X0 ──┬────×──┐                 ┌──×────(+)── X0'      y    = Σ_j pre_j · X_j
 *   X1 ──┼─┬──×──┤   y         a   ├──×────(+)── X1'      a    = sublayer(norm(y))
 *   X2 ──┼─┼──×──┼─(+)─ layer ─────┼──×────(+)── X2'      X_k' = post_k · a + Σ_j comb[j][k] · X_j
 *   X3 ──┼─┼──×──┘                 └──×────(+)── X3'
 *        └─┴── … ────────── comb ───────────┘
 * </pre>
 *
 * <p>{@link orrery.hyper.HyperConnection} is one such site: {@code collapse} is the way in, {@code
 * expand} the way back. The streams begin as copies of the embedding ({@link orrery.hyper.Repeat}).
 * {@link orrery.hyper.HeadCollapse} sums them up for the head.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A stream takes a <em>column</em> of comb: the sum runs over the first index.
 *   <li>Weights, sums and streams of a row depend on that row only: {@code fn · x} is a matrix
 *       product as any other, the root mean square sums by {@link orrery.numerics.Sum16}, and the
 *       sums of the mixing are chains over the streams in increasing index.
 *   <li>Columns of comb sum to 1 (they are normalised last); rows nearly do.
 *   <li>Shares take rows or columns of streams. A column of the n streams is mixed from its own n
 *       values, so the streams are updated in place.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery dump} writes the streams behind every layer ({@code
 * streams.L}), for a model that has them as [tokens][n][hidden].
 *
 * <p><b>Elsewhere.</b> DeepSeek-V4 has four streams and 20 iterations: DeepSeek's {@code
 * inference/model.py} and {@code kernel.py}; SGLang {@code srt/layers/mhc.py}; vLLM {@code
 * models/deepseek_v4}; transformers {@code models/deepseek_v4/modeling_deepseek_v4.py}. On a GPU
 * the norm, the product and the Sinkhorn are one fused kernel, since a launch costs more than they
 * do.
 *
 * <p><b>Papers.</b> Zhu et al., "Hyper-Connections", 2024; Xie et al., "mHC: Manifold-Constrained
 * Hyper-Connections", 2025; Sinkhorn and Knopp, "Concerning nonnegative matrices and doubly
 * stochastic matrices", 1967.
 */
package orrery.hyper;
