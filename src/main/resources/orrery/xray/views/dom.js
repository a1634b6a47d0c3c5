// Small helpers to make and to update elements. They write to the page only what has changed.

/** A new element: attributes, listeners (keys that begin with "on"), then children or texts. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) {
      node.addEventListener(key.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(key, value === true ? "" : value);
    }
  }
  node.append(...children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** A new element of an SVG picture. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) {
    node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** A line of flags that breaks only between flags. */
export const wholeFlags = (flags) =>
  flags
    .split(/\s+(?=--)/)
    .flatMap((flag, i) => [i ? " " : "", el("span", { class: "whole" }, flag)]);

/** Sets the text of an element. */
export function text(node, value) {
  const words = String(value);
  if (node.textContent !== words) {
    node.textContent = words;
  }
}

/** Sets an attribute of an element, or takes it away if the value is null. */
export function attr(node, key, value) {
  if (value === null || value === undefined) {
    if (node.hasAttribute(key)) {
      node.removeAttribute(key);
    }
  } else if (node.getAttribute(key) !== String(value)) {
    node.setAttribute(key, value);
  }
}

/**
 * Makes the children of a parent equal to a list: one element for each item, in order. An element
 * whose key was there before is kept. `make(item)` makes one; `update(node, item)` may change it.
 */
export function keyed(parent, items, keyOf, make, update = () => {}) {
  const known = (parent.byKey ||= new Map());
  const wanted = new Set();
  let place = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    wanted.add(key);
    let node = known.get(key);
    if (!node) {
      node = make(item);
      known.set(key, node);
    }
    if (node === place) {
      place = place.nextSibling;
    } else {
      parent.insertBefore(node, place);
    }
    update(node, item);
  }
  for (const [key, node] of known) {
    if (!wanted.has(key)) {
      node.remove();
      known.delete(key);
    }
  }
}
