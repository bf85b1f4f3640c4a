"""The weights of error diffusion with fixed weights: one table; adding a kernel is adding a row.

A kernel is written row by row, from the pixel's own row downwards, weights from left to right.
``*`` is the pixel itself, in the same column in all rows; ``.`` is a neighbour without a share.
Weights are divided by ``divisor``; if their sum is less, the rest of the error is dropped, as
published.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property


@dataclass(frozen=True)
class Kernel:
    """A named kernel; ``taps`` are (dx, dy, weight), dy ≥ 0, and the weights sum to at most 1."""

    name: str
    title: str
    description: str
    source: str
    rows: tuple[str, ...]
    divisor: int
    keeps_tone: bool = True

    @cached_property
    def taps(self) -> tuple[tuple[int, int, Fraction], ...]:
        grid = [row.split() for row in self.rows]
        centre = grid[0].index("*")
        return tuple(
            (x - centre, y, Fraction(int(cell), self.divisor))
            for y, row in enumerate(grid)
            for x, cell in enumerate(row)
            if cell not in ("*", ".")
        )


_TABLE = (
    Kernel(
        "floyd-steinberg",
        "Floyd–Steinberg",
        "The classic: four neighbours, sharp and fast.",
        "R. W. Floyd, L. Steinberg, “An adaptive algorithm for spatial grey scale”,"
        " Proc. SID 17(2), 1976",
        (". * 7", "3 5 1"),
        16,
    ),
    Kernel(
        "false-floyd-steinberg",
        "False Floyd–Steinberg",
        "A simpler relative with three neighbours; coarser texture.",
        "Often misattributed; described in L. Crocker, “Digital halftoning”, DHALF.TXT, 1991",
        ("* 3", "3 2"),
        8,
    ),
    Kernel(
        "jarvis-judice-ninke",
        "Jarvis–Judice–Ninke",
        "Twelve neighbours: smooth, with strong edges.",
        "J. F. Jarvis, C. N. Judice, W. H. Ninke, “A survey of techniques for the display of"
        " continuous tone pictures on bilevel displays”, CGIP 5(1), 1976",
        (". . * 7 5", "3 5 7 5 3", "1 3 5 3 1"),
        48,
    ),
    Kernel(
        "stucki",
        "Stucki",
        "Twelve neighbours, a little sharper than Jarvis–Judice–Ninke.",
        "P. Stucki, “MECCA – a multiple-error correction computation algorithm for bilevel image"
        " hardcopy reproduction”, IBM RZ1060, 1981",
        (". . * 8 4", "2 4 8 4 2", "1 2 4 2 1"),
        42,
    ),
    Kernel(
        "burkes",
        "Burkes",
        "Stucki's upper two rows: seven neighbours, clean and quick.",
        "D. Burkes, “Presentation of the Burkes error filter for use in preparing"
        " continuous-tone images for presentation on bi-level devices”, 1988",
        (". . * 8 4", "2 4 8 4 2"),
        32,
    ),
    Kernel(
        "sierra",
        "Sierra",
        "Ten neighbours, near Jarvis–Judice–Ninke with less work.",
        "F. Sierra, in LIB 17, Developer's Den, CIS Graphics Support Forum, 1989",
        (". . * 5 3", "2 4 5 4 2", ". 2 3 2 ."),
        32,
    ),
    Kernel(
        "sierra-two-row",
        "Sierra, two rows",
        "Sierra's filter cut to two rows.",
        "F. Sierra, CIS Graphics Support Forum, 1990",
        (". . * 4 3", "1 2 3 2 1"),
        16,
    ),
    Kernel(
        "sierra-lite",
        "Sierra Lite",
        "Three neighbours, close to Floyd–Steinberg.",
        "F. Sierra, CIS Graphics Support Forum, 1990",
        (". * 2", "1 1 ."),
        4,
    ),
    Kernel(
        "atkinson",
        "Atkinson",
        "Passes on three quarters of the error: open highlights and shadows, high contrast.",
        "B. Atkinson, Apple, MacPaint and HyperScan, 1984–1987",
        (". . * 1 1", ". 1 1 1 .", ". . 1 . ."),
        8,
        keeps_tone=False,
    ),
    Kernel(
        "stevenson-arce",
        "Stevenson–Arce",
        "The hexagonal filter: twelve neighbours on a lattice three rows deep.",
        "R. L. Stevenson, G. R. Arce, “Binary display of hexagonally sampled continuous-tone"
        " images”, J. Opt. Soc. Am. A 2(7), 1985",
        (". . . * . 32 .", "12 . 26 . 30 . 16", ". 12 . 26 . 12 .", "5 . 12 . 12 . 5"),
        200,
    ),
    Kernel(
        "fan",
        "Fan",
        "Floyd–Steinberg's weights moved to the left: fewer worms.",
        "Z. Fan, “A simple modification of error diffusion weights”, IS&T's 46th Annual"
        " Conference, 1993",
        (". . * 7", "1 3 5 ."),
        16,
    ),
    Kernel(
        "shiau-fan",
        "Shiau–Fan",
        "Weights that are powers of two, reaching left: fewer worms.",
        "J. N. Shiau, Z. Fan, US patent 5 353 127, 1993",
        (". . * 4", "1 1 2 ."),
        8,
    ),
    Kernel(
        "shiau-fan-2",
        "Shiau–Fan 2",
        "The longer filter of the two: the fewest worms with fixed weights.",
        "J. N. Shiau, Z. Fan, “A set of easily implementable coefficients in error diffusion with"
        " reduced worm artifacts”, Proc. SPIE 2658, 1996",
        (". . . * 8", "1 1 2 4 ."),
        16,
    ),
    Kernel(
        "simple-2d",
        "Simple 2D",
        "Half to the right, half below: the least work in two dimensions.",
        "Folklore: the smallest kernel in two dimensions",
        ("* 1", "1 ."),
        2,
    ),
)

KERNELS: dict[str, Kernel] = {kernel.name: kernel for kernel in _TABLE}
