/** Waits before a further try: longer each time, and never just as long as all other pages do. */

export class Backoff {
  #act;
  #timer = 0;

  /** `act()` makes the next try; `failures` counts the waits since the last `reset()`. */
  constructor(act) {
    this.#act = act;
    this.failures = 0;
  }

  /** Whether a try is planned. */
  get isWaiting() {
    return this.#timer !== 0;
  }

  /**
   * Plan the next try after `first` milliseconds at most, twice that the next time, up to `longest`, and
   * half of it at least. Returns its moment in milliseconds since 1970.
   */
  wait({ first, longest }) {
    this.cancel();
    const most = Math.min(longest, first * 2 ** this.failures);
    const delay = most * (0.5 + Math.random() / 2);
    this.failures += 1;
    this.#timer = setTimeout(() => this.now(), delay);
    return Date.now() + delay;
  }

  /** Make the planned try at once; false if none is planned. */
  now() {
    const planned = this.isWaiting;
    this.cancel();
    if (planned) this.#act();
    return planned;
  }

  /** Plan nothing any more. */
  cancel() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Begin with the first wait again. */
  reset() {
    this.cancel();
    this.failures = 0;
  }
}
