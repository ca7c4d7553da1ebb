/** The chip of a file that goes with the next message: how much of it is there, and what one can do about it. */

import { h, icon, setAttribute, setText, show } from "./dom.js";
import { kindIcon } from "./file_kinds.js";
import { sizeWords } from "./words.js";

const LOST = "Choose the file again to go on.";

/** Return the view of an upload; `onRetry`, `onChoose` and `onRemove` take it. */
export function uploadChip({ item: upload }, { onRetry, onChoose, onRemove }) {
  const name = h("span", { class: "file-name", dir: "auto" });
  const facts = h("span", { class: "file-facts" });
  const reason = h("span", { class: "upload-reason", "data-testid": "upload-reason" });
  const fill = h("div", { class: "bar-fill" });
  const bar = h("div", { class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
  const button = (testid, act, ...content) =>
    h(
      "button",
      { type: "button", class: "link-button", "data-testid": testid, on: { click: () => act(upload) } },
      ...content,
    );
  const retry = button("upload-retry", onRetry, "Retry");
  const choose = button("upload-choose", onChoose, "Choose file");
  const remove = button("upload-remove", onRemove, icon("close"));
  remove.className = "icon-button";
  const mark = h("span", { class: "upload-mark" });
  const node = h(
    "li",
    { class: "upload", "data-testid": "upload" },
    mark,
    h("div", { class: "upload-words" }, h("span", { class: "upload-line" }, name, facts), bar, reason),
    retry,
    choose,
    remove,
  );
  return {
    node,
    update() {
      const { state, percent } = upload;
      node.dataset.state = state;
      setText(name, upload.name);
      setAttribute(name, "title", upload.name);
      setText(facts, factsOf(upload));
      if (mark.dataset.of !== upload.name) mark.replaceChildren(icon(kindIcon(upload.name)));
      mark.dataset.of = upload.name;
      show(bar, upload.isUnderWay);
      setAttribute(bar, "aria-valuenow", percent);
      setAttribute(bar, "aria-label", `Upload of ${upload.name}`);
      fill.style.transform = `scaleX(${percent / 100})`;
      setText(reason, state === "lost" ? LOST : upload.reason);
      show(reason, Boolean(reason.textContent));
      show(retry, state === "failed" && upload.mayRetry);
      show(choose, state === "lost");
      const verb = upload.isUnderWay ? "Cancel the upload of" : "Remove";
      setAttribute(remove, "aria-label", `${verb} ${upload.name}`);
      setAttribute(remove, "title", upload.isUnderWay ? "Cancel" : "Remove");
    },
  };
}

function factsOf({ state, size, percent }) {
  const words = size === null ? "" : sizeWords(size);
  const stand = { waiting: "waiting", sending: `${percent} %`, failed: "not uploaded", lost: `stopped at ${percent} %` };
  return [words, stand[state]].filter(Boolean).join(" · ");
}
