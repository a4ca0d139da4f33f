// A picture that its owner has already, and does not want a second time.

// Resolves to whether it is gone.
export async function removeCopy({ id, url }) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", document.getElementById("upload").elements.csrfmiddlewaretoken.value);
  const answer = await fetch(`${url}delete/`, { method: "POST", body, redirect: "manual" }).catch(() => null);
  const isGone = answer?.type === "opaqueredirect" || answer?.ok === true;
  if (isGone) document.getElementById(`picture-${id}`)?.remove();
  return isGone;
}
