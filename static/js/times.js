// Times in the reader's own time zone: the server, which does not know it, writes them in its own.
const language = document.documentElement.lang || undefined;
const time = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
const dayAndTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

function localize(element) {
  const at = new Date(element.dateTime);
  const isToday = at.toDateString() === new Date().toDateString();
  element.textContent = (isToday ? time : dayAndTime).format(at);
  element.title = dayAndTime.format(at);
}

function localizeAll() {
  document.querySelectorAll("time[data-local]").forEach(localize);
}

localizeAll();
document.addEventListener("htmx:afterSwap", localizeAll);
