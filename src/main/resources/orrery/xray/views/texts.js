// The texts as they come: each token with its origin, its log-probability, and what was guessed.

import { BETWEEN } from "./between.js";
import { dress } from "./colours.js";
import { attr, el, keyed, text } from "./dom.js";
import { points } from "./shell.js";
import { explain, tokenNode } from "./tokens.js";
import { count, label, nameOf, ORIGINS, textOf } from "./words.js";

const MOST = 12; // texts that are drawn

/** Draws the texts into `root`. A click on a token puts the playhead at its step. */
export function textsView(root, ui) {
  const cards = el("div", { class: "cards" });
  const more = el("p", { class: "rest" });
  const detail = el("div", {
    class: "detail token-detail",
    "data-detail": "token",
    "aria-live": "polite",
  });
  root.append(legend(), cards, more, detail);
  let now = null;
  let current = null;
  const point = (node) => {
    current?.classList.remove("current");
    current = node;
    current?.classList.add("current");
    attr(detail, "data-pointed", node ? "" : null);
    detail.replaceChildren(
      ...(node && now
        ? explain(now, node)
        : [
            el(
              "p",
              {},
              "Point at a token, or focus a text and use the arrow keys: log-probability, alternatives, and drafts that were wrong.",
            ),
          ]),
    );
  };
  point(null);
  cards.addEventListener("pointerover", (e) => {
    const token = e.target.closest("[data-token]");
    if (token && points()) {
      point(token);
    }
  });
  const go = (token) => {
    if (token && Number(token.dataset.step) >= 0) {
      ui.act(() => ui.actions.seek(Number(token.dataset.step)));
    }
  };
  cards.addEventListener("click", (e) => go(e.target.closest("[data-token]")));
  ui.tellOf.texts = (sequence, step) => {
    const own = `[data-sequence="${sequence}"] .token[data-step="${step}"]`;
    const token = cards.querySelector(`${own}:has(.rejected)`) ?? cards.querySelector(own);
    point(token);
    const answer = token?.closest(".answer");
    const topOf = (node) => node.getBoundingClientRect().top;
    answer?.scrollTo({ top: answer.scrollTop + topOf(token) - topOf(answer) - 24 });
    return [];
  };
  cards.addEventListener("keydown", (e) => {
    const way = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[e.key];
    const card = e.target.closest(".answer");
    if (e.key === "Enter" && current && card?.contains(current)) {
      go(current);
    } else if (way && card) {
      e.preventDefault();
      e.stopPropagation();
      const next =
        current && card.contains(current)
          ? current[way]
          : card.querySelector("[data-token]:last-of-type");
      if (next?.dataset.token !== undefined) {
        point(next);
      }
    }
  });
  return (state) => {
    now = state;
    const all = Object.values(state.sequences);
    const shown = pick(all);
    keyed(
      cards,
      shown,
      (s) => `${state.run}/${s.sequence}`,
      (s) => card(state, s),
      (node, s) => node.draw(state, s),
    );
    const waiting = Object.values(state.requests).filter((r) => r.sequences.length === 0).length;
    const rest = [
      all.length > shown.length ? count(all.length - shown.length, "older text") : "",
      waiting
        ? `${count(waiting, "request")} that waits to start`.replace(/s that waits/, "s that wait")
        : "",
    ].filter(Boolean);
    text(
      more,
      all.length + waiting === 0
        ? `No request yet.${ui.isLive() ? " Start a load, or type a prompt." : ""}`
        : rest.length
          ? `… and ${rest.join(", and ")}`
          : "",
    );
    if (current && !current.isConnected) {
      point(null);
    }
  };
}

function legend() {
  const item = (origin) =>
    el(
      "li",
      { title: ORIGINS[origin].means },
      el(
        "span",
        { class: "token", "data-origin": origin },
        origin === "PLAIN" ? "token" : ORIGINS[origin].title,
      ),
    );
  return el(
    "ul",
    { class: "legend", "aria-label": "Legend" },
    item("PLAIN"),
    item("ACCEPTED"),
    el("li", {}, el("s", { class: "rejected" }, "wrong draft")),
    item("RECOVERED"),
    item("BONUS"),
  );
}

/** Running texts first, then those that ended last. */
function pick(all) {
  const ended = (s) => (s.state === "finished" ? 1 : 0);
  const best = all
    .toSorted(
      (a, b) => ended(a) - ended(b) || (ended(a) ? b.endStep - a.endStep : a.sequence - b.sequence),
    )
    .slice(0, MOST);
  return best.sort((a, b) => a.sequence - b.sequence);
}

/** One text. Tokens are only added; if the playhead goes back, the last ones are taken away. */
function card(state, first) {
  const { request } = first;
  const status = el("span", { class: "status" });
  const prompt = el("span", { class: "prompt" });
  const tokens = el("span", { class: "tokens" });
  const tail = el("span", { class: "tail" });
  const body = el(
    "div",
    { class: "answer", tabindex: "0", "aria-label": `Text of ${nameOf(state, first.sequence)}` },
    el("div", {}, prompt, tokens, tail),
  );
  const node = el(
    "article",
    {
      class: "text-card",
      style: dress(request),
      "data-rq": request,
      "data-sequence": first.sequence,
    },
    el("header", {}, el("span", { class: "chip" }, label(state, first.sequence)), status),
    body,
  );
  const asked = state.requests[request];
  text(prompt, asked ? shorten(textOf(state, asked.prompt)) : "");
  const made = []; // what each drawn token looks like
  node.draw = (now, s) => {
    attr(node, "data-state", s.state);
    text(status, statusOf(now, s));
    while (
      made.length > s.tokens.length ||
      (made.length && made.at(-1) !== lookOf(s.tokens[made.length - 1]))
    ) {
      made.pop();
      tokens.lastChild.remove();
    }
    for (let i = made.length; i < s.tokens.length; i++) {
      tokens.append(tokenNode(now, s.tokens[i], i));
      made.push(lookOf(s.tokens[i]));
    }
    text(tail, s.state === "finished" ? (s.tail ?? "") : "");
  };
  return node;
}

const lookOf = (token) => `${token.token} ${token.step} ${token.rejected.length}`;

const shorten = (words) =>
  words.length > 240 ? `${words.slice(0, 60)} … ${words.slice(-160)}` : words;

function statusOf(state, s) {
  const again = s.retractions
    ? `, retracted ${s.retractions === 1 ? "once" : `${s.retractions} times`}`
    : "";
  const hit = s.hit ? `, ${count(s.hit, "token")} from the cache` : "";
  switch (s.state) {
    case "finished":
      return `${s.reason === "handed over" ? s.reason : `ended (${s.reason})`} after ${count(s.tokens.length, "token")}${again}`;
    case "retracted":
      return `waits again, its pages are gone; ${count(s.tokens.length, "token")} so far`;
    case "running":
      return s.tokens.length
        ? `${count(s.tokens.length, "token")}${hit}${again}`
        : `reads its prompt${hit}`;
    default:
      return BETWEEN[s.state]?.title ?? "waits";
  }
}
