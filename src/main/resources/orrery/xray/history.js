/**
 * The events that the page has seen, and a playhead on them. Two states are kept: `front`, after
 * the newest event, and `view`, where the playhead stands. To go back, a copy of the state is taken
 * from the nearest checkpoint before that place, and the events from there on are applied again. So
 * what a past step shows is made by the same rules as what the live page shows.
 *
 * A position is a number of events, counted from the first one of this history. The playhead stands
 * only where the state is whole: behind a step, a keyframe, or an event that came between two steps.
 *
 * No DOM here, so tests run this file inside the JVM.
 */
import { apply, books, booksOf, clone, difference, empty } from "./state.js";

/** Events that come between two steps and leave the books as they were. */
const BETWEEN = new Set(["Submitted", "Paused", "Resumed", "Rejected", "Vocabulary"]);
/** Events behind which the books are whole. */
export const WHOLE = new Set(["StepDone", "Idle", "Keyframe"]);
/** Kinds of marks to which one jumps if one names none. */
const INTERESTING = new Set([
  "hit", "retracted", "rejectedDraft", "tombstone", "forked", "evicted", "flushed", "refused",
]);

export class History {
  /** Keeps about `most` events, and a checkpoint at least every `every` of them. */
  constructor({ every = 1000, most = Infinity } = {}) {
    this.every = every;
    this.most = most;
    this.feed = null; // the server whose events these are; null before its first message
    this.earlier = 0; // runs of the servers before it
    this.vocabulary = [];
    this.disagreement = null; // where the page's books differed from the engine's, in words
    this.lost = 0; // events that never came
    this.mode = "live"; // or "play", or "paused"
    this.speed = 12; // steps a second in mode "play"
    this.reset(0);
  }

  /** Forgets all, since another engine begins. */
  reset(run) {
    this.run = run;
    this.log = []; // the event at position p is log[p - first]
    this.first = 0; // position of the oldest event
    this.edge = 0; // the newest position at which the state is whole
    this.expected = -1; // the server's number of the next event; -1: any
    this.front = empty(run);
    this.front.vocabulary = this.vocabulary;
    this.applied = 0; // position of front, at most the edge
    this.view = clone(this.front);
    this.at = 0; // position of view
    this.checkpoints = []; // [{at, state}]
    this.ends = []; // [{step, at}] of the steps
    this.index = []; // [{kind, request, sequence, n, step, at, ...}] what one can jump to
    this.due = 0; // steps that are due in mode "play", a fraction
    this.mode = this.mode === "paused" ? "live" : this.mode; // there is no past to stand in
  }

  /** Takes a message of the server: {feed, from, run, lost, events}. */
  push(message) {
    if (message.feed !== this.feed) {
      this.serve(message);
    }
    if (message.events.length === 0) {
      return;
    }
    if (this.earlier + message.run !== this.run) {
      this.reset(this.earlier + message.run);
    }
    message.events.forEach((event, i) => this.take(event, message.from + i));
    if (message.lost > 0) {
      this.lost += message.lost;
    }
    this.settle();
  }

  /** Begins with a server. If it is not the first one, it has events, runs and words of its own. */
  serve(message) {
    if (this.feed !== null) {
      this.earlier = this.run + 1 - message.run;
      this.vocabulary = [];
      this.lost = 0;
      this.disagreement = null;
      this.reset(this.run + 1);
    }
    this.feed = message.feed;
  }

  take(event, number) {
    if (event.event === "Vocabulary") { // the server says it to each page, not in its place
      this.vocabulary = event.texts;
      for (const state of [this.front, this.view, ...this.checkpoints.map((c) => c.state)]) {
        state.vocabulary = event.texts;
      }
      return;
    }
    if (this.expected >= 0 && number < this.expected) {
      return; // the page has it: it connected again
    }
    if (this.expected >= 0 && number > this.expected) {
      this.log.push({ event: "Gap", nanos: 0 });
    }
    this.expected = number + 1;
    this.log.push(event);
    const end = this.first + this.log.length;
    if (WHOLE.has(event.event) || (this.edge === end - 1 && BETWEEN.has(event.event))) {
      this.edge = end;
    }
  }

  /** Brings `front` to the edge. */
  settle() {
    while (this.applied < this.edge) {
      const event = this.log[this.applied - this.first];
      if (event.event === "Keyframe" && this.front.whole) {
        const where = difference(books(this.front), booksOf(event));
        this.disagreement ??= where && `at step ${event.step}, ${where}`;
      }
      apply(this.front, event);
      this.applied++;
      if (event.event === "StepDone" && this.front.whole) {
        this.ends.push({ step: event.step, at: this.applied });
        for (const mark of this.front.steps.at(-1).marks) {
          this.index.push({ ...mark, step: event.step, at: this.applied });
        }
      }
      this.checkpoint(event);
    }
    this.drop();
    if (this.live()) {
      this.at = this.edge;
    }
  }

  checkpoint(event) {
    const newest = this.checkpoints.at(-1);
    const due = !newest || this.applied - newest.at >= this.every;
    if (this.front.whole && WHOLE.has(event.event) && due) {
      this.checkpoints.push({ at: this.applied, state: clone(this.front) });
    }
  }

  /** Drops the oldest events, up to a checkpoint. */
  drop() {
    while (this.log.length > this.most && this.checkpoints.length > 1) {
      this.checkpoints.shift();
      const oldest = this.checkpoints[0].at;
      this.log.splice(0, oldest - this.first);
      this.first = oldest;
      this.ends = this.ends.filter((end) => end.at >= oldest);
      this.index = this.index.filter((mark) => mark.at >= oldest);
    }
    if (!this.live() && this.checkpoints.length && this.at < this.checkpoints[0].at) {
      this.place(this.checkpoints[0].at);
    }
  }

  /** The state at the playhead. */
  get state() {
    return this.live() ? this.front : this.view;
  }

  /** The oldest and the newest step to which one can go, and where the playhead is. */
  get range() {
    return {
      first: this.checkpoints.length ? this.checkpoints[0].state.step : -1,
      last: this.front.step,
      step: this.state.step,
      events: this.log.length,
    };
  }

  /** Moves `view` to a position at which the state is whole. */
  place(position) {
    const from = this.checkpoints.findLast((c) => c.at <= position);
    if (!from) {
      return;
    }
    if (this.at > position || this.at < from.at || this.live()) {
      this.view = clone(from.state);
      this.at = from.at;
    }
    while (this.at < position) {
      apply(this.view, this.log[this.at - this.first]);
      this.at++;
    }
  }

  live() {
    return this.mode === "live";
  }

  /** Leaves the live edge; the playhead stands where it was, or at `position`. */
  stand(position = this.at) {
    this.place(position);
    this.mode = "paused";
  }

  /** Follows the newest events from now on. */
  goLive() {
    this.mode = "live";
    this.at = this.edge;
  }

  /** Plays on from the playhead, at so many steps a second, until it is at the newest step. */
  play(speed = this.speed) {
    this.speed = speed;
    this.stand();
    this.mode = "play";
    this.due = 0;
  }

  /** Lets time pass in mode "play". */
  tick(millis) {
    if (this.mode === "play") {
      this.due = Math.min(this.due + (millis / 1000) * this.speed, this.speed);
      for (; this.due >= 1; this.due--) {
        this.place(this.endAfter(this.at) ?? this.edge);
      }
    }
  }

  endAfter(position) {
    return this.ends[firstWhere(this.ends, (end) => end.at > position)]?.at;
  }

  /** Goes to the end of a step, or of the newest one before it; to the oldest state if none is. */
  seekStep(step) {
    const i = firstWhere(this.ends, (end) => end.step > step) - 1;
    this.stand(i >= 0 ? this.ends[i].at : (this.checkpoints[0]?.at ?? 0));
  }

  /** One step on; at the newest step, what came behind it. */
  next() {
    this.stand(this.endAfter(this.at) ?? this.edge);
  }

  /** One step back. */
  previous() {
    const i = firstWhere(this.ends, (end) => end.at >= this.at) - 1;
    this.stand(i >= 0 ? this.ends[i].at : (this.checkpoints[0]?.at ?? 0));
  }

  /** The oldest state. */
  home() {
    this.stand(this.checkpoints[0]?.at ?? 0);
  }

  /**
   * Goes to the step of the next thing of a kind (null: of any kind that one jumps to), or with
   * direction -1 of the one before. Returns the thing, or null if there is none; then the playhead
   * stays.
   */
  jump(kind, direction = 1) {
    const things = this.index.filter((m) => (kind ? m.kind === kind : INTERESTING.has(m.kind)));
    const thing = direction > 0
      ? things.find((mark) => mark.at > this.at)
      : things.findLast((mark) => mark.at < this.at);
    if (thing) {
      this.stand(thing.at);
    }
    return thing ?? null;
  }
}

/** The first index of a sorted list at which a condition holds; its length if nowhere. */
function firstWhere(list, holds) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
