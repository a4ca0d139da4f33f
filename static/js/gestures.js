// What fingers, mouse and wheel do to an enlarged picture: drag, pinch, turn the wheel, double-click, swipe.
const SWIPE_PX = 60;
const PIXELS_PER_LINE = 16;

const middle = ([a, b]) => ({ x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 });
const apart = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);

export function follow(stage, zoom, { swipe }) {
  const fingers = new Map();
  let begun = null;

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    begun = fingers.size === 1 ? event : null;
    stage.classList.add("is-moving");
  });

  stage.addEventListener("pointermove", (event) => {
    const before = [...fingers.values()];
    const last = fingers.get(event.pointerId);
    if (!last) return;
    fingers.set(event.pointerId, event);
    const now = [...fingers.values()];
    if (now.length === 2) zoom.by(apart(now) / apart(before), middle(now));
    else zoom.move(event.clientX - last.clientX, event.clientY - last.clientY);
  });

  function lifted(event) {
    const dx = begun && event.type === "pointerup" ? event.clientX - begun.clientX : 0;
    if (event.pointerType === "touch" && !zoom.isEnlarged && Math.abs(dx) > SWIPE_PX) swipe(dx > 0 ? "previous" : "next");
    begun = null;
    fingers.delete(event.pointerId);
    stage.classList.toggle("is-moving", fingers.size > 0);
  }
  stage.addEventListener("pointerup", lifted);
  stage.addEventListener("pointercancel", lifted);

  stage.addEventListener("dblclick", (event) => zoom.toggle({ x: event.clientX, y: event.clientY }));
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? PIXELS_PER_LINE : 1);
      // A pinch on a touchpad comes as small turns of the wheel with Ctrl.
      zoom.by(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), { x: event.clientX, y: event.clientY });
    },
    { passive: false },
  );
}
