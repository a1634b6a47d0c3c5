// Requests between two engines, in words: docs/disaggregation.md has their queues.

/**
 * Where a request may stand while it neither waits nor runs here: the engine that has this queue, a
 * sign, a name, what the request does there as the end of "request 3 …", and what a page says that
 * is held for it.
 */
export const BETWEEN = {
  bootstrap: {
    side: "prefill",
    sign: "",
    title: "waits until the decode engine has pages for it",
    did: "waited until the decode engine has pages for it",
  },
  inflight: {
    side: "prefill",
    sign: "↑",
    title: "prompt computed, rows being sent",
    did: "had its prompt computed; its rows were being sent",
    page: "Its rows are sent to the decode engine, and until then it cannot be used for anything else.",
    held: "its rows are being sent to the decode engine",
  },
  prealloc: {
    side: "decode",
    sign: "",
    title: "waits for pages, before anything is computed",
    did: "waited for pages; nothing is computed before it has them",
  },
  transfer: {
    side: "decode",
    sign: "↓",
    title: "has pages, rows on their way",
    did: "had pages, and its rows were on their way from the prefill engine",
    page: "Its rows are computed by the prefill engine, and come from there.",
    held: "rows on their way from the prefill engine",
  },
  arrived: {
    side: "decode",
    sign: "•",
    title: "rows are here, waits for a place to run",
    did: "had its rows, and waited for a place among those that run",
    page: "Its rows have come from the prefill engine, and wait until the request runs.",
    held: "rows have come, and the request does not run yet",
  },
};

const HALVES = {
  prefill: {
    mode: "prefill",
    does: "computes prompts and the first tokens of answers",
    stays: "A prefill server is not restarted from its page: other servers count on its engine.",
  },
  decode: {
    mode: "decode",
    does: "computes what follows the prompts",
    stays: "A decode server is not restarted from its page: other servers count on its engine.",
  },
};

/** What a server does that has one half of each request; null if it has whole requests. */
export const halfOf = (engine) => HALVES[engine.mode] ?? null;

/** One sentence for a request that came into another queue. */
export function movedWords(who, queue) {
  const Who = who[0].toUpperCase() + who.slice(1);
  switch (queue) {
    case "bootstrap":
      return `${Who} waits here until the decode engine has pages for it.`;
    case "waiting":
      return `The decode engine has pages for ${who}: its prompt may be computed now.`;
    case "inflight":
      return `The prompt of ${who} is computed. Its pages stay until their rows are sent to the decode engine.`;
    case "prealloc":
      return `${Who} waits for pages. The prefill engine does not begin before it has them.`;
    case "transfer":
      return `${Who} gets pages for its prompt. The prefill engine computes the rows and fills them.`;
    case "arrived":
      return `The rows of ${who} are here, with the first token of its answer.`;
    case "running":
      return `${Who} runs here: its answer goes on, and no row of its prompt was computed in this engine.`;
    default:
      return `${Who} moves on: ${queue}.`;
  }
}
