/**
 * Prefill and decode in two engines.
 *
 * <p><b>The problem.</b> Prompts come in large pieces, and a step with such a piece takes long. All
 * answers that decode in the same engine wait for it: each new prompt is a jerk in every stream.
 *
 * <p><b>The idea.</b> One engine computes prompts and decides first tokens, another engine decodes.
 * Between them go the cached rows, page by page. A router sends each request to both at the same
 * time, with the same {@code bootstrap_room}; the decode side calls the prefill side at {@code
 * bootstrap_host:bootstrap_port} and names the room.
 *
 * <pre>
 *   decode side                                   prefill side
 *      │ ── HELLO: what my rows look like ────────────> │   BOOTSTRAP
 *      │ <─────── WELCOME: dp size, dp rank ─────────── │
 *   PREALLOC: waits for pages                           │
 *      │ ── RESERVED: pages that I want, by pool ─────> │   WAITING, then it runs
 *   TRANSFER                                            │
 *      │ <───────────────────────── PAGE, PAGE, PAGE ── │   INFLIGHT
 *      │ <──── FIRST: first tokens, drafter's state ─── │
 *      │ ── DONE ─────────────────────────────────────> │   pages come back
 *   WAITING, RUNNING
 * </pre>
 *
 * <p>Prompts are computed only when the other side has pages for them. So the prefill side never
 * fills up with prompts that no decode engine takes, and no two requests wait for each other.
 *
 * <p><b>The wire.</b> One connection for each request carries frames, all numbers little-endian:
 *
 * <pre>
 *   byte  0   4  magic: O R K V
 *         4   1  version of this format: 1
 *         5   1  type: 1 HELLO, 2 WELCOME, 3 RESERVED, 4 PAGE, 5 FIRST, 6 DONE, 7 ABORT
 *         6   2  0
 *         8   8  room
 *        16   4  n, bytes of the payload
 *        20   4  CRC-32C of bytes 0 to 19 and of the payload
 *        24   n  payload
 *
 *   HELLO     UTF-8 lines "name=value": model, page size, every stream of the cache
 *   WELCOME   int data parallel (dp) size, int dp rank of the engine of the room: room % size
 *   RESERVED  int pools; for each pool int first, int end: indices (slot / span) of pages wanted
 *   PAGE      int pool, int index; the page's rows, stream after stream, as they are stored
 *   FIRST     int pages sent, then as {@link orrery.disagg.PrefilledCodec} writes it
 *   DONE      nothing
 *   ABORT     UTF-8: why the other side ends the request
 * </pre>
 *
 * <p>Every frame of a connection has the room of its HELLO. A payload has at most 256 KiB, a PAGE
 * or FIRST 256 MiB, and memory for it is taken as its bytes come. DONE before FIRST is an error.
 *
 * <p><b>Who waits, and how long.</b> No side waits without end for the other:
 *
 * <pre>
 *   for a connection, for HELLO, for WELCOME    10 s
 *   from a prompt or HELLO to RESERVED          time to bootstrap, on the prefill side; it begins
 *                                               anew with a prompt that comes after its HELLO
 *   from RESERVED to FIRST                      time to wait, on the decode side
 *   from the first PAGE to DONE                 time to wait, on the prefill side
 * </pre>
 *
 * <p>A side reads its connection all the time, also while it waits for pages or for the other half.
 * So it notices at once when the other side dies. A room that fails before both halves are there is
 * remembered: the half that comes later fails at once, and learns why. Without a request in the
 * engine that lasts 10 s, so that neither calls nor refused requests fill memory.
 *
 * <p>A page is named by its place in the sequence, never by its place in a cache: each side has its
 * own page table, and no side can write where it likes in the memory of the other.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Answers are those of one engine, to the bit.
 *   <li>Whatever side dies, and whenever: each request ends once on each side, and all its pages
 *       come back.
 *   <li>Two engines whose rows do not fit refuse each other, and name what differs.
 *   <li>A request with a room goes to the engine of dp rank room % size (a router counts on that).
 * </ul>
 *
 * <p><b>Trust.</b> The two sides trust each other's rows; there is no key. A caller that reaches
 * the prefill side's port can take the rows of a room that it names, and a decode side takes rows
 * from the host that a request names, also into its prefix cache; {@link
 * orrery.disagg.PrefillHosts} says which ones a request may name. What a peer says is checked so
 * far that it cannot stop an engine, keep its pages or write where it likes.
 *
 * <p><b>Parts.</b> {@link orrery.disagg.PrefillSide} and {@link orrery.disagg.DecodeSide} stand
 * before their engines. {@link orrery.disagg.Transfer} is one connection, {@link
 * orrery.disagg.Network} makes them. The queues themselves are the engine's ({@code
 * engine.Tickets}), which alone touches pages.
 *
 * <p><b>Watch it.</b> {@code docs/disaggregation.md} has two servers in one shell. {@code orrery
 * lab disagg} compares two engines with one that has the threads of both.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/disaggregation}; vLLM {@code
 * distributed/kv_transfer/kv_connector}; NVIDIA Dynamo with NIXL.
 *
 * <p><b>Papers.</b> Zhong et al., "DistServe", OSDI 2024; Patel et al., "Splitwise", ISCA 2024; Qin
 * et al., "Mooncake", FAST 2025.
 */
package orrery.disagg;
