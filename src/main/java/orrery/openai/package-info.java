/**
 * OpenAI's API as JSON: a body becomes a request to the engine, and answers become a body.
 *
 * <p><b>The problem.</b> Clients, routers and load generators all speak OpenAI's API, each with
 * extras of its own. A file of requests and a server must understand a body in the same way, or the
 * same question would get two answers.
 *
 * <p><b>The idea.</b> One reader and one writer between JSON and the engine, without files, flags
 * or sockets. Their caller decides how answers travel.
 *
 * <pre>
 *   a line's body ── Fields ──> OpenAiRequest.Reader ─┐
 *   a call's body ── Fields ──> ServedReader ─────────┴─> Requests ──> engine ─┬─> Answers ─┐
 *             │                │                                               └─> Tokens   │
 *             │                ├─ PromptFields, SamplingFields                       │      │
 *             └─ FieldException names the field as the body writes it                ▼      ▼
 *   chunks of JSON &lt;── OpenAiStream, whole JSON &lt;── OpenAiResponse &lt;────────────────── Pieces
 * </pre>
 *
 * <p>{@link orrery.openai.Fields} remembers which fields were asked for. So a strict caller ({@code
 * run-batch}) can refuse unknown fields, with the nearest known name ({@link
 * orrery.openai.Nearest}). A server lets them pass, since routers add some; it refuses only what is
 * known and not supported ({@code Unsupported}).
 *
 * <p>A chunk and a whole answer are written from the same value, a {@code Piece}: so they cannot
 * differ in what they say.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>No value is converted: {@code "1"} is no number, and {@code 1.0} is no integer.
 *   <li>A field that is {@code null} counts as absent.
 *   <li>An error of a body, also one that the sampler or the engine finds, names the field as the
 *       body writes it ({@link orrery.openai.FieldNames}).
 *   <li>The same request and answers give the same bytes.
 *   <li>The chunks of a stream, put together, are the whole answer.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery run-batch -i docs/examples/batch.jsonl -o -}; {@code orrery
 * serve}.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/entrypoints/openai/}; vLLM {@code entrypoints/openai/};
 * TensorRT-LLM {@code serve/openai_protocol.py}.
 */
package orrery.openai;
