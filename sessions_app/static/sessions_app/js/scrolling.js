/** Keeps the end of the timeline in view, but only for a reader who is there. */

import { show } from "./dom.js";

const NEAR_PX = 80;

export class Scrolling {
  #scroller;
  #button;
  #atEnd = true;

  constructor(scroller, button) {
    this.#scroller = scroller;
    this.#button = button;
    scroller.addEventListener("scroll", () => this.#look(), { passive: true });
    button.addEventListener("click", () => this.toEnd("smooth"));
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(scroller);
  }

  /** Change the timeline by `draw()`, then follow its end if the reader was there. */
  around(draw) {
    const follows = this.#isAtEnd();
    const height = this.#scroller.scrollHeight;
    draw();
    if (follows) this.toEnd();
    else if (this.#scroller.scrollHeight > height) show(this.#button, true);
  }

  /** Go to the end; `behavior` as for `scrollTo`. */
  toEnd(behavior = "instant") {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior: calm ? "instant" : behavior });
    this.#atEnd = true;
    show(this.#button, false);
  }

  #look() {
    this.#atEnd = this.#isAtEnd();
    if (this.#atEnd) show(this.#button, false);
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }
}
