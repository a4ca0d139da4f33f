// A form sent without leaving the page: what the server says, or a sentence that says why it did not come to that.
const words = document.getElementById("outcome").dataset;

export async function asked(form, body) {
  try {
    // Not `form.action`: a button may be called so.
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.status === 401) window.location.reload();
    const told = await answer.json().catch(() => ({}));
    return answer.ok ? told : { message: told.errors?.[0].message ?? words.failed };
  } catch {
    return { message: words.lost };
  }
}
