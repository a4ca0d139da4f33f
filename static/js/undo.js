// Cards of deleted pictures: taken off the page, and put back where they were when the deletion is undone.
import { asked } from "./asked.js";
import { focusGrid } from "./grid_keys.js";
import { outcome } from "./outcome.js";

const grid = document.getElementById("pictures");
const form = document.querySelector("#outcome [data-part=undo]");
let taken = []; // [card, the one behind it], in the order in which they were taken away

export function takeAway(cards) {
  taken = cards.map((card) => {
    const behind = card.nextElementSibling;
    card.remove();
    return [card, behind];
  });
}

function putBack(ids) {
  const isBack = ([card]) => ids.some((id) => card.id === `picture-${id}`);
  for (const [card, behind] of taken.filter(isBack).reverse()) {
    grid.insertBefore(card, behind?.parentElement === grid ? behind : null);
    // It may be waiting again: the page's poll brings its state.
    card.querySelector(".picture-state").dataset.unfinished = ids.find((id) => card.id === `picture-${id}`);
  }
  focusGrid(taken.find(isBack)?.[0]);
  taken = [];
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { restored = [], message } = await asked(form, new FormData(form));
  putBack(restored);
  outcome(message, { isDone: restored.length > 0 });
  htmx.trigger("#live", "refresh");
});
