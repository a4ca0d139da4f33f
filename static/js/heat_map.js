// The slider of a heat map: how strongly it lies over its picture, also over the next map that comes.
const frame = document.querySelector(".frame");
const slider = () => document.getElementById("heat-map-opacity");
let percent = "";

function show() {
  frame.style.setProperty("--heat-opacity", percent / 100);
  document.querySelector("output[for=heat-map-opacity]").value = `${percent}%`;
}

document.addEventListener("input", (event) => {
  if (event.target !== slider()) return;
  percent = event.target.value;
  show();
});

// The new slider stands where the old one stood; the picture comes into sight for whoever asked further down.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "heat-map") return;
  if (slider() && percent) {
    slider().value = percent;
    show();
  }
  if (!event.detail.requestConfig.elt.matches("[data-poll]")) frame.scrollIntoView({ block: "nearest" });
});
