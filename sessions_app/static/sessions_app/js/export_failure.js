/** What a reader can do about an export that failed. */

import { Problem } from "./api.js";

const AGAIN = "Try again; if that does not help, tell who runs this server.";
const LESS = "Export fewer messages, or try again when the server has less to do.";
const ADVICE = {
  unsupported_format: "Choose another format in the Export menu.",
  session_gone: "Export the chats that are left anew.",
  empty_range: "Choose other messages under “More options…” in the Export menu.",
  permission_denied: "Ask who runs this server whether you may read these chats.",
  invalid_options: "Choose other options under “More options…” in the Export menu.",
  storage_failed: AGAIN,
  no_work_folder: AGAIN,
  pdf_failed: "Try again, or take HTML: it looks the same and can be printed.",
  pdf_too_large: "Export fewer messages, or take HTML: it has no such limit and can be printed.",
  timeout: LESS,
  idle_timeout: LESS,
  out_of_memory: LESS,
  queue_timeout: "Try again when the server has less to do.",
  worker_lost: AGAIN,
  tool_error: AGAIN,
};

const DELETED = "There is no such chat of yours: it was deleted, or is another user’s.";
const ARCHIVED_DELETED = "One of these chats was deleted: choose the others in “Export several chats…”.";
const REFUSALS = {
  session_not_active:
    "This chat is stopped and takes no work. Choose it in “Export several chats…”: that begins a new chat.",
};

/** Return why an export that was asked for in the open chat was refused, in words that say what to do. */
export function refusal(problem, { session_ids } = {}) {
  const deleted = session_ids ? ARCHIVED_DELETED : DELETED;
  const words = problem.code === "not_found" ? deleted : REFUSALS[problem.code];
  return words ? new Problem(problem.status, problem.code, words) : problem;
}

/** Return what to do about an error, or an empty string. */
export function adviceOn(error) {
  return ADVICE[error?.code] ?? "";
}

/** Return the format to take instead, or null. */
export function formatInstead(error) {
  return error?.code?.startsWith("pdf_") ? "html" : null;
}
