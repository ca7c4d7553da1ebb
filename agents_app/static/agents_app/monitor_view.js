/** Draws a snapshot of the monitor into the page. */

import { connectionSentence, connectionWord } from "../sessions_app/js/connection_words.js";

const STATES = { ok: "OK", degraded: "Degraded", unavailable: "Unavailable" };
const KINDS = {
  database: "Database", redis: "Redis", agents: "Agents worker", chat: "Chat worker",
  keeper: "Keeper", beat: "Beat", pools: "Pools", mcp: "MCP servers",
};
const SENTENCES = {
  ok: "Everything works.",
  degraded: "It works, but not as well as it should.",
  unavailable: "A part does not work.",
};
const HAPPENED_SHOWN = 30;
const TICK_MS = 250;
const place = (id) => document.getElementById(id);

/** Return an element with text or children; nothing is ever parsed as HTML. */
function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const drawn = new WeakMap();
let ticking = 0;

/** Replace what an element shows, unless that was drawn already: what is selected or open stays so. */
function fill(element, children) {
  const fresh = make("div", {}, ...children);
  const text = fresh.innerHTML;
  if (drawn.get(element) === text) return;
  drawn.set(element, text);
  const restore = whereTheReaderIs(element);
  element.replaceChildren(...fresh.childNodes);
  restore();
}

/** Remember the focused link and how far each list is scrolled; return what puts them back. */
function whereTheReaderIs(element) {
  const link = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const scrolled = new Map([...element.querySelectorAll(".long")].map((list) => [list.dataset.name, list.scrollTop]));
  return () => {
    for (const list of element.querySelectorAll(".long")) list.scrollTop = scrolled.get(list.dataset.name) ?? 0;
    if (link) element.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
  };
}

/** Show a snapshot of /api/monitor/. */
export function show(snapshot) {
  state(snapshot.status, SENTENCES[snapshot.status]);
  place("checked").textContent = `As of ${clock(snapshot.checked_at)}`;
  fill(place("components"), Object.entries(snapshot.components).map(component));
  fill(place("pools"), snapshot.pools.map((pool) => poolSection(pool, snapshot.queues[pool.name] ?? [])));
  fill(place("mcp"), [servers(snapshot.mcp)]);
  fill(place("failures"), [failures(snapshot.recent_failures)]);
  fill(place("statistics"), snapshot.maintenance ? statistics(snapshot.maintenance) : []);
  fill(place("runs"), [runs(snapshot.maintenance_runs)]);
  fill(place("processes"), [processes(snapshot.workers)]);
}

/** Say that nothing could be learnt; what was last known stays in view. */
export function showFailure(sentence) {
  state("unavailable", `${sentence} What is shown below may be old.`);
}

/** Show how the staff feed stands: events come over it, the snapshots come without it. */
export function showConnection(state) {
  const element = place("connection");
  element.dataset.state = state.name;
  const words = () => (element.textContent = connectionSentence(state) || connectionWord(state));
  clearInterval(ticking);
  if (state.at) ticking = setInterval(words, TICK_MS);
  words();
}

/** Add an event of the staff feed to the list at the end of the page. */
export function tell(event) {
  const list = place("happened");
  list.querySelector(".quiet")?.remove();
  list.prepend(make("li", {}, make("time", {}, clock(event.created_at)), " ", make("strong", {}, event.kind), ` ${words(event)}`));
  while (list.children.length > HAPPENED_SHOWN) list.lastElementChild.remove();
}

function words({ kind, payload }) {
  if (kind.startsWith("pool.")) return `${payload.pool}: ${payload.running} running, ${payload.queued} waiting, cap ${payload.cap}`;
  if (kind.startsWith("worker.")) return `${payload.kind} ${payload.pid} on ${payload.host}`;
  if (kind.startsWith("maintenance.")) return payload.error || `${payload.deep ? "deep " : ""}${payload.kind} run`;
  return Object.entries(payload.reasons ?? {}).map(([name, reason]) => `${name}: ${reason}`).join(" ") || payload.status;
}

function state(status, sentence) {
  const element = place("state");
  if (element.textContent === sentence) return;
  element.className = `monitor-state ${status}`;
  element.textContent = sentence;
}

function component([name, part]) {
  return make("li", { class: `part ${part.status}` },
    make("span", { class: "part-name" }, KINDS[name] ?? name),
    make("span", { class: "part-status" }, STATES[part.status]),
    make("span", { class: "part-figures" }, figures(part.figures)),
    part.reason ? make("span", { class: "part-reason" }, part.reason) : null);
}

function figures({ latency_ms: latency, memory_bytes: memory, alive, connected }) {
  const shown = [];
  if (latency !== undefined) shown.push(`${latency.toFixed(1)} ms`);
  if (memory !== undefined) shown.push(`${(memory / 2 ** 20).toFixed(1)} MB`);
  if (alive !== undefined) shown.push(`${alive} alive`);
  if (connected !== undefined) shown.push(`${connected} connected`);
  return shown.join(", ");
}

function poolSection(pool, queue) {
  const title = `pool-${pool.name}`;
  return make("section", { "aria-labelledby": title, "data-testid": `pool-${pool.name}` },
    make("h2", { id: title }, `Pool ${pool.name}${pool.paused ? " (paused)" : ""}`),
    make("dl", { class: "figures" },
      ...figure("Running", `${pool.active_workers} of ${pool.max_concurrent}`),
      ...figure("Capacity now", pool.capacity),
      ...figure("Waiting", pool.queue_length),
      ...figure("Utilisation", `${pool.utilization_percent} %`),
      ...figure("Completed", pool.total_completed),
      ...figure("Failed", pool.total_failed)),
    table("At work", ["Tool", "Session", "Started", "For"], pool.workers.map((row) => [
      subagent(row.subagent_id, row.tool_name), session(row.session_id), clock(row.started_at), duration(row.duration_ms),
    ])),
    table("Queue", ["Position", "Work", "Owner", "Since"], queue.map((row) => [
      String(row.position), subagent(row.subagent_id, row.title), row.owner, clock(row.queued_at),
    ]), queue.length < pool.queue_length ? `The first ${queue.length} of ${pool.queue_length}.` : "", "long", pool.name));
}

function servers(rows) {
  return table("", ["Server", "Owner", "State", "Tried again", "Why"], rows.map((row) => [
    server(row.server_id, row.name), row.owner ?? "everybody", row.health,
    row.retry_at ? clock(row.retry_at) : row.health === "paused" ? "when resumed" : "at the next call",
    row.code ? `${row.code}: ${row.message}` : "",
  ]), "", "wide");
}

function failures(rows) {
  return table("", ["When", "Work", "Owner", "Why"], rows.map((row) => [
    clock(row.finished_at), subagent(row.subagent_id, row.title), row.owner, `${row.code}: ${row.message}`,
  ]), "", "wide");
}

function statistics(counts) {
  return [
    ["Clean-ups", counts.cleanup_count],
    ["Last one", counts.last_cleanup ? moment(counts.last_cleanup) : "never"],
    ["Sessions archived", counts.sessions_cleaned],
    ["Sessions removed", counts.sessions_removed],
    ["Temporary files", counts.temp_files_deleted],
    ["Exports expired", counts.exports_deleted],
    ["Files expired", counts.files_deleted],
    ["Logs rotated", counts.logs_rotated],
    ["Events pruned", counts.events_pruned],
  ].flatMap(([name, value]) => figure(name, value));
}

function runs(rows) {
  return table("Newest runs", ["Started", "Run", "State", "What it did"], rows.slice(0, 5).map((row) => [
    moment(row.started_at), `${row.deep ? "deep, " : ""}${row.kind}`, row.state, outcome(row),
  ]), "", "wide");
}

function outcome({ error, results }) {
  const lines = Object.entries(results).map(([name, { line }]) => `${name}: ${line}`).join("\n");
  const summary = error || `${Object.keys(results).length} jobs`;
  return make("details", {}, make("summary", {}, summary), make("pre", {}, lines));
}

function processes(rows) {
  return table("", ["Kind", "Host", "Process", "Takes", "Alive", "Since"], rows.map((row) => [
    row.kind, row.host, String(row.pid), row.queues.join(", "), row.alive ? "yes" : "no", moment(row.started_at),
  ]), "", "wide");
}

function figure(name, value) {
  return [make("div", { class: "figure" }, make("dt", {}, name), make("dd", {}, String(value)))];
}

/** `shape` is "long" for a table that scrolls in its frame, "wide" for one that is stacked on a phone. */
function table(caption, heads, rows, note = "", shape = "", name = "") {
  if (!rows.length) return make("p", { class: "quiet" }, caption ? `${caption}: nothing.` : "Nothing.");
  return make("div", { class: "table-frame" },
    make("div", shape === "long" ? { class: shape, "data-name": name, role: "region", "aria-label": `${caption} of ${name}`, tabindex: "0" } : { class: shape }, make("table", {},
      caption ? make("caption", {}, caption) : null,
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell, column) => make("td", { "data-head": heads[column] }, cell))))))),
    note ? make("p", { class: "quiet" }, note) : null);
}

function linked(list, id, text) {
  return make("a", { href: `${list}${encodeURIComponent(id)}/change/` }, text);
}

const subagent = (id, title) => linked(document.querySelector(".monitor").dataset.subagentUrl, id, title);
const session = (id) => linked(document.querySelector(".monitor").dataset.sessionUrl, id, id.slice(0, 8));
const server = (id, name) => linked(document.querySelector(".monitor").dataset.serverUrl, id, name);
const clock = (text) => new Date(text).toLocaleTimeString();
const moment = (text) => new Date(text).toLocaleString();

function duration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
