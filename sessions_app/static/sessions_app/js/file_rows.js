/** The files that work delivered, as rows of its card. */

import { downloads } from "./file_chip.js";
import { kindIcon, kindWords } from "./file_kinds.js";
import { isFileAddress } from "./file_links.js";
import { h, icon, setText, show } from "./dom.js";
import { count, sizeWords } from "./words.js";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Return the view of delivered files; `update(subagent)` shows those of its payload. */
export function fileRows() {
  let shown = null;
  const list = h("ul", { class: "file-rows" });
  const rest = h("p", { class: "file-rest", "data-testid": "file-rest" });
  const node = h("section", { class: "files", "data-testid": "delivered", "aria-label": "Files" }, list, rest);
  return {
    node,
    update({ files = [], files_total: total = files.length }) {
      show(node, total > 0);
      if (files !== shown) list.replaceChildren(...files.map(row));
      shown = files;
      const more = total - files.length;
      setText(rest, files.length ? `and ${more.toLocaleString()} more` : count(total, "file"));
      show(rest, more > 0);
    },
  };
}

function row(file) {
  const isGone = new Date(file.expires_at) <= new Date() || !isFileAddress(file.download_url);
  const kept = isGone ? "expired, not kept any more" : `kept until ${DAY.format(new Date(file.expires_at))}`;
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
