// A choice in the finder takes effect at once, and empty fields stay out of the address; its buttons do without this.
const form = document.getElementById("finder");

form?.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (!value) formData.delete(name);
});

form?.addEventListener("change", (event) => {
  if (event.target.matches("select, [type=date]")) form.requestSubmit();
});
