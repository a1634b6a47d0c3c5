/**
 * The lab: experiments and benchmarks that say how fast this machine is, and how much of that the
 * engine uses.
 *
 * <p><b>The problem.</b> "Fast" means nothing without the speed of the machine. A shared or virtual
 * machine changes its speed from minute to minute; the JIT makes the first thousand calls of
 * anything slow; a compiler leaves out a computation if its result is never read. A figure that
 * ignores this says more about the day than about the code.
 *
 * <p><b>The idea.</b> Measure the limit and the thing in one process, alternately, and report their
 * ratio. There are two limits: multiply-adds that stay in registers, and reads that compute next to
 * nothing. A product of r rows does 2·r operations for each weight it reads, so r decides which of
 * the two it meets.
 *
 * <pre>
 *   GFLOP/s                  ________________  pure multiply-add   ({@link orrery.lab.Ceilings})
 *                          /
 *                        /  :                  one more row is free left of the ridge,
 *     plain read · 2r  /    :                  and costs its full price right of it
 *                    /      ridge
 *                   1 ──────────────────── rows
 *
 *   one trial:  warm up A B C, twice │ A B C  C B A  A B C …     ({@link orrery.lab.Trial})
 * </pre>
 *
 * <p>{@code orrery lab} does the same to serving techniques: {@link orrery.lab.Lab} runs each
 * beside what it replaces on one drawn workload and reads every figure from the engine's events.
 *
 * <pre>
 *   Draw ──> Jobs ──> Session (an engine of its own) ── events ──> Trace ──> Comparison, Chart
 *                     static │ sglang │ vllm │ vllm │ sglang │ static │ …      ({@link orrery.lab.Rounds})
 * </pre>
 *
 * <p>{@link orrery.lab.Ballast} makes a model that fits a cache into one that does not, without
 * changing a bit of its answers; speed is shown on both.
 *
 * <p>{@link orrery.lab.TensorDump} writes every number of a forward pass, for the tests of others
 * ({@code orrery dump}).
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Variants of a table take turns, there and back, so that drift favours none of them.
 *   <li>A figure is the median of at least seven samples, printed with its quartiles; a claim is a
 *       ratio of two figures of one table.
 *   <li>A ratio of two variants is taken round by round; its spread is that of these ratios.
 *   <li>"From memory" means weights of at least 128 MiB and four times the last-level cache.
 *   <li>The better of two plain reads counts as the limit, not the worse.
 *   <li>Products are timed through the same call and the same split as {@code orrery.graph.MatMul}
 *       makes; every result is stored where the compiler must assume that it is read.
 * </ul>
 *
 * <p>{@code orrery lab mtp} measures two things with the same clock: the cost of a round of drafts,
 * and the tokens that the round gives on this text. It checks that the two foretell the speed that
 * a user measures.
 *
 * <p>{@code orrery lab frontier} serves clients that never pause ({@link orrery.lab.ClosedLoop}),
 * and draws throughput against what each of them gets. It has every technique as a {@link
 * orrery.lab.Rung}, and finds the best {@link orrery.lab.Recipe} for each number of clients.
 *
 * <p>{@code orrery lab overlap} runs each load with one lane and with two, as neighbours; a host
 * that is slow on purpose is one of the loads.
 *
 * <p>{@code orrery lab tiers} runs the same requests with their prefix in pages, on the host, in
 * files and nowhere; only switches differ, and the order of the requests.
 *
 * <p>{@code orrery lab hisparse} runs the same requests with buffers of several sizes, and counts
 * what the engine tells of each step; and it runs as many as fit into the same device memory.
 *
 * <p>{@code orrery lab disagg} has two engines in one process, with a socket between them, and one
 * engine with the threads of both; answers go on in them while long prompts come.
 *
 * <p>{@code orrery lab hybrid} counts the pages and times the ops of a model by what its layers'
 * streams say that they read, so it serves every architecture alike.
 *
 * <p>{@code orrery lab formats} times steps of a model and of its quantised copies alternately, and
 * steps over cached rows of each dtype; and it compares their logits and accepted drafts.
 *
 * <p>{@code orrery lab kv} counts the bytes of cached rows by their dtype, and compares the model's
 * logits on held-out text with those over float32 rows ({@link orrery.lab.Fidelity}).
 *
 * <p>{@code orrery lab numbers} measures no time: it counts what weights lose in few bits.
 *
 * <p><b>Watch it.</b> {@code orrery lab batching}; {@code orrery lab mtp}; {@code orrery bench
 * kernels}, and with {@code --svg FILE} the picture of {@code docs/rows-against-speed.md}. For
 * single kernels under JMH: {@code mvn -q test-compile exec:exec@jmh -Djmh="MatMulBenchmark"}.
 *
 * <p><b>Elsewhere.</b> SGLang {@code benchmark/kernels}, vLLM {@code benchmarks/kernels},
 * TensorRT-LLM {@code cpp/micro_benchmarks}: kernels against other kernels, rarely against the
 * limit of the machine.
 *
 * <p><b>Papers.</b> "Roofline: an insightful visual performance model for multicore architectures",
 * Williams, Waterman and Patterson, CACM 2009. "Statistically rigorous Java performance
 * evaluation", Georges, Buytaert and Eeckhout, OOPSLA 2007.
 */
package orrery.lab;
