// A thumbnail that was lost on the server is made anew once it was missed: it is asked for again a few times.
const AGAIN_MS = [2000, 5000, 15000];
const tries = new WeakMap();

// Where browsers fetch from a bucket the server has not seen that it is lost: of headers alone it looks for itself.
function tell(address) {
  fetch(address, { method: "HEAD", cache: "no-store" }).catch(() => {});
}

function askAgain(thumbnail) {
  const tried = tries.get(thumbnail) ?? 0;
  if (tried === AGAIN_MS.length) return;
  tries.set(thumbnail, tried + 1);
  const address = thumbnail.getAttribute("src");
  if (!tried && address.startsWith("/")) tell(address);
  setTimeout(() => thumbnail.setAttribute("src", address), AGAIN_MS[tried]);
}

document.addEventListener("error", ({ target }) => target.matches?.(".picture-thumbnail") && askAgain(target), true);
for (const image of document.querySelectorAll(".picture-thumbnail")) if (image.complete && !image.naturalWidth) askAgain(image);
