/** A progress bar with its stage, percent, running time and estimate. */

import { since } from "./clock.js";
import { h, setAttribute, setText } from "./dom.js";
import { clockWords, leftWords, stageWords } from "./words.js";

/** Return the view of a running subagent's progress; `tick()` keeps its time going. */
export function progressView() {
  let startedAt = null;
  const stage = h("span", { class: "stage" });
  const percent = h("span", { class: "percent" });
  const fill = h("div", { class: "bar-fill" });
  const bar = h(
    "div",
    {
      class: "bar",
      role: "progressbar",
      "data-testid": "progress",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    },
    fill,
  );
  const elapsed = h("span", { class: "elapsed" });
  const left = h("span", { class: "left" });
  const node = h(
    "div",
    { class: "progress" },
    h("div", { class: "progress-line" }, stage, percent),
    bar,
    h("div", { class: "progress-line quiet" }, elapsed, left),
  );
  const tick = () => setText(elapsed, startedAt ? clockWords(since(startedAt)) : "");
  return {
    node,
    tick,
    update(subagent) {
      const value = Math.min(100, Math.max(0, Number(subagent.progress) || 0));
      startedAt = subagent.started_at;
      setText(stage, stageText(subagent));
      setText(percent, `${Math.floor(value)} %`);
      fill.style.transform = `scaleX(${value / 100})`;
      setAttribute(bar, "aria-valuenow", Math.floor(value));
      setAttribute(bar, "aria-label", subagent.title || subagent.tool_name);
      setText(left, remaining(subagent));
      tick();
    },
  };
}

function stageText({ stage }) {
  return stage ? stageWords(stage) : "Working";
}

function remaining({ state, estimated_seconds_left: seconds }) {
  const known = state === "running" && Number.isFinite(seconds) && seconds > 0;
  return known ? leftWords(seconds) : "";
}
