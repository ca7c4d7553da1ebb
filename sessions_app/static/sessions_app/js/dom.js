/** Building and matching DOM nodes. Text always goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";
const SPRITE = new URL("../icons.svg", import.meta.url).pathname;

/** Return an element; `on` holds listeners, false and null leave an attribute out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") listen(element, value);
    else setAttribute(element, name, value);
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

function listen(element, listeners) {
  for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
}

/** Set an attribute, or remove it when `value` is null, undefined or false. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value))
    element.setAttribute(name, value === true ? "" : value);
}

/** Return one picture of the sprite; it is decoration, so the control needs its own name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Write `text` only where it changed: a rewritten node loses the reader's selection. */
export function setText(element, text) {
  const value = text ?? "";
  if (element.textContent !== value) element.textContent = value;
}

/** Show or hide an element. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** Do `change`; if it hides the control that has the focus, the first of `controls` that is left gets it. */
export function keepFocus(controls, change) {
  const held = controls.find((control) => control === document.activeElement);
  change();
  if (held?.hidden) controls.find((control) => !control.hidden)?.focus({ preventScroll: true });
}

/** Put HTML in that the server has sanitised. The only place that writes markup. */
export function setServerHtml(element, html) {
  element.innerHTML = html;
}

/**
 * Make `container` show one view for each entry, in order, and keep the nodes of those that stay.
 * `makeView(entry)` returns `{node, update(entry)}`.
 */
export function reconcile(container, views, entries, makeView) {
  const wanted = new Set(entries.map((entry) => entry.key));
  for (const [key, view] of views) {
    if (wanted.has(key)) continue;
    view.node.remove();
    views.delete(key);
  }
  entries.forEach((entry, place) => {
    let view = views.get(entry.key);
    if (!view) {
      view = makeView(entry);
      views.set(entry.key, view);
    }
    view.update(entry);
    if (container.children[place] !== view.node)
      container.insertBefore(view.node, container.children[place] ?? null);
  });
}
