/**
 * The X-ray page: a browser shows what the engine does, now and back in time.
 *
 * <p><b>The problem.</b> A reader of a chapter wants to see the pages, the tree and the drafts that
 * it speaks of, in the engine that runs, and stop it to look. But a reader's page must not slow the
 * engine down, and may come late, read slowly, or leave in the middle.
 *
 * <p><b>The idea.</b> The engine's events go through a queue into a ring of the newest; each page
 * reads them at its own speed, and makes its pictures itself. A {@link orrery.events.Keyframe} in
 * the ring says the engine's books whole, so a page may begin there. A page asks for anything else
 * by a call.
 *
 * <pre>
 *   engine ──> {@link orrery.xray.Feed} ──> {@link orrery.xray.Ring} ──> {@link orrery.xray.Pages} ──> browser: state.js, views
 *      ^                                                       │
 *      └── pause, step, prompts, {@link orrery.xray.Loads}, restart <── {@link orrery.xray.Control} <──┘
 *
 *   trace.jsonl ──> {@link orrery.xray.Trace} ──> {@link orrery.xray.Ring} ──> the same page, without controls
 * </pre>
 *
 * <p>{@link orrery.xray.Xray} puts it together; {@link orrery.xray.Assets} and {@link
 * orrery.xray.Chapters} are the files. The page's own code is in the resources of this package: ES
 * modules as a browser runs them, without a build.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>The engine's thread waits for no page, takes no lock for one, and makes no JSON.
 *   <li>A page gets every event from its first keyframe on, in order, or is told how many it lost
 *       and goes on at a keyframe.
 *   <li>An event becomes JSON once, for all pages.
 *   <li>An engine that a page has paused goes on when no page is open; another client's pause
 *       lasts.
 *   <li>If another engine cannot be started, one with the switches of before serves on.
 *   <li>A browser gets no file but those of the page, of its chart library and of the chapters.
 * </ul>
 *
 * <p><b>Limits.</b> The page shows the prompts of all callers. A page holds a virtual thread and a
 * connection. A Perfetto trace that goes on over a restart shows the second engine's times over the
 * first's; a trace of JSON lines has one after the other.
 *
 * <p><b>Watch it.</b> {@code orrery serve}, and open the address that it prints; {@code orrery demo
 * --page}; {@code orrery trace replay FILE}.
 *
 * <p><b>Elsewhere.</b> None of SGLang, vLLM and TensorRT-LLM has such a page; they have metrics for
 * Grafana, and profilers.
 */
package orrery.xray;
