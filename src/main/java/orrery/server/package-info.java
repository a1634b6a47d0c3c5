/**
 * HTTP: the engine for clients of other processes.
 *
 * <p><b>The problem.</b> Clients come and go, send anything, read slowly or not at all, and leave
 * in the middle. None of them may cost the engine a step, or another client its answer.
 *
 * <p><b>The idea.</b> Every call has a virtual thread of its own, which reads the body, submits the
 * request, and writes tokens as they come. What computes for long, parsing and compiling a body, is
 * done by a few threads of the platform ({@link orrery.server.BodyWork}). What a thread waits for
 * is bounded: a body has a size and a time, a write has a time, and a connection that closes
 * cancels its request.
 *
 * <pre>
 *                        {@link orrery.server.Gate} open? draining?   {@link orrery.server.Origins} from which page?
 *                             {@link orrery.server.Keys} who calls?
 *   socket ──> Jetty ──> {@link orrery.server.Dispatcher} ──> {@link orrery.server.Routes} ──> {@link orrery.server.Handler} ──> engine
 *     │                      │ an exception becomes an error       │
 *     │                      │ in one place: {@link orrery.server.Errors}       │ {@link orrery.server.Call}, {@link orrery.server.EventStream}
 *     └─ {@link orrery.server.WatchedEndPoint} sees it close ──────────────────────> cancel
 * </pre>
 *
 * <p>{@link orrery.server.HttpServer} starts and ends it all. A handler knows nothing of sockets:
 * it sees a call, and {@link orrery.server.Serving}, which has the engine and its model. Another
 * engine may take that one's place while the server runs ({@link orrery.server.Serving#restart}),
 * so a handler asks for it at each call, and keeps what depends on it in a {@link
 * orrery.server.ForEngine}.
 *
 * <p><b>Which library.</b> Three were tried with requests as those of {@code LimitsTest}, for up to
 * 8 seconds each: the JDK's {@code HttpServer}, Helidon SE 4.5 and Jetty 12.1, with virtual
 * threads.
 *
 * <table>
 * <caption>What each does by itself</caption>
 * <tr><th></th><th>JDK</th><th>Helidon</th><th>Jetty</th></tr>
 * <tr><td>client leaves while its answer is computed</td><td>not seen</td><td>not seen</td>
 *   <td>not seen, but its selector can be asked</td></tr>
 * <tr><td>headers trickle in</td><td>not cut off</td><td>not cut off</td>
 *   <td>not cut off, but its end point can be extended</td></tr>
 * <tr><td>client reads nothing</td><td>the thread still waits</td><td>the thread still waits</td>
 *   <td>writes have callbacks, so a wait can end</td></tr>
 * <tr><td>half a body, bad chunk</td><td>no answer</td><td>500</td><td>400</td></tr>
 * <tr><td>bytes that are no request</td><td>HTML, or 404</td><td>400 without a body</td>
 *   <td>4xx, the body is ours to write</td></tr>
 * </table>
 *
 * <p>A router cancels a request by closing its connection. So the first row decided: only Jetty
 * lets us watch a connection without a thread for it, and without reading a byte that belongs to
 * its parser.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Whatever a client sends, it is answered with an error of its own (4xx) in OpenAI's shape,
 *       or its connection is closed. A 5xx other than 503 is a bug of ours and is reported.
 *   <li>A client that leaves is noticed at once, also while nothing is written; its request is
 *       cancelled. Bytes of a further request that come meanwhile are kept, up to 4 KiB.
 *   <li>A client holds a connection, a virtual thread and a bounded body; never a thread of the
 *       platform.
 *   <li>A page of the web that a browser of this machine shows gets 403 from a server without keys
 *       for every call that names the page, and for every {@code GET} that changes or occupies
 *       something ({@link orrery.server.Routes#getOwn}). What else it gets, a picture or a script
 *       that is none, it cannot read. {@code HEAD} changes nothing.
 *   <li>While the server drains, calls that came before are answered, and so is {@code /metrics};
 *       all others get 503, which says so.
 *   <li>Tenants share no prefix: the engine's salt begins with the tenant, which is a digest of the
 *       caller's key. So files of one server are read by another one for the same key only.
 * </ul>
 *
 * <p><b>Limits.</b> A client that closes only its sending half counts as gone. A client that keeps
 * its connection and reads one event in 29 seconds is served as long as its answer lasts.
 *
 * <p><b>Watch it.</b> {@code orrery serve}, and then the command that it prints.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/entrypoints/http_server.py}; vLLM {@code
 * entrypoints/launcher.py} (uvicorn, asyncio); TensorRT-LLM {@code serve/openai_server.py}.
 */
package orrery.server;
