"""Matrices that a user may give: the kernel of an error diffusion, and a threshold matrix."""

from dither_engine.errors import EngineError

_MAX_MATRIX = 64

Kernel = list[list[float]]
Matrix = list[list[float]]


def check_kernel(kernel: Kernel) -> None:
    """Raise EngineError unless ``kernel`` can diffuse an error forward.

    All rows have the same odd length of at most 15. The pixel is the middle of the first row; the
    weights at and before it are 0. Weights are not negative and their sum is above 0.
    """
    width = len(kernel[0]) if kernel else 0
    if not 1 <= len(kernel) <= 8 or width % 2 == 0 or not 1 <= width <= 15:
        raise EngineError("A kernel has 1 to 8 rows of one odd length of at most 15.")
    if any(len(row) != width for row in kernel):
        raise EngineError("All rows of a kernel have the same length.")
    if any(kernel[0][: width // 2 + 1]):
        raise EngineError(
            "A kernel's first row is 0 up to its middle: those pixels are already done."
        )
    flat = [weight for row in kernel for weight in row]
    if min(flat) < 0 or max(flat) > 1_000_000 or sum(flat) <= 0:
        raise EngineError("A kernel's weights are 0 to 1000000 and at least one is above 0.")


def check_matrix(matrix: Matrix) -> None:
    """Raise EngineError unless ``matrix`` has 1 to 64 rows, all of one length from 1 to 64."""
    width = len(matrix[0]) if matrix else 0
    if not 1 <= len(matrix) <= _MAX_MATRIX or not 1 <= width <= _MAX_MATRIX:
        raise EngineError(f"A matrix has 1 to {_MAX_MATRIX} rows of 1 to {_MAX_MATRIX} numbers.")
    if any(len(row) != width for row in matrix):
        raise EngineError("All rows of a matrix have the same length.")
