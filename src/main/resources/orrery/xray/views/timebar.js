// The bar at the bottom: where the playhead stands and how to move it, and the engine's own brake.

import { attr, el, text } from "./dom.js";
import { count, KINDS, number } from "./words.js";

const SPEEDS = [
  [0, "as it comes"],
  [40, "40 steps a second"],
  [12, "12 steps a second"],
  [4, "4 steps a second"],
  [1, "1 step a second"],
];

/** Kinds that are drawn on the bar, the most telling first: one place shows one of them. */
const SHOWN = ["retracted", "tombstone", "hit", "forked", "flushed", "rejectedDraft", "finished"];

/** Draws the bar into `root`. */
export function timebarView(root, ui) {
  const { actions } = ui;
  const button = (name, sign, label, keys, run) =>
    el(
      "button",
      {
        type: "button",
        "data-action": name,
        title: keys ? `${label} (${keys})` : label,
        "aria-label": label,
        onclick: () => ui.act(run),
      },
      sign,
    );
  const prev = button("prev", "◂", "One step back", "←", () => actions.prev());
  const next = button("next", "▸", "One step on", "→", () => actions.next());
  const play = button("play", "", "Play", "", () => actions.halt());
  const pause = button("pause", "", "Pause the engine", "", () => press());
  const step = button("step", "compute a step", "Let the paused engine compute one step", "", () =>
    actions.step(1),
  );
  const engine = el("span", { class: "brake live-only", role: "group", "aria-label": "Engine" }, pause, step);
  const live = button("live", "live", "Follow the engine", "L", () => actions.live());
  const kind = el(
    "select",
    { "data-action": "kind", "aria-label": "Kind of event to jump to" },
    el("option", { value: "" }, "any event"),
    ...Object.entries(KINDS)
      .filter(([, k]) => k.jump)
      .map(([key, k]) => el("option", { value: key }, `${k.sign} ${k.title}`)),
  );
  const back = button("jump-back", "⇤", "Jump to the event before", "[", () =>
    actions.jump(kind.value || null, -1),
  );
  const on = button("jump-on", "⇥", "Jump to the next event", "]", () =>
    actions.jump(kind.value || null, 1),
  );
  const speed = el(
    "select",
    {
      "data-action": "speed",
      "aria-label": "Speed of the playhead",
      onchange: () => choose(Number(speed.value)),
    },
    ...SPEEDS.map(([value, label]) => el("option", { value }, label)),
  );
  const choose = (pace) => {
    ui.pace = pace;
    ui.act(() => actions.speed(pace));
  };
  const slider = el("input", {
    type: "range",
    min: "0",
    max: "0",
    value: "0",
    "data-action": "seek",
    "aria-label": "Step",
    oninput: () => ui.act(() => actions.seek(Number(slider.value))),
  });
  const track = el("canvas", { class: "track", "aria-hidden": "true" });
  const where = el("span", { class: "where", "aria-live": "off" });
  const mode = el("span", { class: "mode" });
  root.append(
    el("div", { class: "scrub" }, track, slider),
    el(
      "div",
      { class: "buttons" },
      engine,
      prev,
      play,
      next,
      live,
      el("span", { class: "place" }, where, mode),
      el("span", { class: "jumps" }, back, kind, on),
      speed,
    ),
  );
  let press = null;
  let drawn = "";
  let width = 0;
  const redraw = (time) => {
    const key = `${time.first} ${time.last} ${time.step} ${time.marks.length} ${width} ${kind.value} ${document.documentElement.dataset.theme}`;
    if (key !== drawn) {
      drawn = key;
      paint(track, width, time, kind.value, tone);
    }
  };
  new ResizeObserver(([entry]) => {
    width = entry.contentRect.width;
    redraw(latest);
  }).observe(track);
  let latest = { first: -1, last: -1, step: -1, marks: [] };
  kind.addEventListener("change", () => redraw(latest));
  const tones = new Map(); // colour of each kind's sign; reading it makes the browser compute styles
  const tone = (kind) => {
    if (!tones.has(kind)) {
      const style = getComputedStyle(document.documentElement);
      tones.set(kind, style.getPropertyValue(`--mark-${kind}`));
    }
    return tones.get(kind);
  };
  ui.onTheme(() => {
    tones.clear();
    redraw(latest);
  });
  return (state, time) => {
    latest = time;
    const paused = time.enginePaused;
    const atEnd = !ui.isLive() && time.step >= time.last;
    const brakes = ui.isLive() && time.mode === "live"; // what the space bar does: see keys.js
    press = paused ? actions.resume : actions.pause;
    name(pause, paused ? "let it go on" : "pause engine", paused
      ? "Let the engine go on" : "Pause the engine between two steps", brakes);
    step.hidden = !paused;
    const stands = time.mode === "paused" || atEnd;
    name(play, stands ? "play" : "stop", !stands
      ? "Stop the picture; the engine goes on" : atEnd ? "Play from the beginning" : "Play on from here", !brakes);
    text(live, ui.isLive() ? "live" : "end");
    attr(live, "aria-pressed", time.mode === "live");
    attr(slider, "min", Math.max(0, time.first));
    attr(slider, "max", Math.max(0, time.last));
    if (Number(slider.value) !== Math.max(0, time.step)) {
      slider.value = Math.max(0, time.step);
    }
    slider.disabled = time.last < 0;
    attr(slider, "aria-valuetext", `step ${time.step} of ${time.last}`);
    if (document.activeElement !== speed) {
      speed.value = time.mode === "live" ? 0 : time.speed;
    }
    const behind = time.last - time.step;
    text(
      where,
      time.last < 0
        ? "no step yet"
        : time.step < 0
          ? `before the first of ${number(time.last + 1)} steps`
          : `step ${number(time.step)}${behind > 0 ? ` of ${number(time.last)}` : ""}`,
    );
    text(mode, words(time, ui.isLive(), behind));
    attr(root, "data-mode", time.mode);
    attr(root, "data-paused", paused ? "" : null);
    redraw(time);
  };
}

/** Names a button; the title also says if the space bar presses it. */
function name(button, label, means, space) {
  text(button, label);
  attr(button, "aria-label", means);
  attr(button, "title", space ? `${means} (space)` : means);
}

function words(time, isLive, behind) {
  if (!isLive) {
    return behind === 0 ? "the end of the recording" : time.mode === "play" ? "plays" : "stopped";
  }
  if (time.connection !== "open") {
    return time.connection === "connecting" ? "connecting" : "no connection";
  }
  const picture =
    time.mode === "live"
      ? "live"
      : time.mode === "play"
        ? behind > 0
          ? `replays, ${count(behind, "step")} behind`
          : "up to date"
        : behind > 0
          ? `the past, ${count(behind, "step")} behind`
          : "stopped";
  return !time.enginePaused ? picture : behind > 0 ? `${picture}; engine paused` : "engine paused";
}

/** The track: a line of all steps, and above it a sign where something happened. */
function paint(canvas, width, time, kind, tone) {
  const height = 16;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const draw = canvas.getContext("2d");
  draw.scale(ratio, ratio);
  const inset = 8; // half a thumb, as the slider has it
  const at = (step) =>
    inset + ((step - time.first) / Math.max(1, time.last - time.first)) * (width - 2 * inset);
  if (time.last < 0) {
    return;
  }
  draw.textAlign = "center";
  draw.textBaseline = "middle";
  draw.font = "13px system-ui, sans-serif";
  const taken = new Map(); // column of 9 pixels: rank of the kind that it shows
  const rank = (mark) => (kind ? (mark.kind === kind ? 0 : -1) : SHOWN.indexOf(mark.kind));
  for (const mark of time.marks) {
    const r = rank(mark);
    const column = Math.round(at(mark.step) / 9);
    if (r >= 0 && mark.step >= time.first && r < (taken.get(column)?.r ?? 99)) {
      taken.set(column, { r, mark });
    }
  }
  for (const { mark } of taken.values()) {
    draw.fillStyle = tone(mark.kind);
    draw.globalAlpha = mark.step > time.step ? 0.6 : 1;
    if (mark.kind === "rejectedDraft" && kind !== mark.kind) {
      draw.fillRect(at(mark.step) - 1, 7, 2, 7); // so many that signs would hide the others
    } else {
      draw.fillText(KINDS[mark.kind].sign, at(mark.step), 7);
    }
  }
  draw.globalAlpha = 1;
}
