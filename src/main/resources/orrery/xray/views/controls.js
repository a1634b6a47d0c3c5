// What one can do: start a load, ask a prompt of one's own.

import { attr, el, keyed, text } from "./dom.js";

/** Draws the loads and the prompt box into `root`. */
export function controlsView(root, ui) {
  const loads = el("div", { class: "loads", role: "group", "aria-label": "Loads" });
  const about = el("p", { class: "about", "aria-live": "polite" });
  root.append(loads, about, promptForm(ui));
  let started = null; // the load that was started last
  const tell = (pointed) => {
    const load = pointed && ui.loads.find((l) => l.name === pointed.name); // as it is now
    attr(about, "data-load", load?.name ?? null);
    about.replaceChildren(...(load ? aboutLoad(load, ui) : ["A load is a small set of requests from a chapter. Each shows one thing."]));
  };
  ui.onLoads((list) => {
    keyed(loads, list, (load) => load.name, (load) => loadButton(load, ui, tell), (node, load) => {
      attr(node, "aria-pressed", load.name === started?.name);
      attr(node, "data-impossible", load.impossible ? "" : null);
    });
    tell(list.find((load) => load.name === started?.name));
  });
  ui.onStarted((name) => {
    started = ui.loads.find((load) => load.name === name);
    [...loads.children].forEach((node) => attr(node, "aria-pressed", node.dataset.load === name));
    tell(started);
  });
  tell(null);
  return (state, time) => attr(root, "data-connection", time.connection);
}

function loadButton(load, ui, tell) {
  return el(
    "button",
    {
      type: "button",
      "data-load": load.name,
      onclick: () => (load.impossible ? tell(load) : ui.act(() => ui.startLoad(ui.loads.find((l) => l.name === load.name)))),
      onpointerenter: () => tell(load),
      onfocus: () => tell(load),
    },
    load.title,
  );
}

/** What to look for in a load, and what hinders it. */
function aboutLoad(load, ui) {
  const parts = [`${load.look} `, el("a", { href: `/docs/${load.chapter}` }, "chapter")];
  if (load.impossible) {
    parts.push(el("span", { class: "hinder" }, ` Not here: ${load.impossible}.`));
  } else if (load.fits === false) {
    parts.push(
      el("span", { class: "hinder" }, " The engine has other switches now. "),
      el("button", { type: "button", class: "quiet", "data-action": "load-with-flags", onclick: () => ui.act(() => ui.startLoad(load, load.flags)) }, "Restart it with ", el("code", {}, load.flags), " and start"),
    );
  }
  return parts;
}

/** A form for prompts: one text, and how its tokens are drawn. */
function promptForm(ui) {
  const field = (name, label, attributes) => el("label", {}, label, el("input", { name, type: "number", ...attributes }));
  const area = el("textarea", { name: "prompt", rows: "1", placeholder: "Or type a prompt: Once upon a time there was a", "aria-label": "Prompt", maxlength: "20000" });
  const fail = el("p", { class: "form-error", role: "alert" });
  const form = el(
    "form",
    { class: "prompt-form", "data-form": "prompt" },
    area,
    field("temperature", "temperature", { min: "0", max: "2", step: "0.1", value: "0.8" }),
    field("max", "most tokens", { min: "1", max: "4096", value: "80" }),
    field("n", "answers", { min: "1", max: "16", value: "1" }),
    field("seed", "seed", { min: "0", placeholder: "any" }),
    el("button", { type: "submit", "data-action": "send" }, "Send"),
    fail,
  );
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    text(fail, "");
    const value = (name) => form.elements[name].value;
    const sampling = { temperature: Number(value("temperature")), max_new_tokens: Number(value("max")), n: Number(value("n")) };
    if (value("seed") !== "") {
      sampling.sampling_seed = Number(value("seed"));
    }
    const prompt = area.value || area.placeholder.replace(/^.*: /, "");
    ui.act(() => ui.actions.prompts([prompt], sampling), (error) => text(fail, error));
  });
  area.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !e.shiftKey) {
      e.preventDefault();
      form.requestSubmit();
    }
  });
  return form;
}
