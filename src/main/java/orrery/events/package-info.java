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
 * <p>Most events say what happened. {@link orrery.events.Event.Books} say how things stand: which
 * pages a sequence holds, and which the prefix cache keeps. A {@link orrery.events.Keyframe} has
 * the whole books, and the others have what changed in a step. They say much, so they come only to
 * sinks that want them.
 *
 * <pre>
 *   Keyframe          what changed, told at the end of each step                     the next one
 *   |  step 0         | BlockKept Holds StepRows StepDone | Holds StepRows StepDone | … Keyframe
 *   begin here ─────────> fold ──────────────────────────────> fold ─────────────────> must be equal
 * </pre>
 *
 * <p><b>Invariants.</b> Every submitted request ends in exactly one {@code Finished} per choice, or
 * one {@code Rejected}. No view simulates: every figure that it shows comes from an event. A reader
 * that begins with a keyframe and folds what follows has the engine's books at the end of every
 * step.
 *
 * <p><b>Elsewhere.</b> vLLM's {@code EngineCoreEvent} and KV events, SGLang's request time stats.
 */
package orrery.events;
