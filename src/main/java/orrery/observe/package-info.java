/**
 * Sinks: what the engine does, as files and metrics that people and programs can look at.
 *
 * <p><b>The problem.</b> "Why was this token late?" has its answer in a few milliseconds among
 * thousands: the prompt of another request shared the step, a page was missing, the request was
 * retracted. Printed averages do not show it, and a debugger changes it.
 *
 * <p><b>The idea.</b> Every event of the engine goes into a file as it happens, and two formats are
 * enough: JSON lines for programs ({@code jq}, a notebook, a lab table), and the Trace Event Format
 * for eyes, which ui.perfetto.dev draws with zoom and search.
 *
 * <pre>
 *   engine ── Event ──> JsonLinesSink   {"event":"StepDone","nanos":…,"step":17,…}
 *                  └──> PerfettoSink    steps      [step 17            ][step 18
 *                                                  [plan|launch  |judge]
 *                                       request 3  [waiting  ][running
 *                                                             [prefill]· · ·
 *                                       pages      ▁▂▄▅▇▇▅▂
 * </pre>
 *
 * <p>{@link orrery.observe.Metrics} counts the same events for Prometheus, which asks every few
 * seconds how many there were. A histogram forgets which request was late; a trace does not. {@link
 * orrery.observe.Profile} writes a trace of a part of a run, when a client asks for one.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A sink runs on the engine's thread and never throws there: the first failure is remembered,
 *       ends the writing, and is thrown by {@code close}.
 *   <li>A file keeps what it holds until the run begins. It is valid JSON however early it is
 *       closed; in a Perfetto trace every begin has its end, and spans of a lane nest.
 *   <li>Memory is bounded by the requests under way, not by the length of the run.
 *   <li>Nothing is computed here that an event does not say; watching changes no answer.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery demo --trace demo.json}, then open the file at
 * https://ui.perfetto.dev; {@code orrery demo --trace demo.jsonl} and read it with {@code jq}.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/tracing} and {@code
 * srt/managers/scheduler_profiler_mixin}; vLLM {@code v1/metrics/loggers.py}, {@code
 * v1/engine/__init__.py: EngineCoreEvent}; SGLang {@code srt/observability/metrics_collector.py};
 * TensorRT-LLM's per-iteration statistics. The format: "Trace Event Format" of the Chromium
 * project. The ancestor of all request lanes: Sigelman et al., "Dapper", 2010.
 */
package orrery.observe;
