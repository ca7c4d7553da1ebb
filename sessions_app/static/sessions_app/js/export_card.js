/** The card of an export: its progress, then the file, and in the end what one can do without it. */

import { whyNoFile } from "./api.js";
import { serverNow } from "./clock.js";
import { copyButton } from "./copying.js";
import { fold } from "./details.js";
import { h, icon, keepFocus, setAttribute, setServerHtml, setText, show } from "./dom.js";
import { adviceOn, formatInstead } from "./export_failure.js";
import { formatOf } from "./export_formats.js";
import { progressView } from "./progress.js";
import { actionButtons, badgeText, busyButton, errorLine, waitText } from "./subagent_card.js";
import { tellProblem } from "./toasts.js";
import { count, durationWords, sizeWords } from "./words.js";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function nameOf({ args, title }, exported) {
  const format = formatOf(exported?.format ?? args?.format).title;
  const chats = exported?.session_count ?? args?.session_ids?.length;
  if (exported?.is_archive ?? args?.session_ids) return `${format} archive of ${count(chats, "chat")}`;
  return format ? `${format} export` : title;
}

function factsOf(subagent, exported, isExpired) {
  if (subagent.state === "queued") return waitText(subagent);
  if (!exported || subagent.state !== "succeeded") return "";
  const facts = [];
  if (Number.isFinite(exported.file_size)) facts.push(sizeWords(exported.file_size));
  if (Number.isFinite(exported.duration_ms)) facts.push(`made in ${durationWords(exported.duration_ms)}`);
  if (isExpired) facts.push("not kept any more");
  else if (exported.expires_at) facts.push(`kept until ${DAY.format(new Date(exported.expires_at))}`);
  // A line ends between facts, not within one.
  const whole = facts.map((fact) => fact.replaceAll(" ", "\u00a0"));
  return whole.join(" · ");
}

/** Whether there is something to say beside how much was written, such as missing fonts. */
function hasNote({ result }) {
  return / bytes\. ./.test(result?.summary ?? "");
}

/** Only this site's own addresses: the link is the server's word, not a script. */
function safeAddress(address) {
  if (!address) return null;
  const url = new URL(address, location.href);
  return url.origin === location.origin ? url.pathname + url.search : null;
}

/** Return the link to the file; `gone()` is told when the server has it no more. */
function downloadLink(gone) {
  const link = h(
    "a",
    { class: "button primary small", "data-testid": "export-download", download: "" },
    icon("download"),
    "Download",
  );
  link.addEventListener("click", async (event) => {
    // Without asking first, the browser would save or report a refusal in its own words.
    event.preventDefault();
    const address = link.getAttribute("href");
    const problem = await whyNoFile(address);
    if (!problem) return h("a", { href: address, download: "" }).click();
    if (problem.status === 410) gone(address);
    return tellProblem(problem);
  });
  return link;
}

/** Return the button that has the export made once more, in another format if the same would fail again. */
function againButton(id, { onRetry, onAgain }) {
  let wish = null;
  const words = h("span", {});
  const ask = async () => {
    setAttribute(node, "aria-disabled", "true");
    await (wish ? onAgain(wish) : onRetry(id));
    setAttribute(node, "aria-disabled", null);
  };
  const node = busyButton("export-again", ask, icon("export"), words);
  return {
    node,
    update({ args }, exported, isExpired) {
      const other = formatInstead(exported?.error);
      // Of very many chats the page does not have the ids, and others' chats only the admin exports.
      const isKnown = !args?.truncated && !args?.as_staff;
      wish = other ? { format: other, args: args ?? {} } : null;
      setText(words, other ? `Export as ${formatOf(other).title}` : "Export again");
      show(node, Boolean(exported) && (isExpired || (Boolean(other) && isKnown)));
    },
  };
}

/** Return the view of an export; its entry has the subagent as `item` and the export as `exported`. */
export function exportCard({ item }, actions) {
  let shown = null;
  let goneAddress = null;
  const title = h("h3", { class: "agent-title" });
  // A name of a script that runs leftwards does not turn the facts round.
  const fileName = h("bdi", {});
  const [separator, aboutIt] = [h("span", {}), h("span", {})];
  const facts = h("p", { class: "agent-facts" }, fileName, separator, aboutIt);
  const badge = h("span", { class: "badge", "data-testid": "export-state" });
  const progress = progressView();
  const error = errorLine();
  const advice = h("p", { class: "export-advice", "data-testid": "export-advice" });
  const note = h("div", { class: "export-note", "data-testid": "export-summary", dir: "auto" });
  const digest = fold("SHA-256");
  digest.node.append(copyButton("Copy SHA-256", () => shown?.exported?.sha256 ?? "", { quiet: false }));
  const buttons = actionButtons(item.subagent_id, actions);
  const again = againButton(item.subagent_id, actions);
  const download = downloadLink((address) => {
    goneAddress = address;
    render();
  });
  const node = h(
    "article",
    { class: "agent-card export", "data-testid": "export-card", "data-subagent-id": item.subagent_id },
    h(
      "header",
      { class: "agent-head" },
      h("span", { class: "agent-mark" }, icon("file")),
      h("div", { class: "agent-names" }, title, facts),
      badge,
      h("div", { class: "agent-actions" }, ...buttons.nodes, again.node, download),
    ),
    progress.node,
    error.node,
    advice,
    note,
    h("div", { class: "folds" }, digest.node),
  );

  const isExpired = ({ expires_at } = {}, address = null) =>
    Boolean(address) && (address === goneAddress || Date.parse(expires_at) <= serverNow());

  function render() {
    const { item: subagent, exported } = shown;
    const address = subagent.state === "succeeded" ? safeAddress(exported?.download_url) : null;
    const expired = isExpired(exported, address);
    const failure = subagent.state === "failed" ? (exported?.error ?? subagent.error) : null;
    node.dataset.state = expired ? "expired" : subagent.state;
    setText(title, nameOf(subagent, exported));
    setText(fileName, subagent.state === "succeeded" ? exported?.file_name : "");
    setText(separator, fileName.textContent && " · ");
    setText(aboutIt, factsOf(subagent, exported, expired));
    show(facts, Boolean(facts.textContent));
    setText(badge, expired ? "Expired" : badgeText(subagent));
    show(badge, !address || expired);
    show(progress.node, subagent.state === "running");
    progress.update(subagent);
    error.update(failure);
    setText(advice, adviceOn(failure));
    show(advice, Boolean(advice.textContent));
    setServerHtml(note, subagent.summary_html ?? "");
    show(note, Boolean(address) && !expired && hasNote(subagent));
    digest.update(address && exported.sha256);
    setAttribute(download, "href", address);
    keepFocus([download, again.node, ...buttons.nodes], () => {
      show(download, Boolean(address) && !expired);
      buttons.update(subagent);
      again.update(subagent, exported, expired);
    });
  }

  return {
    node,
    tick() {
      progress.tick();
      const { item: subagent, exported } = shown;
      const isNews = node.dataset.state !== "expired" && isExpired(exported, exported?.download_url);
      if (subagent.state === "succeeded" && isNews) render();
    },
    update(entry) {
      shown = entry;
      render();
    },
  };
}
