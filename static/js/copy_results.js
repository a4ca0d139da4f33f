// The button that copies all results as JSON, and says whether it did.
const COPIED_MS = 2500;
const status = document.getElementById("results-status");

async function text(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.text();
}

// Pages that come over plain HTTP have no clipboard; there a selection is copied.
function copySelected(content) {
  const field = Object.assign(document.createElement("textarea"), { value: content, className: "visually-hidden" });
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (!isCopied) throw new Error("the browser refused to copy");
}

async function copy(button) {
  let outcome = button.dataset.copied;
  try {
    const content = await text(button.dataset.address);
    if (navigator.clipboard) await navigator.clipboard.writeText(content);
    else copySelected(content);
  } catch {
    outcome = button.dataset.failed;
  }
  const words = button.querySelector("span");
  const usual = (button.dataset.usual ??= words.textContent);
  words.textContent = status.textContent = outcome;
  setTimeout(() => {
    words.textContent = usual;
    status.textContent = "";
  }, COPIED_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("#copy-results");
  if (button) copy(button);
});
