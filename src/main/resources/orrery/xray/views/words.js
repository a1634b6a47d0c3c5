// What the page says: numbers, tokens and events in words. Nothing here is computed by a model.

import { movedWords } from "./between.js";

const whole = new Intl.NumberFormat("en");

/** A whole number with separators of thousands. */
export const number = (n) => whole.format(n);

/** "1 page", "2 pages". */
export const count = (n, thing, things = thing + "s") => `${number(n)} ${n === 1 ? thing : things}`;

/** "a", "a and b", "a, b and c". */
export const listed = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/** A share in per cent, or a dash if there is nothing to share. */
export const percent = (part, all) => (all > 0 ? `${Math.round((100 * part) / all)} %` : "–");

/** A time in the unit that suits it. */
export function duration(nanos) {
  if (nanos < 1e5) {
    return `${Math.round(nanos / 1e3)} µs`;
  }
  const digits = (value) => (value < 10 ? 2 : value < 100 ? 1 : 0);
  const millis = nanos / 1e6;
  return millis < 1e3
    ? `${millis.toFixed(digits(millis))} ms`
    : `${(millis / 1e3).toFixed(digits(millis / 1e3))} s`;
}

/** The text of a token id, as the model's vocabulary has it. */
export const tokenText = (state, token) => state.vocabulary[token] ?? ` #${token}`;

/** The texts of some token ids, one behind the other. */
export const textOf = (state, tokens) => tokens.map((t) => tokenText(state, t)).join("");

/** A text on one line: line ends and tabs get a sign. */
export const oneLine = (words) => words.replaceAll("\n", "↵").replaceAll("\t", "⇥");

/** A text between quotes: spaces at its ends, which would not be seen, get a sign, too. */
export const visible = (words) => oneLine(words).replace(/^ | $/g, "␣");

/** A text without spaces at its ends, unless it has nothing else. */
export const trimmed = (words) => oneLine(words).trim() || visible(words);

/** "request 3"; of a request with several answers also which one. */
export function nameOf(state, sequence, request = -1) {
  const s = state.sequences[sequence];
  if (!s) {
    return request < 0 ? `sequence ${sequence}` : `request ${request}`; // long past, and forgotten
  }
  const several = (state.requests[s.request]?.choices ?? 1) > 1;
  return several ? `request ${s.request}, answer ${(s.choice ?? 0) + 1}` : `request ${s.request}`;
}

/** Several sequences: "requests 4, 5 and 6", or each with its answer. */
export function namesOf(state, sequences) {
  const names = sequences.map((s) => nameOf(state, s));
  const plain = names.length > 1 && names.every((name) => /^request \d+$/.test(name));
  return plain ? `requests ${listed(names.map((name) => name.slice(8)))}` : listed(names);
}

/** The short name of a sequence: its request's number; with several answers also a letter. */
export function label(state, sequence) {
  const { request, choice } = state.sequences[sequence];
  const several = (state.requests[request]?.choices ?? 1) > 1;
  return several ? `${request}${String.fromCharCode(97 + (choice % 26))}` : `${request}`;
}

/** What it means that a check ended the admission of waiting requests. */
export const STOPS = {
  NOTHING_WAITS: {
    sign: "",
    title: "nothing waits",
    means: "Every request runs. No request had to be left out of this step.",
  },
  MAX_RUNNING: {
    sign: "M",
    title: "most that may run",
    means:
      "As many sequences run as --max-running-requests allows. The next one starts when one ends.",
  },
  NO_PAGES: {
    sign: "P",
    title: "pages are short",
    means: "The free pages would not suffice for the next request, so it waits for others to end.",
  },
  CHUNK_FULL: {
    sign: "C",
    title: "the chunk is full",
    means:
      "This step has as many prompt rows as it may have. The rest of the prompts waits for the next step, so that running answers go on.",
  },
  SHARED_PREFIX: {
    sign: "S",
    title: "shared prefix",
    means:
      "The next request begins like a prompt that is being computed now. It waits a step, and then reads those pages instead of computing them again.",
  },
  BATCH: {
    sign: "B",
    title: "the batch decides",
    means:
      "A static batch starts when it is full, and lets no request in until all its answers have ended.",
  },
  DECODE_FIRST: {
    sign: "D",
    title: "decoding first",
    means:
      "The step gave up pages of a running request, or the policy lets running answers go first. So no new request was let in.",
  },
};

/** The check of a step, also if this page does not know it. */
export const stopOf = (step) =>
  STOPS[step.stop] ?? { sign: "?", title: step.stop.toLowerCase().replaceAll("_", " "), means: "" };

/** How a token came about. */
export const ORIGINS = {
  PLAIN: { title: "plain", means: "No token had been guessed at this position." },
  ACCEPTED: {
    title: "accepted draft",
    means: "It had been guessed, and the model gave the same token.",
  },
  RECOVERED: {
    title: "in place of a wrong draft",
    means: "Another token had been guessed. The model gave this one.",
  },
  BONUS: {
    title: "bonus",
    means: "All drafts before it were right, so the model gave this one on top.",
  },
};

/** The kinds of events that one can jump to: a sign, a name, and what it means. */
export const KINDS = {
  submitted: { sign: "+", title: "came in" },
  admitted: { sign: "▸", title: "started" },
  hit: { sign: "▲", title: "prefix hit", jump: true },
  hostHit: { sign: "△", title: "hit in host memory" },
  prefetching: { sign: "▿", title: "waits for files" },
  prefetched: { sign: "▵", title: "waits no longer" },
  forked: { sign: "Y", title: "fork", jump: true },
  handover: { sign: "⇄", title: "hand-over", jump: true },
  retracted: { sign: "✖", title: "retraction", jump: true },
  rejectedDraft: { sign: "╱", title: "rejected draft", jump: true },
  tombstone: { sign: "†", title: "tombstone", jump: true },
  evicted: { sign: "▽", title: "eviction", jump: true },
  finished: { sign: "■", title: "answer ended", jump: true },
  inserted: { sign: "●", title: "pages kept" },
  flushed: { sign: "○", title: "flush", jump: true },
  refused: { sign: "!", title: "refusal", jump: true },
};

/** Why an answer ended, as the end of a sentence. */
const REASONS = {
  stop: ", by its own end",
  length: ", the most it might have",
  abort: ": it was cancelled",
  error: ", with an error",
  "handed over": ": the decode engine has its rows and goes on",
};

const USUAL = 35; // the priority of a page of which no request has said anything

/** With which priorities blocks are kept, the highest first; empty if no request has given one. */
export function retentionOf(blocks) {
  const counts = new Map();
  for (const { priority } of blocks.toSorted((a, b) => b.priority - a.priority)) {
    counts.set(priority, (counts.get(priority) ?? 0) + 1);
  }
  if ([...counts.keys()].every((priority) => priority === USUAL)) {
    return "";
  }
  return counts.size === 1
    ? `priority ${[...counts.keys()][0]}`
    : listed([...counts].map(([priority, n]) => `${number(n)} of priority ${priority}`));
}

/** Which priorities the evicted pages had, if a request has given one. */
function priorities(by) {
  return by.some(({ priority }) => priority !== USUAL)
    ? `: ${listed(by.map(({ priority, pages }) => `${number(pages)} of priority ${priority}`))}`
    : "";
}

/** One sentence for one event of a step. */
export function sentence(state, mark) {
  const who = mark.sequence < 0 ? `request ${mark.request}` : nameOf(state, mark.sequence, mark.request);
  const Who = who[0].toUpperCase() + who.slice(1);
  const n = mark.n ?? 0;
  switch (mark.kind) {
    case "submitted":
      return n > 1 ? `${Who} came in. It asks for ${n} answers.` : `${Who} came in.`;
    case "admitted":
      return n > 0 ? `${Who} starts again.` : `${Who} starts.`;
    case "hit":
      return state.sequences[mark.sequence]?.retractions > 0
        ? `${Who} finds ${count(n, "token")} in pages that the prefix cache still has, and does not compute them again.`
        : `${Who} reads ${count(n, "token")} from pages that are already there, and does not compute them.`;
    case "hostHit":
      return `Pages of ${count(n, "token")} of that are copied back from host memory.`;
    case "prefetching":
      return `${Who} waits for ${count(n, "token")} that files have; others pass it.`;
    case "prefetched":
      return `${Who} waits for files no longer; they made its prefix longer by ${count(n, "token")}.`;
    case "forked":
      return `${Who} starts on the pages of its sibling: ${count(n, "token")} of the prompt are shared.`;
    case "handover":
      return movedWords(who, mark.queue);
    case "retracted":
      return `${Who} gives its pages back, since memory is short. ${count(n, "computed token")} will be computed again, unless the prefix cache still has them.`;
    case "rejectedDraft":
      return `${count(n, "draft")} of ${who} ${n === 1 ? "was" : "were"} wrong.`;
    case "tombstone":
      return `Block ${n} lost pages that a hit would need. It stays in the tree as a tombstone.`;
    case "evicted":
      return `The prefix cache gave up ${count(n, "page")}${state.pools.length > 1 ? ` of pool “${mark.pool}”` : ""}${priorities(mark.by)}.`;
    case "finished":
      return `${Who} ended after ${count(n, "token")}${REASONS[mark.reason] ?? ""}.`;
    case "inserted":
      return `${count(n, "token")} of ${who} entered the prefix cache.`;
    case "flushed":
      return `The prefix cache was emptied: ${count(n, "block")} left.`;
    case "refused":
      return `A request was refused when it came in: ${mark.why}`;
    default:
      return mark.kind;
  }
}
