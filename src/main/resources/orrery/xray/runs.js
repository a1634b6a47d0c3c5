import { count, zero } from "./counters.js";
import { WHOLE } from "./history.js";

const KEY = "orrery.runs";
const KEPT = 8; // runs that a browser's tab remembers when the page is loaded again

/** The loads that this page has started, to stand side by side. */
export class Runs {
  /**
   * @param memory where runs that are done outlive the page: the browser's sessionStorage
   */
  constructor(history, memory) {
    this.history = history;
    this.memory = memory;
    this.names = {};
    // [{load, title, seed, flags, cached (blocks at its start), run, requests, done, cut (whether
    // another engine took its engine's place), ...}] oldest first
    this.list = JSON.parse(memory.getItem(KEY) ?? "[]");
  }

  /** Takes the titles of the loads: [{name, title}]. */
  titles(loads) {
    this.names = Object.fromEntries(loads.map((load) => [load.name, load.title]));
  }

  /** Takes note that a load was started: {load, seed, flags, cached, requests}. */
  begin(run) {
    const title = this.names[run.load] ?? run.load;
    this.list.push({ ...run, title, run: this.history.run, done: false, cut: false });
  }

  /** Looks what became of the loads that go on; returns whether something changed. */
  look() {
    const open = this.list.filter((run) => !run.done);
    for (const run of open) {
      const sums = run.run === this.history.run ? during(this.history.log, run.requests) : null;
      if (sums) {
        Object.assign(run, sums);
      } else if (run.run !== this.history.run || run.steps) { // its engine is gone, or its beginning
        run.cut = run.done = true;
        this.list = this.list.filter((other) => other !== run || run.steps > 0);
      }
    }
    if (open.some((run) => run.done)) {
      this.memory.setItem(KEY, JSON.stringify(this.list.filter((run) => run.done).slice(-KEPT)));
    }
    return open.length > 0;
  }
}

/**
 * What happened from the arrival of some requests until the last one of them ended, or until now:
 * {done, wallNanos, firstTokenNanos (mean), peakPages (most pages of the first pool that
 * sequences held after a step), texts (the answers' tokens), and the counters}. Null if their arrival is not in the log.
 */
export function during(log, requests) {
  const answers = new Map(requests.map((request) => [request, -1])); // to come; -1: unknown
  const waits = new Map(); // request: nanoseconds to its first token
  const sums = zero();
  const arrivals = new Map();
  const texts = {}; // tokens by place of the request and sequence
  let [begin, end, peakPages, done] = [-1, 0, 0, false];
  for (let i = 0; i < log.length && !done; i++) {
    const e = log[i];
    if (e.event === "Submitted" && answers.has(e.request)) {
      begin = begin < 0 ? e.nanos : begin;
      answers.set(e.request, e.choices);
      arrivals.set(e.request, e.nanos);
    }
    if (begin >= 0) {
      count(sums, e);
      if (e.event === "TokenOut" && answers.has(e.request)) {
        const text = `${requests.indexOf(e.request)}/${String(e.sequence).padStart(9, "0")}`;
        (texts[text] ??= []).push(e.token);
      }
      if (e.event === "TokenOut" && arrivals.has(e.request) && !waits.has(e.request)) {
        waits.set(e.request, e.nanos - arrivals.get(e.request));
      } else if (e.event === "Finished" && answers.has(e.request)) {
        answers.set(e.request, answers.get(e.request) - 1);
        end = e.nanos;
      } else if (e.event === "StepDone") {
        peakPages = Math.max(peakPages, e.pools[0].referenced);
      }
      done = WHOLE.has(e.event) && [...answers.values()].every((n) => n === 0);
    }
  }
  const all = [...waits.values()];
  const firstTokenNanos = all.length ? all.reduce((a, b) => a + b) / all.length : 0;
  return begin < 0 ? null
    : {
      done, wallNanos: Math.max(0, end - begin), firstTokenNanos, peakPages, texts: joined(texts),
      ...sums,
    };
}

/** The answers' tokens as one text: the same for the same answers, whatever the requests' numbers. */
function joined(texts) {
  const place = (key) => Number(key.split("/")[0]);
  const keys = Object.keys(texts).sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  return keys.map((key) => `${place(key)}:${texts[key]}`).join(";");
}
