/**
 * A step is a program: model code launches ops, and the launcher runs them or records them.
 *
 * <p><b>The problem.</b> A forward pass is some hundred small operations, and a server runs the
 * same ones thousands of times a second with other rows, other positions, other lengths. Model code
 * should read like its paper; yet every step must start without allocating, run on several threads,
 * and later be fused. On a GPU each launch also costs microseconds of host time, which is why CUDA
 * graphs exist.
 *
 * <p><b>The idea.</b> Model code calls a {@link orrery.graph.Launcher}. Each call is one {@link
 * orrery.graph.Op}, which holds buffers, weights and cache handles, but never a value of a step.
 * What changes from step to step lies in {@link orrery.graph.Step}: a ragged batch of rows, in
 * preallocated arrays. So the list of ops is recorded once and can be replayed for any step.
 *
 * <p>This package has the ops that every model uses. A technique keeps its own ops in its own
 * package, and launches them with {@link orrery.graph.Launcher#launch}. Each op names what it reads
 * and writes ({@link orrery.graph.Operand}), so that fusion can prove that a buffer is dead.
 *
 * <pre>
 *   ClassicForward.main(g)        g = Eager    ──> op.run(step)                     at once
 *     g.rmsNorm(x, w, h)          g = Capture  ──> StepProgram [op, op, op, ...]
 *     g.matmul(h, wq, q)                              │ replay: for (op : ops) executor.run(op, step)
 *     ...                                             ▼
 *   Step  token    [ 17  4 | 9 | 33 ]     three sequences, four rows: a prompt's chunk of two
 *         position [  0  1 | 7 | 25 ]     and two decodes. An op reads these when it runs.
 *         sequence [  0  0 | 1 |  2 ]
 * </pre>
 *
 * <p>A captured program for several threads is put into {@link orrery.graph.StepProgram#inRegions
 * regions}: ops that need no waiting in between share one hand-over to the threads. An op says how
 * its shares are cut, so that this can be proved from what it reads and writes.
 *
 * <p>A launcher may stand before another one. {@link orrery.graph.RoundedInputs} launches, before
 * each product with quantised weights, an op that rounds its input to FP8.
 *
 * <p>A captured program is rewritten before it is replayed ({@link orrery.graph.Fusion}): {@link
 * orrery.graph.FusionRule}s, which stand beside the ops of their technique, name several ops and
 * one that does the same.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Eager and replay give the same bits. A program that is not fused runs the same ops, and a
 *       fused op computes each sum of the ops that it replaces in their order.
 *   <li>Fusion takes only what it can prove from the declared operands: that the ops may stand side
 *       by side, and that what the fused op does not write is dead.
 *   <li>No op holds a row count, position, page number, selected expert or length.
 *   <li>An op changes only what it declares to write, and its results depend only on what it
 *       declares to read, on weights and on the number of rows.
 *   <li>Shares of an op split outputs or rows, never a sum, so bits do not depend on the number of
 *       threads.
 *   <li>In a region, no share needs what another share makes in it. So the shares may run in any
 *       order, also one after the other.
 *   <li>Replay allocates nothing. Buffers belong to a row bucket ({@link orrery.graph.Buckets}) and
 *       only the step's real rows are computed; a bucket is never padded.
 *   <li>Shapes are checked when an op is made, not when it runs.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery inspect --program} prints the captured ops, and with {@code
 * --threads 2} the hand-overs; {@code orrery generate --graph off} launches each one eagerly, and
 * {@code --fusion off} replays them as they were launched.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/model_executor/cuda_graph_runner.py} and {@code
 * forward_batch_info.py} (its {@code ForwardBatch} is our {@code Step}); vLLM {@code
 * v1/worker/gpu_model_runner.py}, {@code v1/cudagraph_dispatcher.py}; TensorRT-LLM {@code
 * _torch/pyexecutor/cuda_graph_runner.py}. They capture decode steps at a list of batch sizes and
 * pad up to the next one, because a CUDA graph fixes its shapes; here an op reads the row count.
 *
 * <p><b>Source.</b> NVIDIA, "CUDA C++ Programming Guide", chapter CUDA Graphs; ragged batches as in
 * Yu et al., "Orca", OSDI 2022.
 */
package orrery.graph;
