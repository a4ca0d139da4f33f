// A note's button closes it, and the focus goes on to the page's content instead of being lost.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-close-note]");
  if (!button) return;
  button.closest(".note").remove();
  document.getElementById("content").focus({ preventScroll: true });
});
