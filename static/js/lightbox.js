// The close-up of a picture, and the arrow keys from one picture to the next, with and without it.
import { follow } from "./gestures.js";
import { Zoom } from "./zoom.js";

const OPEN = "#enlarged";
const MOVE_PX = 80;
const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const NEIGHBOURS = { ArrowLeft: "previous", ArrowRight: "next" };
const ZOOMS = { "+": 1, "=": 1, "-": -1, 0: 0 };

const dialog = document.getElementById("lightbox");
const part = (name) => dialog.querySelector(`[data-part=${name}]`);
const stage = part("stage");
const image = stage.querySelector("img");
const zoom = new Zoom(stage, image);

const remember = (hash) => history.replaceState(history.state, "", location.pathname + location.search + hash);
const resize = (direction) => (direction ? zoom.step(direction) : zoom.fit());

function open() {
  image.loading = "eager";
  dialog.showModal();
  zoom.fit();
  remember(OPEN);
}

function go(to) {
  const link = (dialog.open ? dialog : document).querySelector(`[data-neighbour=${to}]`);
  if (link) location.assign(link.href);
  return Boolean(link);
}

function enlargedKey(event) {
  if (event.key in ZOOMS) resize(ZOOMS[event.key]);
  else if (zoom.isEnlarged && event.key in MOVES) zoom.move(...MOVES[event.key].map((share) => share * MOVE_PX));
  else if (!(event.key in NEIGHBOURS) || !go(NEIGHBOURS[event.key])) return;
  event.preventDefault();
}

function key(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (dialog.open) enlargedKey(event);
  else if (event.key in NEIGHBOURS && !event.target.closest("input, select, textarea, [popover], dialog[open]")) go(NEIGHBOURS[event.key]);
}

function clicked(event) {
  const button = event.target.closest("[data-zoom], [data-close]");
  if (button?.matches("[data-zoom]")) resize(Number(button.dataset.zoom));
  else if (button) dialog.close();
}

document.getElementById("picture").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || !event.target.closest("img, #enlarge")) return;
  event.preventDefault();
  open();
});
document.addEventListener("keydown", key);
dialog.addEventListener("click", clicked);
dialog.addEventListener("close", () => remember(""));
stage.addEventListener("zoom", () => (part("level").textContent = image.naturalWidth ? `${zoom.percent}%` : ""));
image.addEventListener("load", () => zoom.fit());
image.addEventListener("error", () => (part("failed").hidden = false));
window.addEventListener("resize", () => dialog.open && zoom.fit());
follow(stage, zoom, { swipe: go });
if (location.hash === OPEN) open();
