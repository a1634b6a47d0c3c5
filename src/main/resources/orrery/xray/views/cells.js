// The cells of lanes: one for a lane and a step.

import { BETWEEN } from "./between.js";
import { attr, el } from "./dom.js";
import { count, duration, KINDS, nameOf, number, stopOf } from "./words.js";

/** One cell: what a sequence did in a step. One of a step ahead of the playhead is faint. */
export function laneCell(item, step, ahead = false) {
  const cell = el("i", { class: "cell", "data-step": step.step, "data-ahead": ahead });
  if (item.sequence === undefined) {
    attr(cell, "data-cell", step.step >= item.since ? "waiting" : "none");
    return cell;
  }
  attr(cell, "data-sequence", item.sequence);
  const row = step.rows.find((r) => r.sequence === item.sequence);
  const marks = step.marks.filter((m) => m.sequence === item.sequence);
  const has = (kind) => marks.some((m) => m.kind === kind);
  if (row) {
    attr(cell, "data-cell", row.prompt > 0 ? "prompt" : "decode");
    attr(cell, "data-rows", ahead ? null : row.prompt + row.decode + row.drafts);
    for (let i = 0; i < row.drafts; i++) {
      const kind = i < row.accepted ? "accepted" : i < row.judged ? "rejected" : "unjudged";
      cell.append(el("b", { class: "draft", "data-cell": kind }));
    }
  } else {
    const span = item.spans.findLast(
      (s) => s.from <= step.step && (s.to === null || step.step < s.to),
    );
    const stood = span?.state === "running" ? "idle" : span?.state;
    attr(cell, "data-cell", stood ?? "none");
    if (BETWEEN[stood]?.sign) {
      cell.append(el("em", {}, BETWEEN[stood].sign));
    }
  }
  for (const kind of ["hit", "forked", "retracted", "finished"]) {
    if (has(kind)) {
      cell.append(el("u", { "data-cell": kind, class: "sign" }));
    }
  }
  return cell;
}

/** The rows of a step as a column. */
export function rowsCell(step, most, ahead) {
  const cell = el("i", { class: "column", "data-step": step.step, "data-ahead": ahead });
  for (const [kind, n] of [
    ["draft", step.draftRows],
    ["decode", step.decodeRows],
    ["prompt", step.prefillRows],
    ["padding", step.paddingRows],
  ]) {
    if (n > 0) {
      cell.append(el("b", { "data-rows": kind, style: `height:${(100 * n) / most}%` }));
    }
  }
  return cell;
}

/** The sign of the check that stopped admission. */
export function stopCell(step, ahead) {
  const stop = stopOf(step);
  return el(
    "i",
    {
      class: "stop",
      "data-step": step.step,
      "data-stop": step.stop,
      "data-ahead": ahead,
      title: stop.title,
    },
    stop.sign,
  );
}

/** What the mover did: ↑ loaded parts from host memory, ↓ stored some there. */
export function moverCell({ step, moved }, ahead) {
  const sign = moved.loaded ? (moved.stored ? "⇅" : "↑") : moved.stored ? "↓" : "";
  return el(
    "i",
    { class: "mover", "data-step": step, "data-moved": sign, "data-ahead": ahead },
    sign,
  );
}

/** The number of a step, at each fifth. */
export function stepCell(step, ahead) {
  return el(
    "i",
    { class: "tick", "data-step": step.step, "data-ahead": ahead },
    step.step % 5 === 0 ? el("span", {}, number(step.step)) : "",
  );
}

/** What became of the drafts of a step. */
function judgement({ drafts, judged, accepted }) {
  const behind = drafts - judged;
  const rest =
    behind > 0
      ? `, ${behind} not judged, since ${behind === 1 ? "it stands" : "they stand"} behind a wrong one`
      : "";
  return `${accepted} accepted, ${judged - accepted} rejected${rest}`;
}

/** What the mover did in words. */
function movedWords({ stored, notStored, loaded, waited }) {
  const gone = notStored ? ` ${count(notStored, "part")} could not be stored.` : "";
  const came = loaded
    ? `${count(loaded, "part")} loaded from host memory; the step waited ${duration(waited)} for them`
    : "nothing loaded from host memory";
  return `${came}, ${count(stored, "part")} stored there.${gone}`;
}

/** A cell in words. */
export function describe(state, cell) {
  const step = state.steps.find((s) => s.step === Number(cell.dataset.step));
  if (!step) {
    return "";
  }
  const at = `Step ${number(step.step)}`;
  if (cell.classList.contains("stop")) {
    const stop = stopOf(step);
    return `${at}: admission was stopped by “${stop.title}”. ${stop.means}`;
  }
  if (cell.classList.contains("mover")) {
    return `${at}: ${movedWords(step.moved)}`;
  }
  if (!cell.classList.contains("cell")) {
    return `${at}: ${count(step.prefillRows, "prompt row")}, ${count(step.decodeRows, "decode row")}, ${count(step.draftRows, "draft row")}.`;
  }
  const lane = cell.closest("[data-lane]");
  const sequence = lane.dataset.sequence;
  const who = sequence === undefined ? `request ${lane.dataset.rq}` : nameOf(state, sequence);
  const row = step.rows.find((r) => r.sequence === Number(sequence));
  const marks = step.marks.filter((m) => m.sequence === Number(sequence) && sequence !== undefined);
  const signs = marks
    .filter((m) => ["hit", "retracted", "finished", "forked"].includes(m.kind))
    .map(
      (m) =>
        `${KINDS[m.kind].title}${m.kind === "finished" ? ` (${m.reason})` : m.n ? ` of ${count(m.n, "token")}` : ""}`,
    );
  const did = !row
    ? ({ waiting: "waited", idle: "ran, but had no row", none: "was not there" }[
        cell.dataset.cell
      ] ??
      BETWEEN[cell.dataset.cell]?.did ??
      "was retracted")
    : row.prompt > 0
      ? `computed ${count(row.prompt, "prompt row")}, tokens ${row.from} to ${row.from + row.prompt - 1}`
      : row.drafts > 0
        ? `computed its newest token and ${count(row.drafts, "draft")}: ${judgement(row)}`
        : "computed its newest token";
  return `${at}: ${who} ${did}.${signs.length ? ` Here: ${signs.join(", ")}.` : ""}`;
}
