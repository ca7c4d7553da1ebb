/** The REST door: session cookie, CSRF token, problem+json errors. */

import { observe } from "./clock.js";

const TIMEOUT_MS = 30_000;
const CALL_WAIT_SECONDS = 20;
const LOGGED_OUT = "You are not logged in any more.";
// A document of 32 MiB takes its time.
const IMPORT_TIMEOUT_MS = 180_000;

/** A refused or failed request: `status` 0 means that no answer came. */
export class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether the reader has to log in (again). */
  get needsLogin() {
    return this.status === 401 || this.code === "not_authenticated";
  }

  /** Whether the same request may well succeed later. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Return a key (a random UUID) for `Idempotency-Key`; `crypto.randomUUID` is missing on plain http. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function csrfToken() {
  return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}

function headersFor(method, body, key) {
  const headers = { Accept: "application/json, application/problem+json" };
  if (body !== undefined) headers["Content-Type"] = isBytes(body) ? "application/octet-stream" : "application/json";
  if (method !== "GET") headers["X-CSRFToken"] = decodeURIComponent(csrfToken());
  if (key) headers["Idempotency-Key"] = key;
  return headers;
}

const isBytes = (body) => body instanceof ArrayBuffer;

/**
 * Send a request and return the decoded answer; `signal` gives it up early. Bytes go as they are, all else as
 * JSON. Throws `Problem`.
 */
export async function request(method, path, { body, key, signal, headers = {}, timeoutMs = TIMEOUT_MS } = {}) {
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await send(path, {
    method,
    headers: { ...headersFor(method, body, key), ...headers },
    body: body === undefined || isBytes(body) ? body : JSON.stringify(body),
    credentials: "same-origin",
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  if (response.headers.get("date")) observe(response.headers.get("date"));
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : decode(response);
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    const late = error.name === "TimeoutError";
    throw new Problem(
      0,
      "unreachable",
      late ? "The server did not answer in time." : "The server cannot be reached.",
    );
  }
}

async function decode(response) {
  const text = await response.text().catch(() => "");
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(0, "unreadable", "The server's answer was cut off.");
  }
}

async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const message = body.detail || body.title || `The server answered ${response.status}.`;
  const problem = new Problem(response.status, body.code ?? "", String(message));
  return problem.needsLogin ? new Problem(problem.status, problem.code, LOGGED_OUT) : problem;
}

const session = (id) => `/api/sessions/${encodeURIComponent(id)}/`;

export const listSessions = (state, search) =>
  request("GET", `/api/sessions/?${new URLSearchParams(search ? { state, search } : { state })}`);
/** Chats of every state, in large pages. */
export const listAllSessions = (search) =>
  request("GET", `/api/sessions/?${new URLSearchParams({ page_size: 100, ...(search && { search }) })}`);
/** Follow a `next` address on this site, whatever host name a proxy put into it. */
export const nextPage = (address) => {
  const { pathname, search } = new URL(address, location.href);
  return request("GET", pathname + search);
};
export const createSession = (key, model) => request("POST", "/api/sessions/", { body: { model }, key });
export const listModels = () => request("GET", "/api/models/");
export const listCommands = () => request("GET", "/api/commands/");
export const listTools = () => request("GET", "/api/tools/");
export const listOffers = () => request("GET", "/api/mcp/offers/");
export const getPrompt = (id, server, name, values, signal) =>
  request("POST", `/api/tools/get_prompt/execute/?wait=${CALL_WAIT_SECONDS}`, {
    body: { session_id: id, args: { server, name, arguments: values } },
    signal,
  });
export const readCall = (id, signal) =>
  request("GET", `/api/tool-calls/${encodeURIComponent(id)}/?wait=${CALL_WAIT_SECONDS}`, { signal });
export const readSession = (id) => request("GET", session(id));
export const readUsage = (id) => request("GET", `${session(id)}usage/`);
export const renameSession = (id, title) => request("PATCH", session(id), { body: { title } });
export const chooseModel = (id, model) => request("PATCH", session(id), { body: { model } });
export const deleteSession = (id) => request("DELETE", session(id));
export const archiveSession = (id) => request("POST", `${session(id)}archive/`);
export const restoreSession = (id) => request("POST", `${session(id)}restore/`);
export const stopSession = (id) => request("POST", `${session(id)}stop/`);
export const postMessage = (id, content, key, signal) =>
  request("POST", `${session(id)}messages/`, { body: { content }, key, signal });
export const readMessage = (id, messageId) =>
  request("GET", message(id, messageId));
const message = (id, messageId) => `${session(id)}messages/${encodeURIComponent(messageId)}/`;
export const editMessage = (id, messageId, content, key) =>
  request("POST", `${message(id, messageId)}edit/`, { body: { content }, key });
export const regenerate = (id, messageId) => request("POST", `${message(id, messageId)}regenerate/`);
export const switchBranch = (id, branchId) =>
  request("POST", `${session(id)}branches/${encodeURIComponent(branchId)}/switch/`);
export const stopTurn = (id) => request("POST", `/api/turns/${encodeURIComponent(id)}/stop/`);
export const decideApproval = (id, decision) =>
  request("POST", `/api/approvals/${encodeURIComponent(id)}/`, { body: decision });
export const listPermissions = () => request("GET", "/api/tool-permissions/?page_size=100");
export const takeBackPermission = (id) =>
  request("DELETE", `/api/tool-permissions/${encodeURIComponent(id)}/`);
export const cancelSubagent = (id) => request("POST", `/api/subagents/${encodeURIComponent(id)}/cancel/`);
/** Return a subagent once it has ended, or after some seconds as it is. */
export const readSubagent = (id) =>
  request("GET", `/api/subagents/${encodeURIComponent(id)}/?wait=${CALL_WAIT_SECONDS}`);
export const retrySubagent = (id, key) =>
  request("POST", `/api/subagents/${encodeURIComponent(id)}/retry/`, { key });
/** `wish` is `{format, options}` with `session_id` of one chat, or `session_ids` of an archive. */
export const requestExport = (wish, key, signal) =>
  request("POST", "/api/exports/", { body: wish, key, signal });
/** Exports of a chat, newest first. */
export const listExports = (sessionId) =>
  request("GET", `/api/exports/?${new URLSearchParams({ session_id: sessionId })}`);
/** `document` is the bytes of a JSON export, or `{file}` with the id of an uploaded one. */
export const importChat = (document, key) =>
  request("POST", "/api/sessions/import/", {
    body: document,
    key,
    headers: { "Content-Type": "application/json" },
    timeoutMs: IMPORT_TIMEOUT_MS,
  });

const file = (id) => `/api/files/${encodeURIComponent(id)}/`;
export const announceFile = (name, size, signal) =>
  request("POST", "/api/files/", { body: { name, size }, signal });
export const readFile = (id, signal) => request("GET", file(id), { signal });
export const listDelivered = (subagentId) =>
  request("GET", `/api/files/?${new URLSearchParams({ subagent_id: subagentId })}`);
export const deleteFile = (id) => request("DELETE", file(id));
export const sendPiece = (id, offset, body, options) =>
  request("PATCH", `${file(id)}content/`, { ...options, body, headers: { "Upload-Offset": String(offset) } });

const WHY_NO_FILE = {
  403: "You may not have this file any more.",
  404: "There is no such file of yours: it was deleted, or is another user’s.",
  409: "This file is not there whole: its upload has not ended.",
  410: "This file was kept for some days only and is gone.",
  503: "The file cannot be fetched now: its storage does not answer. Try again later.",
};

/** Return the problem that keeps a file from being downloaded, or null. */
export async function whyNoFile(address) {
  try {
    await request("HEAD", address);
    return null;
  } catch (problem) {
    const words = WHY_NO_FILE[problem.status];
    return words ? new Problem(problem.status, problem.code, words) : problem;
  }
}
