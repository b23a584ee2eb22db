// The page of a case: mouse, keys and sliders change its views. Without this script the page shows pictures and report.

import { View } from "./case-view.js";

const byId = (id) => document.getElementById(id);
const views = [...document.querySelectorAll("figure[data-image]")].map((figure) => new View(figure, shown));
const windowed = views.filter((view) => view.canWindow);
let active = windowed[0] ?? views[0];

const KEY_STEP = 0.01;
const KEY_MOVE = 40;
const KEY_ZOOM = 1.25;
const WHEEL_ZOOM = 1.0015;

/** Return the views that a change of the window is for; zoom and position are those of one view. */
function chosen() {
  return byId("all").checked ? views : [active];
}

function changeWindow(center, width) {
  for (const view of chosen()) view.changeWindow(center, width);
}

/** Let the sliders say what the active view shows. */
function shown(view) {
  if (view !== active) return;
  byId("invert").checked = view.inverted;
  const window = view.shownWindow;
  const canWindow = view.canWindow;
  for (const id of ["center", "width"]) {
    byId(id).disabled = !canWindow;
    if (!canWindow || !window) continue;
    byId(id).value = window[id];
    byId(`${id}-shown`).textContent = Math.round(window[id]);
  }
  byId("preset").value = view.preset ?? "own";
}

function activate(view) {
  active = view;
  shown(view);
}

function prepareTools() {
  const tools = byId("tools");
  if (windowed.length) {
    const low = Math.min(...windowed.map((view) => view.range[0]));
    const high = Math.max(...windowed.map((view) => view.range[1]));
    Object.assign(byId("center"), { min: low, max: high });
    Object.assign(byId("width"), { min: 1, max: high - low + 1 });
  }
  const presets = views.map((view) => view.image.presets).reduce((a, b) => (b.length > a.length ? b : a), []);
  presets.forEach((preset, at) => {
    const what = preset.center == null ? `Table ${at + 1}` : `${preset.center} / ${preset.width}`;
    byId("preset").append(new Option(preset.explanation ? `${preset.explanation} (${what})` : what, at + 1));
  });
  byId("preset").addEventListener("change", (event) => {
    for (const view of chosen()) view.choosePreset(event.target.value);
  });
  for (const id of ["center", "width"]) {
    byId(id).addEventListener("input", () => {
      const window = { function: "linear", center: Number(byId("center").value), width: Number(byId("width").value) };
      for (const view of chosen()) view.setWindow(window);
    });
  }
  byId("invert").addEventListener("change", (event) => {
    for (const view of chosen()) view.invert(event.target.checked);
  });
  byId("zoom-in").addEventListener("click", () => active.zoomBy(KEY_ZOOM));
  byId("zoom-out").addEventListener("click", () => active.zoomBy(1 / KEY_ZOOM));
  byId("actual").addEventListener("click", () => active.actualSize());
  byId("reset").addEventListener("click", () => views.forEach((view) => view.reset()));
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.hidden = byId("help").hidden = false;
}

const MOVES = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const KEYS = {
  "+": (view) => view.zoomBy(KEY_ZOOM),
  "=": (view) => view.zoomBy(KEY_ZOOM),
  "-": (view) => view.zoomBy(1 / KEY_ZOOM),
  f: (view) => view.fit(),
  1: (view) => view.actualSize(),
  i: (view) => chosen().forEach((one) => one.invert(!view.inverted)),
  r: () => views.forEach((view) => view.reset()),
  PageUp: (view) => view.step(-1),
  PageDown: (view) => view.step(1),
};

function onKey(event, view) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const move = MOVES[event.key];
  if (move && event.shiftKey) view.move(move[0] * KEY_MOVE, move[1] * KEY_MOVE);
  else if (move) changeWindow(-move[1] * KEY_STEP, move[0] * KEY_STEP);
  else if (KEYS[event.key]) KEYS[event.key](view);
  else return;
  event.preventDefault();
}

function onPointerDown(event, view) {
  const moves = event.shiftKey || event.button !== 0;
  view.stage.setPointerCapture(event.pointerId);
  view.stage.focus({ preventScroll: true });
  let last = event;
  const onMove = (now) => {
    const x = now.clientX - last.clientX;
    const y = now.clientY - last.clientY;
    last = now;
    if (moves) view.move(x, y);
    else changeWindow(-y / view.stage.clientHeight, x / view.stage.clientWidth);
  };
  const ended = new AbortController();
  view.stage.addEventListener("pointermove", onMove, { signal: ended.signal });
  for (const end of ["pointerup", "pointercancel"]) {
    view.stage.addEventListener(end, () => ended.abort(), { signal: ended.signal });
  }
  event.preventDefault();
}

for (const view of views) {
  const { stage } = view;
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-roledescription", "image view");
  stage.addEventListener("focus", () => activate(view));
  stage.addEventListener("keydown", (event) => onKey(event, view));
  stage.addEventListener("pointerdown", (event) => onPointerDown(event, view));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("dblclick", () => view.fit());
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const box = stage.getBoundingClientRect();
      view.zoomBy(WHEEL_ZOOM ** -event.deltaY, event.clientX - box.left, event.clientY - box.top);
    },
    { passive: false },
  );
}
if (views.length) prepareTools();
