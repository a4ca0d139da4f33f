// A choice in the finder takes effect at once, and empty fields stay out of the address; its buttons do without this.
const form = document.getElementById("finder");

form?.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (!value) formData.delete(name);
});

form?.addEventListener("change", (event) => {
  if (event.target.matches("select, [type=date]")) form.requestSubmit();
});

// What was asked for is on its way, which may take a while: the pictures that stand here step back until then.
const grid = document.getElementById("pictures");
const steppingBack = (isLeaving) => grid?.classList.toggle("is-leaving", isLeaving);

form?.addEventListener("submit", () => steppingBack(true));
document.addEventListener("click", (event) => {
  const leads = event.target.closest(".pages a, .finder-chip, .finder-clear");
  if (leads && !event.ctrlKey && !event.metaKey && !event.shiftKey) steppingBack(true);
});
window.addEventListener("pageshow", () => steppingBack(false));
