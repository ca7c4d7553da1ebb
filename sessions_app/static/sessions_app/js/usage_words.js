/** What answers took, in words: tokens, cost, model, time. */

import { durationWords } from "./words.js";

const NUMBER = new Intl.NumberFormat(undefined);

/** Return "1,234 tokens", with a mark if they were estimated. */
function tokenWords({ input_tokens, output_tokens, estimated_requests }) {
  return `${estimated_requests ? "≈ " : ""}${NUMBER.format(input_tokens + output_tokens)} tokens`;
}

/** Return what it cost in dollars; what is not known is never shown as nothing. */
export function costWords({ cost_usd, unpriced_requests }) {
  if (cost_usd === null) return "cost unknown";
  return `${unpriced_requests ? "at least " : ""}${dollars(Number(cost_usd))}`;
}

function dollars(amount) {
  if (amount > 0 && amount < 0.0001) return "< $0.0001";
  return `$${amount.toFixed(amount < 1 ? 4 : 2)}`;
}

/** Return what stands under an answer: tokens, cost, model, time. */
export function answerWords({ model, duration_ms, usage }) {
  const name = model.slice(model.indexOf(":") + 1);
  return [tokenWords(usage), costWords(usage), name, durationWords(duration_ms)].join(" · ");
}

/** Return the same at length, for who points at it. */
export function answerDetails({ model, usage }) {
  const cached = usage.cache_read_tokens ? ` (${NUMBER.format(usage.cache_read_tokens)} from a cache)` : "";
  const guess = usage.estimated_requests ? ", in part estimated" : "";
  return (
    `${NUMBER.format(usage.input_tokens)} tokens read${cached}, ` +
    `${NUMBER.format(usage.output_tokens)} written${guess}; ` +
    `${NUMBER.format(usage.requests)} requests to ${model}; ${costWords(usage)}`
  );
}

/** Return what a whole chat took so far; empty if no model was asked. */
export function sessionWords(usage) {
  return usage.requests ? `This chat: ${tokenWords(usage)} · ${costWords(usage)}` : "";
}
