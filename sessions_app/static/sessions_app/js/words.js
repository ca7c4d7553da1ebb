/** The words of the page: states, stages, durations, sizes. */

const STATES = {
  queued: "Queued",
  admitted: "Starting",
  running: "Running",
  succeeded: "Succeeded",
  completed: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
};
const STAGES = {
  analyzing: "Analyzing",
  generating_report: "Generating the report",
  complete: "Complete",
};
const ORDINALS = ["", "First", "Second", "Third", "Fourth", "Fifth"];

/** Return the word of a state. */
export function stateWord(state) {
  return STATES[state] ?? plain(state);
}

/** Return a stage as people say it: `scanning_dependencies` is "Scanning dependencies". */
export function stageWords(stage) {
  return STAGES[stage] ?? plain(stage);
}

/** Return a machine's name as words. */
export function plain(name) {
  const words = String(name ?? "")
    .replaceAll("_", " ")
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Return "Second attempt" for 2. */
export function attemptWords(attempt) {
  return `${ORDINALS[attempt] ?? `${attempt}th`} attempt`;
}

/** Return a duration in milliseconds the short way: "850 ms", "12 s", "3 min 05 s". */
export function durationWords(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return clockWords(milliseconds);
}

/** Return a duration in milliseconds in whole seconds, for something that ticks. */
export function clockWords(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`;
}

function pad(number) {
  return String(number).padStart(2, "0");
}

/** Return the time left in seconds, rounded so that it does not jump about. */
export function leftWords(seconds) {
  if (seconds < 10) return "a few seconds left";
  if (seconds < 60) return `about ${Math.round(seconds / 5) * 5} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/** Return the wait in seconds until a start, rounded so that it does not jump about. */
export function waitWords(seconds) {
  if (seconds < 10) return "starts in a few seconds";
  if (seconds < 60) return `starts in about ${Math.round(seconds / 5) * 5} s`;
  return `starts in about ${Math.round(seconds / 60)} min`;
}

/** Return a size in bytes for people. */
export function sizeWords(bytes) {
  if (bytes < 1000) return count(bytes, "byte");
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}

/** Return "Today", "Yesterday" or "Earlier" for a moment. */
export function dayWord(moment, now = new Date()) {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (moment >= midnight) return "Today";
  return moment >= yesterday ? "Yesterday" : "Earlier";
}

/** Return "1 agent" or "3 agents". */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
