import { count, zero } from "./counters.js";
import { WHOLE } from "./history.js";

/** The loads that this page has started, to stand side by side. */
export class Runs {
  constructor(history) {
    this.history = history;
    this.list = []; // [{load, title, flags, run, requests, done, ...}] oldest first
    this.names = {};
  }

  /** Takes the titles of the loads: [{name, title}]. */
  titles(loads) {
    this.names = Object.fromEntries(loads.map((load) => [load.name, load.title]));
  }

  /** Takes note that a load was started with these requests. */
  begin(load, flags, requests) {
    const title = this.names[load] ?? load;
    this.list.push({ load, title, flags, run: this.history.run, requests, done: false });
  }

  /** Looks what became of the loads that go on; returns whether something changed. */
  look() {
    const open = this.list.filter((run) => !run.done);
    for (const run of open) {
      const sums = run.run === this.history.run ? during(this.history.log, run.requests) : null;
      if (sums) {
        Object.assign(run, sums);
      } else if (run.run !== this.history.run || run.steps) { // its engine is gone, or its beginning
        this.list = this.list.filter((other) => other !== run);
      }
    }
    return open.length > 0;
  }
}

/**
 * What happened from the arrival of some requests until the last one of them ended, or until now:
 * {done, wallNanos, firstTokenNanos (mean), peakPages (most pages of the first pool that
 * sequences held after a step), and the counters}. Null if their arrival is not in the log.
 */
export function during(log, requests) {
  const answers = new Map(requests.map((request) => [request, -1])); // to come; -1: unknown
  const waits = new Map(); // request: nanoseconds to its first token
  const sums = zero();
  const arrivals = new Map();
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
    : { done, wallNanos: Math.max(0, end - begin), firstTokenNanos, peakPages, ...sums };
}
