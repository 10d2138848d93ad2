"""Write a caption below what an image shows."""

import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MAX_LINES = 3
TEXT, SHADE = (255, 255, 255), (0, 0, 0, 150)


def with_subtitle(image: np.ndarray, lines: list[str]) -> np.ndarray:
    """Return a copy of an image (height, width, 3) of bytes with lines of text on a dark band at its lower edge.

    Lines that are too wide are wrapped. After `MAX_LINES` lines the rest is left out.
    """
    height, width, _ = image.shape
    size = max(10, height // 20)
    font = ImageFont.load_default(size)
    per_line = max(1, int(width / (0.52 * size)) - 1)
    broken = [part for line in lines for part in textwrap.wrap(line, per_line) or [""]]
    if len(broken) > MAX_LINES:
        broken = [*broken[: MAX_LINES - 1], textwrap.shorten(" ".join(broken[MAX_LINES - 1 :]), per_line)]
    canvas = Image.fromarray(image).convert("RGBA")
    band = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(band)
    top = height - int(1.35 * size) * len(broken) - size // 2
    draw.rectangle((0, top, width, height), fill=SHADE)
    for i, line in enumerate(broken):
        draw.text((width / 2, top + size // 3 + int(1.35 * size) * i), line, font=font, fill=TEXT, anchor="ma")
    return np.asarray(Image.alpha_composite(canvas, band).convert("RGB"))
