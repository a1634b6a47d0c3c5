// Counters since the start, and their history over the newest steps.

import uPlot from "../lib/uplot/uPlot.esm.js";
import { el, keyed, text } from "./dom.js";
import { duration, number, percent } from "./words.js";

const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];
const HEIGHT = 132; // pixels
const CUT = 4; // times are cut off at so many medians: the first steps, which the JIT has not compiled, are long
const EVERY = 250; // milliseconds between two drawings of the charts

/** Whether there is host memory behind the pages. */
const tiers = (state) => state.host.length > 0;

/** Whether entries that rows choose lie on the host. */
const sparse = ({ counters: c }) => c.sparseHits + c.sparseMisses + c.sparseDirect > 0;

/**
 * What each counter is called, how it is made from the counters, what it means, and of which engines
 * it is shown; of all, if nothing is said.
 */
const TILES = [
  [
    "steps",
    "steps",
    (c) => number(c.steps),
    "One forward pass each, over rows of all requests that run.",
  ],
  ["outputTokens", "answer tokens", (c) => number(c.outputTokens), "Tokens of all answers."],
  [
    "perStep",
    "tokens a step",
    (c) => (c.steps ? (c.outputTokens / c.steps).toFixed(2) : "–"),
    "More requests at once and accepted drafts make it grow.",
  ],
  [
    "rate",
    "tokens a second",
    (c) => (c.busyNanos ? number(Math.round((c.outputTokens * 1e9) / c.busyNanos)) : "–"),
    "Answer tokens by the time of all steps.",
  ],
  [
    "promptRows",
    "prompt rows",
    (c) => number(c.promptRows),
    "Rows of prompts that were computed, also again after a retraction.",
  ],
  [
    "hitTokens",
    "tokens from the cache",
    (c) => number(c.hitTokens),
    "Tokens that prefix hits brought. They were not computed.",
  ],
  [
    "accepted",
    "drafts accepted",
    (c) => percent(c.accepted, c.accepted + c.rejected),
    "Of the drafts that were judged. Drafts behind a wrong one are not judged, and not counted here.",
  ],
  [
    "rejected",
    "drafts rejected",
    (c) => number(c.rejected),
    "Drafts that were judged and were wrong.",
  ],
  [
    "retractions",
    "retractions",
    (c) => number(c.retractions),
    "A request gave its pages back, since memory was short.",
  ],
  [
    "evictedPages",
    "pages evicted",
    (c) => number(c.evictedPages),
    "Pages that the prefix cache gave up for others.",
  ],
  [
    "handovers",
    "hand-overs",
    (c) => number(c.handovers),
    "Requests whose prompt one engine computes, and whose answer goes on in another.",
    (state) => state.side !== null,
  ],
  [
    "loadedTokens",
    "tokens from host memory",
    (c) => number(c.loadedTokens),
    "Tokens from the cache whose pages had been evicted, and were copied back from host memory.",
    tiers,
  ],
  [
    "loadWaitNanos",
    "waited for loads",
    (c) => duration(c.loadWaitNanos),
    "Time that steps waited for pages from host memory. While they compute, pages come for nothing.",
    tiers,
  ],
  [
    "storedParts",
    "parts stored",
    (c) => number(c.storedParts),
    "Copied to host memory; a part has the pages of one pool that a block keeps.",
    tiers,
  ],
  [
    "hostEvicted",
    "parts evicted",
    (c) => number(c.hostEvicted),
    "Parts that gave up their place in host memory for others.",
    tiers,
  ],
  [
    "readParts",
    "parts from files",
    (c) => number(c.readParts),
    "Read into host memory for requests that waited.",
    tiers,
  ],
  [
    "writtenParts",
    "parts to files",
    (c) => number(c.writtenParts),
    "Written from host memory; they outlive the engine.",
    tiers,
  ],
  [
    "storageFaults",
    "faults of files",
    (c) => number(c.storageFaults),
    "Parts that were not read or written. What is missing is computed.",
    tiers,
  ],
  [
    "sparseHits",
    "entries in buffers",
    (c) => percent(c.sparseHits, c.sparseHits + c.sparseMisses),
    "Of the entries that the indexers chose for rows that go on, those that lay in buffers or were made in that step. The others were copied from the host.",
    sparse,
  ],
  [
    "sparseMisses",
    "entries copied",
    (c) => number(c.sparseMisses),
    "Chosen entries that no buffer had: each came from the host, into a free slot or into that of the one unused for longest.",
    sparse,
  ],
  [
    "sparseDirect",
    "entries read on the host",
    (c) => number(c.sparseDirect),
    "Read in place, since the rows of a prompt choose more together than a buffer holds.",
    sparse,
  ],
  [
    "sparseBytes",
    "KB from the host",
    (c) => number(Math.round(c.sparseBytes / 1e3)),
    "Bytes of these entries, copied or read in place.",
    sparse,
  ],
  ["finished", "answers ended", (c) => number(c.finished), "By their own end or at their longest."],
  ["busyNanos", "time computing", (c) => duration(c.busyNanos), "Time of all steps; if steps overlap, of their forward passes and decisions."],
];

/** The histories: a title, series from the bottom to the top, and whether they are stacked. */
const CHARTS = [
  {
    title: "Rows of each step",
    stacked: true,
    series: [
      ["prompt", "--prompt", (s) => s.prefillRows],
      ["newest", "--decode", (s) => s.decodeRows],
      ["drafts", "--draft", (s) => s.draftRows],
      ["padding", "--padding", (s) => s.paddingRows],
    ],
  },
  {
    title: "Pages of the first pool",
    stacked: true,
    series: [
      ["held", "--held", (s) => s.pools[0].referenced],
      ["cached only", "--cached", (s) => s.pools[0].idle],
    ],
  },
  {
    title: "Sequences",
    series: [
      ["running", "--decode", (s) => s.running],
      ["waiting", "--prompt", (s) => s.waiting],
    ],
  },
  {
    title: "Milliseconds of each step",
    unit: "ms",
    stacked: true,
    series: [
      ["launch", "--launch", (s) => s.launch / 1e6],
      ["drafting", "--draft", (s) => (s.draft + s.follow) / 1e6],
      ["the rest", "--plan", (s) => (s.plan + s.judge + s.commit) / 1e6],
    ],
  },
];

/** Draws tiles and charts into `root`. A click on a chart puts the playhead at that step. */
export function chartsView(root, ui) {
  const tiles = el("dl", { class: "tiles" });
  const figures = el("div", { class: "charts" });
  root.append(tiles, figures);
  const charts = CHARTS.map((chart) => makeChart(figures, chart, ui));
  let newest = null;
  let due = null;
  const draw = () => {
    due = null;
    charts.forEach((chart) => chart.draw(newest));
  };
  ui.onTheme(() => {
    charts.forEach((chart) => chart.restart());
    if (newest) {
      draw();
    }
  });
  return (state) => {
    keyed(
      tiles,
      TILES.filter(([, , , , shown]) => !shown || shown(state)),
      ([key]) => key,
      ([key, label, , means]) =>
        el("div", { "data-counter": key, title: means }, el("dt", {}, label), el("dd")),
      (node, [, , words]) => text(node.lastChild, words(state.counters)),
    );
    newest = state;
    due ??= setTimeout(draw, EVERY);
  };
}

function makeChart(parent, { title, series, stacked, unit }, ui) {
  const box = el("div", { class: "chart-box" });
  const keys = el(
    "ul",
    { class: "keys" },
    ...series.map(([label, tone]) =>
      el("li", {}, el("i", { style: `background:var(${tone})` }), label),
    ),
    unit ? el("li", {}, "(long ones are cut)") : "",
  );
  parent.append(el("figure", { class: "chart" }, el("figcaption", {}, title), keys, box));
  let plot = null;
  let steps = [];
  let cut = Infinity; // values above are cut off
  const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const start = (data) => {
    const axis = {
      stroke: tone("--dim"),
      grid: { stroke: tone("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    const lines = series.map(([label, name], i) => ({
      label,
      stroke: tone(name),
      width: stacked ? 1 : 2,
      dash: !stacked && i > 0 ? [5, 4] : undefined,
      fill: stacked ? tone(name) : undefined,
      paths: uPlot.paths.stepped({ align: 1 }),
      points: { show: false },
    }));
    plot = new uPlot(
      {
        width,
        height: HEIGHT,
        padding: [8, 18, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "steps" }, y: false, drag: { x: false, y: false } },
        scales: {
          x: { time: false },
          y: { range: (_, __, most) => [0, Math.max(1, 1.05 * Math.min(most, cut))] },
        },
        axes: [
          { ...axis, size: 26, incrs: WHOLE },
          { ...axis, size: 40, space: 28, ...(unit ? {} : { incrs: WHOLE }) },
        ],
        series: [{}, ...(stacked ? lines.toReversed() : lines)],
      },
      data,
      box,
    );
    plot.over.addEventListener("click", () => {
      const step = steps[Math.min(plot.cursor.idx ?? -1, steps.length - 1)];
      if (step) {
        ui.act(() => ui.actions.seek(step.step));
      }
    });
  };
  let width = 0;
  new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    plot?.setSize({ width, height: HEIGHT });
  }).observe(box);
  return {
    restart() {
      plot?.destroy();
      plot = null;
    },
    draw(state) {
      steps = state.steps;
      if (width === 0 || steps.length === 0) {
        return;
      }
      cut = unit
        ? CUT * middle(steps.map((s) => series.reduce((sum, [, , of]) => sum + of(s), 0)))
        : Infinity;
      const wide = [...steps, steps.at(-1)]; // else the newest step would have no width
      const data = [
        wide.map((s, i) => s.step + (i === steps.length ? 1 : 0)),
        ...columns(wide, series, stacked),
      ];
      plot ? plot.setData(data) : start(data);
    },
  };
}

const middle = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** The values of all series. Stacked ones are summed from the bottom and drawn from the top. */
function columns(steps, series, stacked) {
  const values = series.map(([, , of]) => steps.map(of));
  if (!stacked) {
    return values;
  }
  for (let i = 1; i < values.length; i++) {
    values[i] = values[i].map((v, k) => v + values[i - 1][k]);
  }
  return values.reverse();
}
