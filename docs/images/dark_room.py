"""Draws dark_room.gif: `python docs/images/dark_room.py`.

The pretrained agent in one dark room that it has never seen, ten trials in 20 seconds,
with 32 colours for all frames, so that the picture on README is small.
"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
RUN = HERE.parents[1] / "pretrained" / "dark_room"
COLOURS, MILLISECONDS = 32, 100


def main() -> None:
    """Plays, and draws."""
    known = set(RUN.glob("evaluations/film-*"))
    command = [sys.executable, "evaluate.py", f"run={RUN}", "film=true", "seed=0"]
    subprocess.run(command, cwd=HERE.parents[1], check=True)
    (made,) = set(RUN.glob("evaluations/film-*")) - known
    film = Image.open(made / "film.gif")
    frames = []
    for number in range(film.n_frames):
        film.seek(number)
        frames.append(film.convert("RGB"))
    palette = frames[len(frames) // 4].quantize(COLOURS)
    first, *rest = [
        frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames
    ]
    first.save(
        HERE / "dark_room.gif",
        save_all=True,
        append_images=rest,
        duration=MILLISECONDS,
        loop=0,
        optimize=True,
    )


if __name__ == "__main__":
    main()
