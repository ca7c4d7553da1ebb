/** The switch between what was said at one place: "2/3" with an arrow to each side. */

import { h, icon, setAttribute, setText } from "./dom.js";

/** Return `{node, update(fork, changes)}`; `onSwitch(branchId)` is told where to go. */
export function versionSwitch(what, onSwitch) {
  let fork = null;
  const go = (step) => onSwitch(fork.branch_ids[fork.current + step]);
  const arrow = (name, label, step) =>
    h(
      "button",
      {
        type: "button",
        class: "button ghost small",
        title: label,
        "aria-label": label,
        "data-testid": `version-${name}`,
        on: { click: () => go(step) },
      },
      icon(name),
    );
  const previous = arrow("previous", `Earlier version of ${what}`, -1);
  const next = arrow("next", `Later version of ${what}`, 1);
  const count = h("span", { class: "version-count", "data-testid": "version-count" });
  const node = h("span", { class: "versions", role: "group" }, previous, count, next);
  node.addEventListener("keydown", (event) => {
    const button = { ArrowLeft: previous, ArrowRight: next }[event.key];
    if (!button || button.hasAttribute("disabled")) return;
    event.preventDefault();
    button.click();
  });
  return {
    node,
    update(shown, changes) {
      fork = shown;
      const most = fork.branch_ids.length;
      setText(count, `${fork.current + 1}/${most}`);
      setAttribute(node, "aria-label", `Version ${fork.current + 1} of ${most} of ${what}`);
      setAttribute(previous, "disabled", !changes || fork.current === 0);
      setAttribute(next, "disabled", !changes || fork.current === most - 1);
    },
  };
}

/** Return the view of a fork that begins with an answer. */
export function versionRow(_, { onSwitch }) {
  const versions = versionSwitch("this answer", onSwitch);
  const node = h("div", { class: "version-row" }, versions.node);
  return { node, update: ({ item, changes }) => versions.update(item, changes) };
}
