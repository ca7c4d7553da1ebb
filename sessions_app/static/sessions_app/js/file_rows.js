/** The files that work delivered, as rows of its card. */

import * as api from "./api.js";
import { downloads } from "./file_chip.js";
import { kindIcon, kindWords } from "./file_kinds.js";
import { isFileAddress } from "./file_links.js";
import { h, icon, setText, show } from "./dom.js";
import { tellProblem } from "./toasts.js";
import { count, sizeWords } from "./words.js";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Return the view of what a subagent delivered; `update(subagent)` shows the files of its payload. */
export function fileRows(subagentId) {
  let shown = "";
  const list = h("ul", { class: "file-rows" });
  const rest = h(
    "button",
    { type: "button", class: "link-button", "data-testid": "file-rest", on: { click: () => showAll() } },
  );
  const node = h("section", { class: "files", "data-testid": "delivered", "aria-label": "Files" }, list, rest);
  const showAll = async () => {
    try {
      list.replaceChildren(...(await delivered(subagentId)).map(row));
      show(rest, false);
      list.lastElementChild?.querySelector("a")?.focus();
    } catch (problem) {
      tellProblem(problem);
    }
  };
  return {
    node,
    update({ files = [], files_total: total = files.length }) {
      show(node, total > 0);
      // Every event brings them anew; what was opened stays open while they are the same.
      const now = `${total} ${files.map(({ file_id }) => file_id)}`;
      if (now === shown) return;
      shown = now;
      list.replaceChildren(...files.map(row));
      setText(rest, files.length ? `Show ${total - files.length} more` : `Show ${count(total, "file")}`);
      show(rest, total > files.length);
    },
  };
}

/** Return all that a subagent delivered, in the order in which it did. */
async function delivered(subagentId) {
  let page = await api.listDelivered(subagentId);
  const found = page.results;
  while (page.next) {
    page = await api.nextPage(page.next);
    found.push(...page.results);
  }
  return found.reverse();
}

function row(file) {
  const isGone = new Date(file.expires_at) <= new Date() || !isFileAddress(file.download_url);
  const kept = isGone ? "expired, not kept any more" : `until ${DAY.format(new Date(file.expires_at))}`;
  const facts = [sizeWords(file.size), kindWords(file.name, file.content_type), kept].join(" · ");
  const parts = [
    icon(kindIcon(file.name, file.content_type)),
    h("span", { class: "file-name", dir: "auto" }, file.name),
    h("span", { class: "file-facts" }, facts),
    isGone ? null : icon("download"),
  ];
  return h("li", {}, isGone ? h("span", { class: "file-row gone" }, ...parts) : link(file, parts));
}

function link({ download_url, name, sha256 }, parts) {
  const node = h(
    "a",
    {
      class: "file-row",
      href: download_url,
      title: `Download ${name}\nSHA-256 ${sha256}`,
      "data-testid": "delivered-file",
    },
    ...parts,
  );
  downloads(node);
  return node;
}
