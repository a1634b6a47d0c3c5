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
      const sums = run.run === this.history.run ? this.history.during(run.requests) : null;
      if (sums) {
        Object.assign(run, sums);
      } else if (run.run !== this.history.run) { // its engine is gone
        this.list = this.list.filter((other) => other !== run);
      }
    }
    return open.length > 0;
  }
}
