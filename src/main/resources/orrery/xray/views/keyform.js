// The form that asks for the API key of the server.

import { text } from "./dom.js";

/** Asks for a key; answers null if the user gives none. */
export function keyForm(refused) {
  const box = document.getElementById("key");
  const field = box.querySelector("input");
  text(box.querySelector("p"), refused
    ? "The server does not take this key." : "This server answers only calls with its key.");
  field.value = "";
  box.returnValue = ""; // what Escape leaves as it is
  box.showModal();
  return new Promise((done) => {
    box.addEventListener("close", () => {
      const value = box.returnValue === "given" ? field.value : null;
      field.value = "";
      done(value);
    }, { once: true });
  });
}
