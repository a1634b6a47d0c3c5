/** The keyboard: what a key does, unless it is meant for a field or a button. */

/** Calls an action for each key; an error is said on the page. */
export function onKeys(actions, history, page, isLive) {
  const engine = () => isLive() && history.mode === "live";
  const keys = {
    " ": () => (!engine() ? actions.halt() : history.front.paused ? actions.resume() : actions.pause()),
    ArrowLeft: () => actions.prev(),
    ArrowRight: () => actions.next(),
    Home: () => actions.home(),
    End: () => actions.live(),
    l: () => actions.live(),
    L: () => actions.live(),
    "[": () => press("jump-back"), // with the kind that is chosen beside it
    "]": () => press("jump-on"),
  };
  document.addEventListener("keydown", (event) => {
    const run = keys[event.key];
    if (run && !event.defaultPrevented && !modified(event) && !takes(event.target, event.key)) {
      event.preventDefault();
      page.act(run);
    }
  });
}

async function press(action) {
  document.querySelector(`[data-action="${action}"]`).click();
}

const modified = (event) => event.ctrlKey || event.altKey || event.metaKey;

/** Whether an element has a use of its own for a key. */
function takes(target, key) {
  const field = target.closest("input, textarea, select, [contenteditable]");
  const pressed = key === " " && target.closest("button, summary, a");
  return Boolean(field || pressed);
}
