/** Has a server write a prompt; the chat worker asks it, so the answer may have to be waited for. */

import * as api from "./api.js";

const LONGEST_MS = 120_000;

/** Return the text of a prompt. Throws a `Problem` with what went wrong. */
export async function writtenPrompt(sessionId, prompt, values, signal) {
  const until = Date.now() + LONGEST_MS;
  let call = await api.getPrompt(sessionId, prompt.server, prompt.name, values, signal);
  while (call.state === "running" && Date.now() < until) call = await api.readCall(call.call_id, signal);
  if (call.state === "running") throw new api.Problem(0, "late", "The server did not answer in time.");
  if (call.state !== "succeeded") throw new api.Problem(0, call.error?.code ?? "", failureOf(call));
  const text = String(call.result?.data?.text ?? "").trim();
  if (!text) throw new api.Problem(0, "empty", "The prompt has no text.");
  return text;
}

function failureOf({ error }) {
  return error ? `${error.message} (${error.code})` : "The server did not write the prompt.";
}
