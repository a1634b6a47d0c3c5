/**
 * HTTP: the engine for clients of other processes.
 *
 * <p><b>The problem.</b> Clients come and go, send anything, read slowly or not at all, and leave in
 * the middle. None of them may cost the engine a step, or another client its answer.
 *
 * <p><b>The idea.</b> Every call has a virtual thread of its own, which reads the body, submits the
 * request, and writes tokens as they come. What a thread waits for is bounded: a body has a size and
 * a time, a write has a time, and a connection that closes cancels its request.
 *
 * <pre>
 *   socket ──> {@link orrery.server.Call} ──> {@link orrery.server.Handler} ──> engine
 *   socket <── answer or {@link orrery.server.EventStream} <───────────────── tokens
 * </pre>
 */
package orrery.server;
