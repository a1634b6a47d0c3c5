// One token of a text: how it is drawn, and what is told about it.

import { el } from "./dom.js";
import { nameOf, number, ORIGINS, tokenText, trimmed, visible } from "./words.js";

/** A token as an element; a wrong draft in whose place it came stands before it. */
export function tokenNode(state, token, index) {
  const node = el("span", {
    class: "token",
    "data-token": token.token,
    "data-index": index,
    "data-origin": token.origin ?? "PLAIN",
    "data-step": token.step,
  });
  if (token.rejected.length) {
    node.append(
      el(
        "s",
        { class: "rejected", "data-rejected": token.rejected[0] },
        trimmed(tokenText(state, token.rejected[0])),
      ),
    );
  }
  node.append(token.text);
  return node;
}

/** A token in words: what it is, how it came, how probable it was, and what else was likely. */
export function explain(state, node) {
  const card = node.closest("[data-sequence]");
  const s = state.sequences[card.dataset.sequence];
  const token = s?.tokens[Number(node.dataset.index)];
  if (!token) {
    return [];
  }
  const origin = ORIGINS[token.origin];
  const lines = [
    el(
      "p",
      {},
      el("b", { class: "quoted" }, visible(token.text || tokenText(state, token.token))),
      ` token ${number(token.token)} of ${nameOf(state, s.sequence)}, from step ${token.step < 0 ? "before this page watched" : number(token.step)}`,
    ),
    el(
      "p",
      {},
      origin
        ? `${origin.title[0].toUpperCase()}${origin.title.slice(1)}. ${origin.means}`
        : "This page did not see how it came.",
    ),
  ];
  if (token.rejected.length) {
    lines.push(
      el(
        "p",
        {},
        "Wrong: ",
        el("s", { class: "rejected" }, visible(tokenText(state, token.rejected[0]))),
        token.rejected.length > 1
          ? ` and the ${token.rejected.length === 2 ? "draft" : `${token.rejected.length - 1} drafts`} behind it, which were guessed to follow it`
          : "",
      ),
    );
  }
  lines.push(
    token.logprob === null
      ? el("p", { class: "dim" }, "Its request did not ask for log-probabilities.")
      : el(
          "p",
          {},
          `Log-probability ${token.logprob.toFixed(3)}: the model gave it ${chance(token.logprob)}.`,
        ),
  );
  if (token.top.length) {
    lines.push(
      el(
        "ul",
        { class: "alternatives" },
        ...token.top.map((t) =>
          el(
            "li",
            { "data-chosen": t.token === token.token },
            el("span", { class: "quoted" }, visible(t.text || tokenText(state, t.token))),
            el("i", { style: `--share:${Math.exp(t.logprob)}` }),
            el("span", {}, chance(t.logprob)),
          ),
        ),
      ),
    );
  }
  return lines;
}

function chance(logprob) {
  const share = 100 * Math.exp(logprob);
  return `${share >= 10 ? share.toFixed(0) : share >= 0.1 ? share.toFixed(1) : "< 0.1"} %`;
}
