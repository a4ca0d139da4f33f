"""Bar charts as SVG that read well on light and dark pages."""

from collections.abc import Collection, Mapping
from html import escape

WIDTH, NAME_WIDTH, VALUE_WIDTH, BAR_HEIGHT, GAP, TOP = 720, 190, 60, 22, 10, 44
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 16px }
  .bar { fill: #8c959f } .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #4493f8 }
  }
"""


def bars(title: str, values: Mapping[str, float], ours: Collection[str]) -> str:
    """One bar for each value, the longest first, ours in a colour of its own."""
    ordered = sorted(values.items(), key=lambda pair: -pair[1])
    room, most = WIDTH - NAME_WIDTH - VALUE_WIDTH, max(values.values())
    height = TOP + len(ordered) * (BAR_HEIGHT + GAP)
    said = "; ".join(f"{name}: {value:.1f}" for name, value in ordered)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc><style>{STYLE}</style>",
        f'<text class="title" x="0" y="20">{escape(title)}</text>',
    ]
    for number, (name, value) in enumerate(ordered):
        top = TOP + number * (BAR_HEIGHT + GAP)
        length, middle = max(1, round(room * value / most)), top + BAR_HEIGHT * 0.7
        kind = "bar ours" if name in ours else "bar"
        lines += [
            f'<text x="{NAME_WIDTH - 8}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{NAME_WIDTH}" y="{top}" width="{length}" height="{BAR_HEIGHT}" rx="3"/>',
            f'<text x="{NAME_WIDTH + length + 6}" y="{middle:.0f}">{value:.1f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
