// One file's way to the server, and what the server made of it.

function outcome(request, words) {
  const answer = request.response;
  if (request.status === 201 && answer?.images?.length) return { state: "taken", image: answer.images[0], notice: answer.images[0].notice };
  const sentence = answer?.errors?.[0]?.message;
  if ([401, 403].includes(request.status)) return { state: "interrupted", sentence: sentence ?? words.signedOut };
  if (request.status === 413) return { state: "refused", sentence: words.tooLarge };
  if (request.status === 400 && sentence) return { state: "refused", sentence };
  return { state: "interrupted", sentence: words.lost };
}

// Resolves to {state: taken | refused | interrupted, image?, sentence?}; never rejects.
export function send(file, wish, form, words, onProgress) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.set("model", wish.model);
  body.set("priority", wish.priority);
  body.set("strip_metadata", wish.strips ? "on" : "off");
  body.set("files", file);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => onProgress((100 * event.loaded) / event.total));
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve(outcome(request, words)));
    request.send(body);
  });
}
