// The sign of the page: a planet for each running sequence, on its way round as its answer grows.

import { colour } from "./colours.js";
import { attr, keyed, svg } from "./dom.js";

const SIZE = 64;
const MOST = 8;

/** Draws the orrery into `root`. A full turn is a full answer: `maxTokens` tokens. */
export function orreryView(root) {
  const orbits = svg("g", { fill: "none" });
  const planets = svg("g");
  const sun = svg("circle", { cx: 0, cy: 0, r: 4, class: "sun" });
  root.append(
    svg(
      "svg",
      {
        viewBox: `${-SIZE / 2} ${-SIZE / 2} ${SIZE} ${SIZE}`,
        role: "img",
        "aria-label": "A planet for each running request. A full turn is a full answer.",
      },
      orbits,
      sun,
      planets,
    ),
  );
  for (let i = 0; i < MOST; i++) {
    orbits.append(svg("circle", { r: radius(i), class: "orbit" }));
  }
  return (state) => {
    const running = Object.values(state.sequences).filter((s) => s.state === "running");
    keyed(
      planets,
      running.slice(0, MOST),
      (s) => `${state.run}/${s.sequence}`,
      (s) =>
        svg("circle", {
          r: 3,
          class: "planet",
          style: `fill:${colour(s.request)}`,
          "data-rq": s.request,
        }),
      (node, s) => {
        const most = state.requests[s.request]?.maxTokens || 1;
        const turn = 2 * Math.PI * (s.tokens.length / most) - Math.PI / 2;
        const r = radius(s.sequence % MOST);
        attr(node, "cx", (r * Math.cos(turn)).toFixed(2));
        attr(node, "cy", (r * Math.sin(turn)).toFixed(2));
      },
    );
  };
}

const radius = (i) => 8 + i * 3;
