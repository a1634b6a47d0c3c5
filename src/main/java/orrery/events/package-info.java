/**
 * What happens in the engine, as data.
 *
 * <p><b>The problem.</b> A terminal view, a trace, metrics and a benchmark all want to know what
 * the engine does. If each looks into its state, they disagree, and the engine cannot change.
 *
 * <p><b>The idea.</b> One sealed family of records. The engine says what happened, once, on its own
 * thread. Views, traces, metrics and benchmarks listen.
 *
 * <pre>
 *   engine ── Event ──> EventSink ──> JSON lines, Perfetto trace, terminal view, lab tables
 * </pre>
 *
 * <p><b>Invariants.</b> Every submitted request ends in exactly one {@code Finished} per choice, or
 * one {@code Rejected}. No view simulates: every figure that it shows comes from an event.
 *
 * <p><b>Elsewhere.</b> vLLM's {@code EngineCoreEvent} and KV events, SGLang's request time stats.
 */
package orrery.events;
