"""The figures and paintings of clips by chance: of these cards the seeds deal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from composed.art import Art, registered, standing

SMALL = 0.85  # a drawing is laid so large on its canvas that it comes into the frame at this scale
ENLARGED = 4.5  # times a drawing is enlarged at the most, so that its pixels do not show


@dataclass(frozen=True)
class Figure:
    """Drawings of one who acts. looks: +1 to the right, -1 to the left, 0 where it does not matter.

    tall: least and greatest height in the frame, px. trimmed: each drawing was cut out for itself.
    """

    name: str
    package: str
    pattern: str
    which: tuple[object, ...]
    tall: tuple[int, int] = (120, 230)
    looks: int = 1
    trimmed: bool = False

    def drawings(self, art: Art, tall: float) -> list[np.ndarray]:
        """Canvases on which the tallest drawing comes into the frame `tall` px high, where that is not too large."""
        if self.package == "caveexpress-data":
            pictures = art.cells([self.pattern.format(i) for i in self.which])
        else:
            pictures = art.files(self.package, self.pattern, self.which)
        lay: Callable = standing if self.trimmed else registered
        plain = lay(pictures, 1.0)
        rows = np.flatnonzero(np.max([drawing[..., 3] for drawing in plain], axis=(0, 2)) > 100)
        return lay(pictures, min(tall / SMALL / (rows[-1] + 1 - rows[0]), ENLARGED))


def _adventurer(name: str) -> Figure:
    folder = "".join("_" + c.lower() if c.isupper() else c for c in name)
    return Figure(name, "arcade", f"animated_characters/{folder}/{name}_walk{{}}.png", tuple(range(8)))


def _creature(name: str, pattern: str, which: tuple[object, ...], tall: tuple[int, int]) -> Figure:
    return Figure(name, "supertux-data", f"creatures/{pattern}", which, tall, looks=-1)


def _drawn_twice(name: str, kind: str, tall: tuple[int, int], ending: str = "png") -> Figure:
    return Figure(name, "scratch", f"Costumes/{kind}/{name}1-{{}}.{ending}", ("a", "b"), tall, trimmed=True)


def _cave(name: str, count: int, tall: tuple[int, int]) -> Figure:
    return Figure(name, "caveexpress-data", f"npc-{name}-middle-{{:02d}}", tuple(range(1, count + 1)), tall)


WALKERS = [
    _adventurer("maleAdventurer"),
    Figure("rainboots", "raincat-data", "cat/cat-rainboots/cat-rainboots{}.png", tuple(range(1, 11)), (100, 180)),
    _creature("captain", "snowball/captain-right-{}.png", tuple(range(8)), (90, 170)),
    _cave("man-walk-right", 7, (150, 240)),
    _adventurer("femalePerson"),
    _creature("bomb", "mr_bomb/bomb{}.png", tuple(range(1, 9)), (90, 170)),
    _cave("walking-walk-DIR", 4, (110, 190)),
    _adventurer("robot"),
    _creature("kirby", "kirby/walk-{}.png", tuple(range(8)), (120, 200)),
    Figure("springboots", "raincat-data", "cat/cat-springboots/cat-springboots{}.png", (1, 2), (100, 180)),
    _creature("spiky", "spiky/spikywalk{}.png", tuple(range(1, 9)), (100, 180)),
    _adventurer("malePerson"),
    _creature("cherry", "mr_cherry/cherrybomb{}.png", tuple(range(1, 7)), (120, 220)),
    _drawn_twice("fantasy", "Fantasy", (140, 230)),
]
FLYERS = [
    _drawn_twice("butterfly", "Animals", (110, 190)),
    _creature("fatbat", "fatbat/fly-{}.png", tuple(range(4)), (100, 170)),
    _cave("flying-flying-DIR", 8, (140, 260)),
    Figure("helicopter", "scratch", "Costumes/Transportation/helicopter1{}.png", ("",), (90, 170), looks=-1),
    _drawn_twice("fish", "Animals", (80, 150), "gif"),
    _creature("zeekling", "zeekling/left-{}.png", tuple(range(4)), (110, 180)),
    Figure("witch", "scratch", "Costumes/Fantasy/witch1{}.png", ("",), (120, 200)),
    Figure("wasp", "ardentryst", "MonsterFrames/wasp/fly{}.png", (1, 2, 3), (110, 180)),
    _drawn_twice("dragon", "Fantasy", (130, 210)),
]
TALKERS = [
    Figure("eileen", "renpy-demo", "eileen {}.png", ("happy", "vhappy", "concerned"), (380, 480)),
    _cave("man-idle", 4, (250, 320)),
    Figure("penguin", "tuxmath-data", "tux/bigtux{}.png", (0, 3, 4, 5, 1, 2), (280, 340)),
    _drawn_twice("crab", "Animals", (170, 240)),
]
PAINTINGS = [  # package, picture
    ("wesnoth-1.16-data", "story/landscape-hills-02.jpg"),
    ("scratch", "Backgrounds/Indoors/bedroom1.gif"),
    ("warmux-data", "junglemountain/drseuss.jpg"),
    ("wesnoth-1.16-data", "story/landscape-mountains-01.jpg"),
    ("supertux-data", "background/halloween/intro.jpg"),
    ("plasma-workspace-wallpapers", "Autumn/contents/images/1280x800.jpg"),
    ("warmux-data", "montagnes/sky.jpg"),
    ("scratch", "Backgrounds/Outdoors/train-tracks3.gif"),
    ("warmux-data", "vulcano/sky2.jpg"),
    ("wesnoth-1.16-data", "story/swamp-03.jpg"),
    ("hedgewars-data", "Jungle/Sky.png"),
    ("scratch", "Backgrounds/Indoors/spotlight-stage.jpg"),
    ("warmux-data", "moon-4m/sky.jpg"),
    ("wesnoth-1.16-data", "story/landscape-battlefield_nohumans.jpg"),
    ("supertux-data", "background/christmas/outro.jpg"),
    ("warmux-data", "pumpkins/sky.jpg"),
    ("warmux-data", "prehistorik/fond.jpg"),
]
FRONTS = [  # package, picture, width px, height px in the frame at which it begins to show
    ("hedgewars-data", "Nature/horizont.png", 1500, 210),
    ("supertux-data", "background/castle/castle_foreground.png", 1400, -250),
    ("warmux-data", "ninja/sky_layer-1.png", 1700, 265),
    ("hedgewars-data", "Island/horizont.png", 1500, 190),
    ("hedgewars-data", "Snow/horizont.png", 1500, 215),
]
