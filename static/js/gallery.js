// A picture that was just taken in appears at the head of the gallery, the first one with all that searches them; the
// page's poll then keeps its card true.

function newCard(image) {
  const card = document.getElementById("new-card").content.firstElementChild.cloneNode(true);
  const state = card.querySelector(".picture-state");
  card.id = `picture-${image.id}`;
  card.querySelector("a").href = image.url;
  card.querySelector("img").src = `${image.url}thumbnail/`;
  state.id = `picture-state-${image.id}`;
  state.dataset.unfinished = image.id;
  card.querySelector(".picture-name").textContent = image.filename;
  const box = card.querySelector(".picture-box");
  box.value = image.id;
  box.ariaLabel = box.ariaLabel.replace("{filename}", image.filename);
  return card;
}

export function showInGallery(image) {
  const grid = document.querySelector("#pictures[data-takes-new]");
  if (!grid) return;
  grid.prepend(newCard(image));
  document.querySelector("[data-empty]")?.remove();
  for (const part of document.querySelectorAll("[data-with-pictures]")) part.hidden = false;
  document.dispatchEvent(new Event("pictures:added"));
}
