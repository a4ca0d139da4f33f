// How something ended that was done without leaving the page: one sentence to read and to hear, until it is closed.
const panel = document.getElementById("outcome");
const said = document.getElementById("said");

export function say(sentence) {
  said.textContent = sentence;
}

export function outcome(sentence, isDone) {
  panel.querySelector("[data-part=sentence]").textContent = sentence;
  panel.dataset.done = isDone;
  panel.hidden = false;
  say(sentence);
}

panel?.querySelector("[data-part=close]").addEventListener("click", () => {
  panel.hidden = true;
});
