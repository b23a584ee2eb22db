// One view of a case: its picture, or its values through a window, where zoom and position put them.

import { Values } from "./case-values.js";

const MOST_ZOOM = 32;

export class View {
  constructor(figure, changed) {
    this.figure = figure;
    this.image = JSON.parse(figure.dataset.image);
    this.side = figure.classList.contains("right") ? "right" : "left";
    this.stage = figure.querySelector(".stage");
    this.picture = figure.querySelector("img");
    this.state = figure.querySelector(".state");
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.changed = changed;
    this.frame = this.image.frame_number;
    this.preset = "";
    this.#forget();
    this.stage.append(this.canvas);
    new ResizeObserver(() => this.draw()).observe(this.stage);
    this.#load();
  }

  #forget() {
    this.window = null;
    this.inverted = false;
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
  }

  get canWindow() {
    return this.image.values !== null;
  }

  /** Return the window in use or, while the image is shown as stored, the one to begin with; null if not known yet. */
  get shownWindow() {
    const stored = this.image.presets[0];
    return this.window ?? (stored?.center != null ? stored : (this.values?.wholeRange() ?? null));
  }

  /** Return least and greatest of the values that there can be, after rescale. */
  get range() {
    const { bits_stored: bits, is_signed: isSigned, slope, intercept } = this.image.values;
    const ends = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
    return ends.map((end) => end * slope + intercept).sort((a, b) => a - b);
  }

  async #load() {
    const query = new URLSearchParams();
    if (this.preset) query.set("preset", this.preset);
    if (this.frame !== this.image.frame_number) query.set("frame", this.frame);
    const address = new URL(`${this.image.picture}?${query}`.replace(/\?$/, ""), document.baseURI).href;
    if (this.picture.src !== address) this.picture.src = address;
    this.ready = false;
    try {
      await this.picture.decode();
    } catch {
      return;
    }
    this.ready = true;
    this.figure.classList.add("scripted");
    this.draw();
  }

  /** Fetch the values, once; true when they are there. */
  async #fetchValues() {
    if (!this.canWindow) return false;
    const frame = this.frame;
    this.fetching ??= Values.fetch(
      this.image.frames + frame,
      this.image.rows,
      this.image.columns,
      this.image.values,
    );
    try {
      const values = await this.fetching;
      if (frame !== this.frame) return false;
      this.values = values;
      return true;
    } catch (error) {
      this.fetching = null;
      this.state.textContent = `The window cannot be changed: ${error.message}`;
      return false;
    }
  }

  /** Show a window of the user's own, or that of a preset. */
  async setWindow(window, preset = null) {
    if (!(await this.#fetchValues())) return;
    this.preset = preset;
    this.#show(window);
  }

  #show({ center, width, function: how }) {
    this.window = { center, width: Math.max(how === "linear" ? 1 : 0.001, width), function: how };
    this.draw();
  }

  /** Move center and width by parts of the range of values. */
  async changeWindow(center, width) {
    if (!(await this.#fetchValues())) return;
    const [low, high] = this.range;
    const now = this.shownWindow;
    const bounded = (value, least, most) => Math.min(most, Math.max(least, value));
    // At once, for the next key may have been pressed while the values were on their way.
    this.preset = null;
    this.#show({
      function: now.function,
      center: bounded(Math.round(now.center + center * (high - low)), low, high),
      width: bounded(Math.round(now.width + width * (high - low)), 1, high - low + 1),
    });
  }

  /** Show one of the image's presets, by number, or the first for "". */
  async choosePreset(number) {
    const preset = this.image.presets[number - 1];
    if (number && !preset) return;
    if (preset?.center != null && this.canWindow) {
      await this.setWindow(preset, number);
      return;
    }
    this.window = null;
    this.preset = number;
    await this.#load();
  }

  invert(inverted) {
    this.inverted = inverted;
    this.draw();
  }

  async reset() {
    this.#forget();
    this.preset = "";
    await this.#load();
  }

  fit() {
    Object.assign(this, { zoom: 1, x: 0, y: 0 });
    this.draw();
  }

  async step(frames) {
    const frame = Math.min(this.image.number_of_frames, Math.max(1, this.frame + frames));
    if (frame === this.frame) return;
    this.frame = frame;
    this.ready = false;
    this.values = this.fetching = null;
    if (this.window) await this.setWindow(this.window, this.preset);
    await this.#load();
  }

  /** Move the image by so many pixels of the screen. */
  move(x, y) {
    this.x += x * devicePixelRatio;
    this.y += y * devicePixelRatio;
    this.draw();
  }

  /** Zoom by a factor about a point of the stage, in pixels of the screen; about the chest wall unless given. */
  zoomBy(factor, x = this.side === "right" ? this.stage.clientWidth : 0, y = this.stage.clientHeight / 2) {
    const before = this.#place();
    const zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    const ratio = zoom / this.zoom;
    this.zoom = zoom;
    this.x = this.y = 0;
    const after = this.#place();
    this.x = x * devicePixelRatio - (x * devicePixelRatio - before.left) * ratio - after.left;
    this.y = y * devicePixelRatio - (y * devicePixelRatio - before.top) * ratio - after.top;
    if (zoom === 1) this.x = this.y = 0;
    this.draw();
  }

  /** Show one pixel of the image by one of the screen. */
  actualSize() {
    this.zoomBy(1 / this.#place().scale);
  }

  /** Say where the image lies on the canvas: at the chest wall's side, in the middle of the height. */
  #place() {
    const { width, height } = this.canvas;
    const { rows, columns } = this.image;
    const scale = Math.min(width / columns, height / rows) * this.zoom;
    const chest = this.side === "right" ? width - columns * scale : 0;
    return {
      scale,
      left: chest + this.x,
      top: (height - rows * scale) / 2 + this.y,
      flipX: this.image.flip_horizontally,
      flipY: this.image.flip_vertically,
    };
  }

  draw() {
    if (this.drawing || !this.ready) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null;
      if (this.ready) this.#drawNow();
    });
  }

  #drawNow() {
    this.canvas.width = Math.max(1, Math.round(this.stage.clientWidth * devicePixelRatio));
    this.canvas.height = Math.max(1, Math.round(this.stage.clientHeight * devicePixelRatio));
    const context = this.canvas.getContext("2d");
    const place = this.#place();
    if (this.window && this.values) {
      const target = context.createImageData(this.canvas.width, this.canvas.height);
      this.values.paint(target, this.values.table(this.window, this.inverted), place);
      context.putImageData(target, 0, 0);
    } else {
      this.#drawPicture(context, place);
    }
    this.#say(place);
    this.changed(this);
  }

  #drawPicture(context, { scale, left, top, flipX, flipY }) {
    const width = this.image.columns * scale;
    const height = this.image.rows * scale;
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(flipX ? -1 : 1, 0, 0, flipY ? -1 : 1, flipX ? left + width : left, flipY ? top + height : top);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.picture, 0, 0, width, height);
    if (this.inverted) {
      context.globalCompositeOperation = "difference";
      context.fillStyle = "#fff";
      context.fillRect(0, 0, width, height);
    }
  }

  #say({ scale }) {
    const round = (value) => Math.round(value * 10) / 10;
    const window = this.window;
    const parts = [window ? `C ${round(window.center)}  W ${round(window.width)}` : "As stored"];
    if (this.inverted) parts.push("inverted");
    if (this.image.number_of_frames > 1) parts.push(`frame ${this.frame}/${this.image.number_of_frames}`);
    parts.push(`${Math.round(scale * 100)} %`);
    this.state.textContent = parts.join(" · ");
    this.figure.dataset.drawn = this.state.textContent;
  }
}
