"""Which part of a picture is previewed."""

from pydantic import BaseModel, ConfigDict, Field

LARGEST_SHOWN = 4096  # pixels a side


class Part(BaseModel):
    """A rectangle of the picture that would be saved, in its pixels, and how large it is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    x: int = Field(0, ge=0, description="Left edge.")
    y: int = Field(0, ge=0, description="Top edge.")
    width: int = Field(ge=1, description="Pixels across.")
    height: int = Field(ge=1, description="Pixels down.")
    shown_width: int = Field(
        ge=1, le=LARGEST_SHOWN, description="Width of the answer; at most width."
    )
    shown_height: int = Field(
        ge=1, le=LARGEST_SHOWN, description="Height of the answer; at most height."
    )
    lossy: bool = Field(
        False, description="A WebP with losses, a draft for slow lines; of the first frame alone."
    )
