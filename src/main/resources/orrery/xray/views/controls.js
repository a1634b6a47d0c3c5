// What one can do: start a load, ask a prompt of one's own.

import { attr, el, keyed, text, wholeFlags } from "./dom.js";

const HINT = "A load is a small set of requests from a chapter. Each shows one thing.";

/** Draws the loads and the prompt box into `root`. */
export function controlsView(root, ui) {
  const loads = el("div", { class: "loads", role: "group", "aria-label": "Loads" });
  const about = el("p", { class: "about", "aria-live": "polite" });
  const half = el("p", { class: "about", "data-half": "", hidden: "" });
  root.append(half, loads, about, promptForm(ui));
  ui.onEngine(() => {
    half.hidden = !ui.half();
    half.replaceChildren(...halfWords(ui.half()));
  });
  let chosen = null; // name of the load that was chosen last
  const choose = (name) => {
    chosen = name;
    const load = ui.loads.find((l) => l.name === name);
    attr(about, "data-load", name);
    about.replaceChildren(...(load ? aboutLoad(load, ui) : [HINT]));
    [...loads.children].forEach((node) => attr(node, "aria-pressed", node.dataset.load === name));
  };
  ui.onLoads((list) => {
    keyed(
      loads,
      list,
      (load) => load.name,
      (load) => loadButton(load, ui, choose),
      (node, load) => attr(node, "data-impossible", load.impossible ? "" : null),
    );
    choose(chosen);
  });
  ui.onStarted(choose);
  choose(null);
  return (state, time) => attr(root, "data-connection", time.connection);
}

/** A button that starts a load, or only chooses it if the engine has not the switches for it. */
function loadButton({ name, title, look }, ui, choose) {
  const press = () => {
    const load = ui.loads.find((l) => l.name === name); // as it is now
    choose(name);
    if (!load.impossible && load.fits !== false) {
      ui.act(() => ui.startLoad(load));
    }
  };
  return el("button", { type: "button", "data-load": name, title: look, onclick: press }, title);
}

/** What a server of one half of each request does with what comes from its page. */
function halfWords(half) {
  return half
    ? [
        `This server ${half.does} (`,
        el("code", {}, `--disaggregation-mode ${half.mode}`),
        "): a router sends it requests, and ",
        el("a", { href: "/docs/x-ray-page.md#two-engines" }, "the pictures show this half of them"),
        ". What you start here comes by no router and has no other half: this engine does all of it.",
      ]
    : [];
}

/** What to look for in a load, and what hinders it. */
function aboutLoad(load, ui) {
  const button = (action, flags, ...words) =>
    el(
      "button",
      {
        type: "button",
        class: "quiet",
        "data-action": action,
        onclick: () => ui.act(() => ui.startLoad(load, flags)),
      },
      ...words,
    );
  const parts = [`${load.look} `, el("a", { href: `/docs/${load.chapter}` }, "chapter")];
  if (load.impossible) {
    parts.push(el("span", { class: "hinder" }, ` Not here: ${load.impossible}.`));
  } else if (load.fits === false && ui.half()) {
    parts.push(
      el("span", { class: "hinder" }, ` ${ui.half().stays} To see it best, start the server with `),
      el("code", {}, ...wholeFlags(load.flags)),
      ". ",
      button("load-as-it-is", null, "Start as it is"),
    );
  } else if (load.fits === false) {
    parts.push(
      el("span", { class: "hinder" }, " The engine has other switches now. "),
      button(
        "load-with-flags",
        load.flags,
        "Restart it with ",
        el("code", {}, load.flags),
        " and start",
      ),
      " ",
      button("load-as-it-is", null, "Start as it is"),
    );
  }
  return parts;
}

/** A form for prompts: one text, and how its tokens are drawn. */
function promptForm(ui) {
  const field = (name, label, attributes) =>
    el("label", {}, label, el("input", { name, type: "number", ...attributes }));
  const area = el("textarea", {
    name: "prompt",
    rows: "1",
    placeholder: "Or type a prompt: Once upon a time there was a",
    "aria-label": "Prompt",
    maxlength: "20000",
  });
  const fail = el("p", { class: "form-error", role: "alert" });
  const form = el(
    "form",
    { class: "prompt-form", "data-form": "prompt" },
    area,
    field("temperature", "temperature", { min: "0", max: "2", step: "0.1", value: "0.8" }),
    field("max", "max tokens", { min: "1", max: "4096", value: "80" }),
    field("n", "answers", { min: "1", max: "16", value: "1" }),
    field("seed", "seed", { min: "0", placeholder: "any" }),
    el("button", { type: "submit", "data-action": "send" }, "Send"),
    fail,
  );
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    text(fail, "");
    const value = (name) => form.elements[name].value;
    const sampling = {
      temperature: Number(value("temperature")),
      max_new_tokens: Number(value("max")),
      n: Number(value("n")),
    };
    if (value("seed") !== "") {
      sampling.sampling_seed = Number(value("seed"));
    }
    const prompt = area.value || area.placeholder.replace(/^.*: /, "");
    ui.act(
      () => ui.watched(() => ui.actions.prompts([prompt], sampling)),
      (error) => text(fail, error),
    );
  });
  area.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !e.shiftKey) {
      e.preventDefault();
      form.requestSubmit();
    }
  });
  return form;
}
