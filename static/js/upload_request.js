// One file's way to the server, and what the server made of it.

// Refusals that are about the server's moment, not about the file.
const TRY_LATER = ["busy", "no_decoder", "no_memory", "not_stored"];

function outcome(request, words) {
  const answer = request.response;
  const image = answer?.images?.[0];
  if (request.status === 201 && image) return { state: "taken", image, notice: image.notice };
  const { code, message } = answer?.errors?.[0] ?? {};
  if ([401, 403].includes(request.status)) return { state: "interrupted", sentence: message ?? words.signedOut };
  if (request.status === 413) return { state: "refused", sentence: words.tooLarge };
  if (request.status === 400 && TRY_LATER.includes(code)) return { state: "interrupted", sentence: message, triesAgain: true };
  if (request.status === 400 && message) return { state: "refused", sentence: message };
  return { state: "interrupted", sentence: words.lost, triesAgain: true };
}

// Resolves to {state: taken | refused | interrupted, image?, sentence?, triesAgain?}; never rejects.
export function send({ id, file, wish, signal }, form, words, onProgress) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.set("model", wish.model);
  body.set("priority", wish.priority);
  body.set("strip_metadata", wish.strips);
  body.set("upload_id", id);
  body.set("files", file);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => onProgress((100 * event.loaded) / event.total));
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve(outcome(request, words)));
    request.send(body);
  });
}
