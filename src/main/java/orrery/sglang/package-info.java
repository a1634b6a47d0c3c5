/**
 * SGLang's native API as JSON: a body of {@code /generate} becomes a request to the engine, and
 * answers become a body.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/entrypoints/http_server.py}, {@code
 * srt/managers/io_struct.py}.
 */
package orrery.sglang;
