// What is around the pictures: what is pointed at, the theme, messages, and the list of keys.

import { attr, text } from "./dom.js";

const SCROLL = 1500; // milliseconds in which a section that is shown moves below the pointer

let moving = 0; // until when that is so

let revealing = null; // while something is shown, the pointer does not choose what shines

/** Scrolls to a section and lets requests shine, until the pointer chooses others. */
export function reveal(section, requests) {
  const node = document.getElementById(section);
  clearTimeout(revealing);
  moving = performance.now() + SCROLL;
  node.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
  node.classList.add("revealed");
  focusOn(requests);
  revealing = setTimeout(() => {
    revealing = null;
    node.classList.remove("revealed");
  }, 4000);
}

/** Whether the user moves the pointer, and not the page moves below it. */
export const points = () => performance.now() > moving;

/** Whether an event says that the mouse has left something. A finger leaves when it is lifted. */
export const leaves = (e) => e.pointerType === "mouse" && points();

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Pointing at something of a request shows all that is of this request, everywhere. */
export function pointing() {
  const of = (node) => node.closest?.("[data-rq]")?.dataset.rq.split(" ");
  const point = (requests) => {
    if (revealing === null) {
      focusOn(requests);
    }
  };
  document.addEventListener("pointerover", (e) => point(of(e.target)));
  document.addEventListener("focusin", (e) => point(of(e.target)));
  document.documentElement.addEventListener("pointerleave", () => point());
}

/** A button that the mouse has pressed gives the keyboard back, so that space pauses the engine. */
export function freeKeys() {
  document.addEventListener("click", (e) => {
    if (e.detail > 0) {
      e.target.closest?.("button")?.blur();
    }
  });
}

function focusOn(requests = []) {
  const root = document.documentElement;
  const key = requests.join(" ");
  if ((root.dataset.focus ?? "") !== key) {
    root.dataset.focus = key;
    const others = requests.map((r) => `:not([data-rq~="${r}"])`).join("");
    document.getElementById("focus-rule").textContent = key
      ? `main [data-rq]${others} { opacity: 0.4; }`
      : "";
  }
}

/** Light, dark, or as the system is. */
export function theme(ui) {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.querySelector("[data-action=theme]");
  const set = (name) => {
    root.dataset.theme = name;
    attr(button, "aria-label", name === "dark" ? "Light colours" : "Dark colours");
    text(button, name === "dark" ? "☀" : "☾");
    ui.tell("theme", name);
  };
  set(new URLSearchParams(location.search).get("theme") ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => set(dark.matches ? "dark" : "light"));
  button.addEventListener("click", () => set(root.dataset.theme === "dark" ? "light" : "dark"));
}

/** A bar for one message at a time. */
export function messages() {
  const bar = document.getElementById("message");
  let timer = null;
  let times = 0;
  const say = (words, kind = "error") => {
    times += words ? 1 : 0;
    clearTimeout(timer);
    attr(bar, "data-kind", kind);
    text(bar, words);
    bar.hidden = !words;
    timer = setTimeout(() => (bar.hidden = true), 12_000);
  };
  say.times = () => times; // how often something was said
  return say;
}

/** The list of keys. */
export function helpBox() {
  const box = document.getElementById("help");
  const toggle = () => (box.open ? box.close() : box.showModal());
  document.querySelector("[data-action=help]").addEventListener("click", toggle);
  box.addEventListener("click", (e) => {
    if (e.target === box) {
      box.close();
    }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "?" && !e.target.closest("input, textarea, select")) {
      toggle();
    }
  });
}
