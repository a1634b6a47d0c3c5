/**
 * Mixture of experts: many feed-forwards, and each row uses a few of them.
 *
 * <p><b>The problem.</b> Most parameters of a transformer are in its feed-forwards. A mixture has
 * many small feed-forwards and sends each token to {@code topK} of them, so a token reads a
 * fraction of the weights. But the selection is data: which row needs which matrix becomes known
 * only in the middle of a step. One matrix product per row would read an expert's weights again for
 * every row. And a step that was captured beforehand must still route anew.
 *
 * <p><b>The idea.</b> Sort the (row, expert) pairs by expert, so that each expert computes its rows
 * as one matrix product; then add up the results of each row. The sorting is an op like any other.
 * It leaves its result in {@link orrery.moe.ExpertGroups}, and later ops read that when they run.
 *
 * <pre>
 *   rows       experts       by expert      back
 *   r0  ──>    {1, 3}        e0:  r2        r0 = w·e1(r0) + w·e3(r0) + shared(r0)
 *   r1  ──>    {1, 2}        e1:  r0 r1     r1 = w·e1(r1) + w·e2(r1) + shared(r1)
 *   r2  ──>    {0, 3}        e2:  r1        r2 = w·e0(r2) + w·e3(r2) + shared(r2)
 *                            e3:  r0 r2
 *   SelectExperts            GroupRows, GatherRows, ExpertMatMul               Combine, Add
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>The bias ({@code e_score_correction_bias}) steers the selection only; weights are computed
 *       from the plain scores.
 *   <li>Ties go to the lowest expert id; a row's experts are summed in ascending id, then the
 *       shared expert is added. So a row's result does not depend on the other rows of the step.
 *   <li>Grouping is a stable counting sort: the rows of an expert keep their order.
 *   <li>In a hash layer a table names the experts of each token id ({@code tid2eid}); the scores
 *       weigh them as ever. If it names one twice, that expert counts twice, as in transformers and
 *       in DeepSeek's own code.
 *   <li>A SwiGLU limit cuts the routed experts and the shared one alike.
 *   <li>Every row is computed. No expert has a capacity, so no token is dropped.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery dump} writes the selected experts and their weights per layer
 * ({@code router.L.experts}, {@code router.L.weights}); {@code orrery inspect} says how many of the
 * experts one token uses.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/layers/moe/topk.py}, {@code
 * srt/layers/moe/fused_moe_triton/moe_align_block_size.py}; vLLM {@code
 * model_executor/layers/fused_moe/}; TensorRT-LLM {@code _torch/modules/fused_moe/routing.py}. They
 * pad each expert's rows to whole tiles of a GPU kernel; a CPU kernel takes any number of rows.
 *
 * <p><b>Papers.</b> Shazeer et al., "Outrageously Large Neural Networks", 2017; DeepSeek-AI,
 * "DeepSeek-V3 Technical Report", 2024, §2.1.2 (sigmoid scores, bias for load balance without an
 * auxiliary loss, groups of experts); Roller et al., "Hash Layers For Large Sparse Models", 2021.
 */
package orrery.moe;
