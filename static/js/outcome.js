// How something ended that was done without leaving the page: one sentence to read and to hear, until it is closed.
const panel = document.getElementById("outcome");
const said = document.getElementById("said");
const part = (name) => panel.querySelector(`[data-part="${name}"]`);

export function say(sentence) {
  said.textContent = sentence;
}

// `deletion` is what the server can undo it by.
export function outcome(sentence, { isDone, deletion }) {
  part("sentence").textContent = sentence;
  part("undo").hidden = !deletion;
  part("undo").elements.deletion.value = deletion ?? "";
  panel.dataset.done = isDone;
  panel.hidden = false;
  say(sentence);
}

panel?.querySelector('[data-part="close"]').addEventListener("click", () => {
  panel.hidden = true;
});
