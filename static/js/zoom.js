// How large a picture is shown and where: 1 is as large as fits the stage, x and y move its middle.
const LARGEST = 8; // of the picture's own pixels, and of what fits the stage
const STEP = 1.4;

export class Zoom {
  #stage;
  #image;
  #scale = 1;
  #x = 0;
  #y = 0;

  constructor(stage, image) {
    this.#stage = stage;
    this.#image = image;
  }

  get isEnlarged() {
    return this.#scale > 1;
  }

  // What the screen shows in percent of the picture's own pixels.
  get percent() {
    return Math.round((this.#image.offsetWidth * this.#scale * 100) / (this.#image.naturalWidth || 1));
  }

  fit() {
    this.#set(1, 0, 0);
  }

  step(direction) {
    this.by(STEP ** direction);
  }

  // Between all of it and its own pixels, about a point of the screen.
  toggle(point) {
    if (this.isEnlarged) this.fit();
    else this.by(Math.max(this.#image.naturalWidth / this.#image.offsetWidth, 2), point);
  }

  // What is seen at a point of the screen stays there; the middle without one.
  by(factor, point) {
    const largest = LARGEST * Math.max(this.#image.naturalWidth / (this.#image.offsetWidth || 1), 1);
    const scale = Math.min(Math.max(this.#scale * factor, 1), largest);
    const box = this.#stage.getBoundingClientRect();
    const x = point ? point.x - box.x - box.width / 2 : 0;
    const y = point ? point.y - box.y - box.height / 2 : 0;
    const share = scale / this.#scale;
    this.#set(scale, x - (x - this.#x) * share, y - (y - this.#y) * share);
  }

  move(dx, dy) {
    this.#set(this.#scale, this.#x + dx, this.#y + dy);
  }

  #set(scale, x, y) {
    const within = (wanted, size, room) => {
      const beyond = Math.max((size * scale - room) / 2, 0);
      return Math.min(Math.max(wanted, -beyond), beyond);
    };
    this.#scale = scale;
    this.#x = within(x, this.#image.offsetWidth, this.#stage.clientWidth);
    this.#y = within(y, this.#image.offsetHeight, this.#stage.clientHeight);
    this.#image.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${scale})`;
    this.#stage.classList.toggle("is-enlarged", this.isEnlarged);
    this.#stage.dispatchEvent(new Event("zoom"));
  }
}
