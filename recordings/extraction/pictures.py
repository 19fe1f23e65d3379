"""Pictures of a measurement with axes and a scale in dB: its spectrogram and its spectrum, as PNG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from recordings.extraction.scales import Axis, ticks

WIDTH, HEIGHT = 960, 540
LEFT, TOP, BOTTOM = 78, 44, 56  # around the plot
RIGHT = {"spectrogram": 104, "spectrum": 24}
PAPER, INK, FAINT, LINE, FILL = (255, 255, 255), (38, 44, 54), (222, 226, 232), (31, 92, 170), (214, 228, 244)
MARK = (196, 62, 28)
# Dark to bright in even steps of lightness, legible without colours too.
HEAT = [(12, 8, 38), (58, 15, 95), (122, 28, 109), (184, 50, 84), (232, 94, 45), (250, 160, 34), (250, 240, 140)]
SPAN_DB = 90.0  # that colours tell apart at most
BAR = 16  # pixels of the scale's width
COLOURS = np.stack(
    [np.interp(np.linspace(0, len(HEAT) - 1, 200), range(len(HEAT)), one) for one in zip(*HEAT, strict=True)], axis=1
).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Plot:
    """Where the plot lies in the picture, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        return self.right - self.left, self.bottom - self.top


def draw_spectrogram(levels: np.ndarray, *, title: str, across: Axis, down: Axis) -> bytes:
    """levels: dB, rows from the first time to the last, columns from the lowest frequency to the highest."""
    low, high = _span(levels)
    image, pen, plot = _sheet(title, "spectrogram")
    rows, columns = levels.shape
    # Rows that are fewer than pixels stay blocks; those that are more are averaged.
    shown = Image.fromarray(_heat(levels, low, high), "RGB")
    how = Image.Resampling.BOX if rows > plot.size[1] or columns > plot.size[0] else Image.Resampling.NEAREST
    image.paste(shown.resize(plot.size, how), (plot.left, plot.top))
    _across(pen, plot, across, grid=False)
    _down(pen, plot, down, grid=False)
    _scale(image, pen, plot, low, high)
    return _png(image)


def draw_spectrum(levels: np.ndarray, *, title: str, across: Axis, noise_floor: float | None = None) -> bytes:
    """levels: dB of each frequency from the lowest to the highest. noise_floor: in the same dB, a dashed line."""
    low, high = _span(levels)
    low -= 5
    image, pen, plot = _sheet(title, "spectrum")
    axis = Axis("Power in a bin (dBFS)", high, low)
    _across(pen, plot, across, grid=True)
    _down(pen, plot, axis, grid=True)
    width, height = plot.size
    x = plot.left + np.linspace(0, width - 1, len(levels))
    y = plot.top + (high - np.clip(np.nan_to_num(levels, nan=low), low, high)) / (high - low) * (height - 1)
    line = list(zip(x.tolist(), y.tolist(), strict=True))
    pen.polygon([(plot.left, plot.bottom - 1), *line, (plot.right - 1, plot.bottom - 1)], fill=FILL)
    pen.line(line, fill=LINE)
    if noise_floor is not None and low < noise_floor < high:
        level = plot.top + (high - noise_floor) / (high - low) * (height - 1)
        for start in range(plot.left, plot.right, 12):
            pen.line([(start, level), (min(start + 7, plot.right), level)], fill=MARK, width=2)
        pen.text(
            (plot.right, TOP - 6), f"noise floor {noise_floor:.1f} dBFS a bin", fill=MARK, font=_font(13), anchor="rs"
        )
    pen.rectangle((plot.left, plot.top, plot.right - 1, plot.bottom - 1), outline=INK)
    return _png(image)


def _span(levels: np.ndarray) -> tuple[float, float]:
    """The dB from the bottom of the scale to its top, in whole fives. Silence gives a scale of its own."""
    finite = levels[np.isfinite(levels)]
    if not finite.size:
        return -100.0, 0.0
    high = float(np.ceil(finite.max() / 5) * 5)
    low = max(float(np.floor(np.percentile(finite, 2) / 5) * 5), high - SPAN_DB)
    return min(low, high - 10), high


def _heat(levels: np.ndarray, low: float, high: float) -> np.ndarray:
    share = np.clip((np.nan_to_num(levels, nan=low, neginf=low, posinf=high) - low) / (high - low), 0, 1)
    return COLOURS[(share * (len(COLOURS) - 1)).astype(np.uint8)]


def _sheet(title: str, kind: str) -> tuple[Image.Image, ImageDraw.ImageDraw, Plot]:
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    plot = Plot(LEFT, TOP, WIDTH - RIGHT[kind], HEIGHT - BOTTOM)
    pen.text((LEFT, TOP / 2), _fitting(title, plot.right - LEFT - 200, pen), fill=INK, font=_font(17), anchor="lm")
    return image, pen, plot


def _fitting(text: str, width: int, pen: ImageDraw.ImageDraw) -> str:
    """The text, or as much of it as there is room for."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)[:200]
    if pen.textlength(text, font=_font(17)) <= width:
        return text
    while text and pen.textlength(text + "…", font=_font(17)) > width:
        text = text[:-1]
    return text + "…"


def _across(pen: ImageDraw.ImageDraw, plot: Plot, axis: Axis, *, grid: bool) -> None:
    for share, label in ticks(axis, 8):
        x = plot.left + share * (plot.size[0] - 1)
        if grid:
            pen.line([(x, plot.top), (x, plot.bottom)], fill=FAINT)
        pen.line([(x, plot.bottom), (x, plot.bottom + 5)], fill=INK)
        pen.text((x, plot.bottom + 8), label, fill=INK, font=_font(13), anchor="ma")
    middle = (plot.left + plot.right) / 2
    pen.text((middle, HEIGHT - 8), axis.title, fill=INK, font=_font(14), anchor="ms")


def _down(pen: ImageDraw.ImageDraw, plot: Plot, axis: Axis, *, grid: bool) -> None:
    for share, label in ticks(axis, 8):
        y = plot.top + share * (plot.size[1] - 1)
        if grid:
            pen.line([(plot.left, y), (plot.right, y)], fill=FAINT)
        pen.line([(plot.left - 5, y), (plot.left, y)], fill=INK)
        pen.text((plot.left - 8, y), label, fill=INK, font=_font(13), anchor="rm")
    _upright(pen, axis.title, x=4, middle=(plot.top + plot.bottom) // 2)


def _scale(image: Image.Image, pen: ImageDraw.ImageDraw, plot: Plot, low: float, high: float) -> None:
    """What the colours mean."""
    left, height = plot.right + 16, plot.size[1]
    column = np.linspace(high, low, height)[:, None].repeat(BAR, axis=1)
    image.paste(Image.fromarray(_heat(column, low, high), "RGB"), (left, plot.top))
    for share, label in ticks(Axis("", high, low), 7):
        y = plot.top + share * (height - 1)
        pen.line([(left + BAR, y), (left + BAR + 4, y)], fill=INK)
        pen.text((left + BAR + 7, y), label, fill=INK, font=_font(13), anchor="lm")
    pen.text((left, plot.top - 8), "dBFS", fill=INK, font=_font(13), anchor="ls")


def _upright(pen: ImageDraw.ImageDraw, text: str, *, x: int, middle: int) -> None:
    left, top, right, bottom = _font(14).getbbox(text)
    letters = Image.new("L", (int(right) + 1, int(bottom) + 1))
    ImageDraw.Draw(letters).text((0, 0), text, fill=255, font=_font(14))
    turned = letters.rotate(90, expand=True)
    pen.bitmap((x, middle - turned.height // 2), turned, fill=INK)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


@cache
def _palette() -> Image.Image:
    """A picture that lends its colours: all of the scale's, and those of letters and lines."""
    greys = [(grey, grey, grey) for grey in np.linspace(38, 255, 32, dtype=int).tolist()]
    image = Image.new("P", (1, 1))
    image.putpalette([part for colour in [*COLOURS.tolist(), *greys, INK, FAINT, LINE, FILL, MARK] for part in colour])
    return image


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
