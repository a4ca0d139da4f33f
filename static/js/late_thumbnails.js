// A thumbnail that was lost on the server is made anew once it was missed: it is asked for again a few times.
const AGAIN_MS = [2000, 5000, 15000];
const tries = new WeakMap();

function askAgain(thumbnail) {
  const tried = tries.get(thumbnail) ?? 0;
  if (tried === AGAIN_MS.length) return;
  tries.set(thumbnail, tried + 1);
  setTimeout(() => thumbnail.setAttribute("src", thumbnail.getAttribute("src")), AGAIN_MS[tried]);
}

document.addEventListener("error", ({ target }) => target.matches?.(".picture-thumbnail") && askAgain(target), true);
for (const image of document.querySelectorAll(".picture-thumbnail")) if (image.complete && !image.naturalWidth) askAgain(image);
