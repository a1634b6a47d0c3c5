/**
 * SGLang's native API as JSON: a body of {@code /generate} becomes requests to the engine, and
 * answers become a body.
 *
 * <p><b>The problem.</b> SGLang's load generator, router and dashboards do not speak OpenAI's API
 * to a server, but SGLang's own. It tells more: ids, log-probabilities of the prompt from any
 * position, why an answer ended, how busy the server is.
 *
 * <p><b>The idea.</b> The same request to the engine, told in other words. A stream's piece is the
 * whole answer so far, so one writer serves both: an answer that ended is an answer so far that
 * came to its end ({@link orrery.sglang.Progress}).
 *
 * <pre>
 *   JSON ──> GenerateReader ──> GenerateRequest ──> engine ──┬─ Answer ─> Progress ─> GenerateResponse ──> JSON
 *                                                            └─ Token ──> Progress ─> GenerateResponse ──> data: JSON
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>The last piece of a stream is the whole answer, but for the time it took.
 *   <li>Unknown fields pass. What SGLang knows and Orrery cannot do is refused by its name, unless
 *       its value asks for nothing.
 *   <li>An error names the field as the body writes it, as {@link orrery.openai} does.
 *   <li>What is told of the server's load ({@link orrery.sglang.ServerInfo}) comes from events.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery serve}, then {@code curl localhost:30000/generate -d '{"text":
 * "Once upon", "sampling_params": {"max_new_tokens": 20}}'}.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/entrypoints/http_server.py}, {@code
 * srt/managers/io_struct.py}, {@code srt/managers/tokenizer_manager.py}.
 */
package orrery.sglang;
