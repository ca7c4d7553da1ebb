/** The card of an export: its progress, then the file. */

import { fold } from "./details.js";
import { h, icon, setAttribute, setText, show } from "./dom.js";
import { progressView } from "./progress.js";
import { actionButtons, badgeText, errorLine } from "./subagent_card.js";
import { durationWords, sizeWords } from "./words.js";

const FORMATS = { json: "JSON", markdown: "Markdown", pdf: "PDF", html: "HTML" };
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function nameOf(subagent, exported) {
  const format = exported?.format ?? subagent.args?.format;
  return `${FORMATS[format] ?? format ?? ""} export`.trim();
}

function factsOf(exported) {
  if (!exported) return "";
  const facts = [exported.file_name];
  if (Number.isFinite(exported.file_size)) facts.push(sizeWords(exported.file_size));
  if (Number.isFinite(exported.duration_ms)) facts.push(`made in ${durationWords(exported.duration_ms)}`);
  if (exported.expires_at) facts.push(`kept until ${DAY.format(new Date(exported.expires_at))}`);
  return facts.filter(Boolean).join(" · ");
}

/** Only this site's own addresses: the link is the server's word, not a script. */
function safeAddress(address) {
  if (!address) return null;
  const url = new URL(address, location.href);
  return url.origin === location.origin ? url.pathname + url.search : null;
}

/** Return the view of an export; its entry has the subagent as `item` and the export as `exported`. */
export function exportCard({ item }, actions) {
  const title = h("h3", { class: "agent-title" });
  const facts = h("p", { class: "agent-facts" });
  const badge = h("span", { class: "badge" });
  const progress = progressView();
  const error = errorLine();
  const digest = fold("SHA-256");
  const buttons = actionButtons(item.subagent_id, actions);
  const download = h(
    "a",
    { class: "button primary small", "data-testid": "export-download", download: "" },
    icon("download"),
    "Download",
  );
  const node = h(
    "article",
    { class: "agent-card export", "data-testid": "export-card", "data-subagent-id": item.subagent_id },
    h(
      "header",
      { class: "agent-head" },
      h("span", { class: "agent-mark" }, icon("file")),
      h("div", { class: "agent-names" }, title, facts),
      badge,
      h("div", { class: "agent-actions" }, ...buttons.nodes, download),
    ),
    progress.node,
    error.node,
    h("div", { class: "folds" }, digest.node),
  );

  return {
    node,
    tick: progress.tick,
    update({ item: subagent, exported }) {
      const address = subagent.state === "succeeded" ? safeAddress(exported?.download_url) : null;
      node.dataset.state = subagent.state;
      setText(title, nameOf(subagent, exported));
      setText(facts, factsOf(exported));
      show(facts, Boolean(facts.textContent));
      setText(badge, badgeText(subagent));
      show(badge, !address);
      show(progress.node, subagent.state === "running");
      progress.update(subagent);
      error.update(subagent.state === "failed" ? (exported?.error ?? subagent.error) : null);
      digest.update(exported?.sha256);
      setAttribute(download, "href", address);
      show(download, Boolean(address));
      buttons.update(subagent);
    },
  };
}
