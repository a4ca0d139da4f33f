// The dashboard is replaced while people read it: what they have opened stays open, where they are they stay.
const desk = () => document.getElementById("desk");
let opened = [];
let focused = null;

const nameOf = (element) => element.getAttribute("href") ?? element.parentElement.id;

function remember(event) {
  if (event.detail.target !== desk()) return;
  opened = [...desk().querySelectorAll("details[open]")].map((details) => details.id);
  focused = desk().contains(document.activeElement) ? nameOf(document.activeElement) : null;
}

function restore() {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  const places = [...desk().querySelectorAll("a, summary")];
  if (focused) places.find((place) => nameOf(place) === focused)?.focus({ preventScroll: true });
  opened = [];
  focused = null;
}

document.addEventListener("htmx:beforeSwap", remember);
document.addEventListener("htmx:afterSwap", restore);
