// The stored grey values of one frame, and how they are drawn through a window. It knows no page.

const AS_STORED = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";
const KINDS = { "8u": Uint8Array, "8s": Int8Array, "16u": Uint16Array, "16s": Int16Array };

/** Return the grey, 0 black to 1 white, of a value after rescale. Source: PS3.3 2024e C.11.2.1.2 and C.11.2.1.3 */
export function grey(value, { center, width, function: how }) {
  if (how === "sigmoid") return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (how === "linear-exact") return (value - center) / width + 0.5;
  if (width === 1) return value > center - 0.5 ? 1 : 0;
  return (value - (center - 0.5)) / (width - 1) + 0.5;
}

export class Values {
  /** Fetch the values of a frame; `about` says how they are to be read, as the case's JSON does. */
  static async fetch(address, rows, columns, about) {
    const answer = await fetch(address, { headers: { Accept: AS_STORED } });
    if (!answer.ok) throw new Error(`the values were answered by ${answer.status}`);
    const Kind = KINDS[`${about.bits_allocated}${about.is_signed ? "s" : "u"}`];
    const stored = new Kind(await answer.arrayBuffer(), 0, rows * columns);
    return new Values(stored, rows, columns, about);
  }

  constructor(stored, rows, columns, about) {
    this.about = about;
    this.least = about.is_signed ? -(2 ** (about.bits_allocated - 1)) : 0;
    const values = stored instanceof Uint16Array ? stored : Uint16Array.from(stored, (one) => one - this.least);
    this.levels = [{ values, rows, columns }];
  }

  /** Return the window that shows all values there are, padding left out. */
  wholeRange() {
    const { slope, intercept, padding } = this.about;
    let low = Infinity;
    let high = -Infinity;
    for (const index of this.levels[0].values) {
      const stored = index + this.least;
      if (padding && stored >= padding[0] && stored <= padding[1]) continue;
      if (stored < low) low = stored;
      if (stored > high) high = stored;
    }
    if (high < low) low = high = 0;
    const ends = [low * slope + intercept, high * slope + intercept].sort((a, b) => a - b);
    return { center: (ends[0] + ends[1]) / 2 + 0.5, width: ends[1] - ends[0] + 1, function: "linear" };
  }

  /** Return the grey byte of every value there can be. */
  table(window, inverted) {
    const { bits_allocated: bits, slope, intercept, is_inverted: isInverted, padding } = this.about;
    const table = new Uint8Array(2 ** bits);
    for (let index = 0; index < table.length; index += 1) {
      const stored = index + this.least;
      if (padding && stored >= padding[0] && stored <= padding[1]) continue;
      const shown = Math.min(1, Math.max(0, grey(stored * slope + intercept, window)));
      table[index] = Math.round(255 * (isInverted === inverted ? shown : 1 - shown));
    }
    return table;
  }

  /** Return the image halved so often that drawing at `scale` leaves no value out. */
  #level(scale) {
    const wanted = Math.max(0, Math.floor(Math.log2(1 / scale)));
    while (this.levels.length <= wanted) {
      const from = this.levels.at(-1);
      const rows = from.rows >> 1;
      const columns = from.columns >> 1;
      if (rows < 1 || columns < 1) break;
      const values = new Uint16Array(rows * columns);
      for (let row = 0, at = 0; row < rows; row += 1) {
        let above = 2 * row * from.columns;
        for (let column = 0; column < columns; column += 1, above += 2, at += 1) {
          const below = above + from.columns;
          const sum = from.values[above] + from.values[above + 1] + from.values[below] + from.values[below + 1];
          values[at] = (sum + 2) >> 2;
        }
      }
      this.levels.push({ values, rows, columns });
    }
    return this.levels[Math.min(wanted, this.levels.length - 1)];
  }

  /** Draw into ImageData: `place` says where the image lies in it (left, top, scale) and how it is flipped. */
  paint(target, table, place) {
    const { values, rows, columns } = this.#level(place.scale);
    const out = new Uint32Array(target.data.buffer);
    const across = steps(target.width, place.left, place.scale, this.levels[0].columns, columns, place.flipX);
    const down = steps(target.height, place.top, place.scale, this.levels[0].rows, rows, place.flipY);
    out.fill(0xff000000);
    for (let y = 0; y < target.height; y += 1) {
      if (down.first[y] < 0) continue;
      const above = down.first[y] * columns;
      const below = down.second[y] * columns;
      const dy = down.part[y];
      for (let x = 0, at = y * target.width; x < target.width; x += 1, at += 1) {
        const a = across.first[x];
        if (a < 0) continue;
        const b = across.second[x];
        const dx = across.part[x];
        const upper = values[above + a] * (1 - dx) + values[above + b] * dx;
        const lower = values[below + a] * (1 - dx) + values[below + b] * dx;
        const shown = table[(upper * (1 - dy) + lower * dy + 0.5) | 0];
        out[at] = 0xff000000 | (shown << 16) | (shown << 8) | shown;
      }
    }
  }
}

/** Say for each pixel of a line which two samples it lies between; -1 where it lies beside the image. */
function steps(length, begin, scale, size, samples, flipped) {
  const first = new Int32Array(length).fill(-1);
  const second = new Int32Array(length);
  const part = new Float32Array(length);
  for (let pixel = 0; pixel < length; pixel += 1) {
    let at = (pixel + 0.5 - begin) / scale;
    if (at < 0 || at >= size) continue;
    if (flipped) at = size - at;
    const sample = Math.min(samples - 1, Math.max(0, (at * samples) / size - 0.5));
    first[pixel] = Math.floor(sample);
    second[pixel] = Math.min(samples - 1, first[pixel] + 1);
    part[pixel] = sample - first[pixel];
  }
  return { first, second, part };
}
