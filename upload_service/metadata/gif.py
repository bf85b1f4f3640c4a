"""GIF: CompuServe, "Graphics Interchange Format, version 89a", 1990."""

_END, _EXTENSION, _IMAGE = 0x3B, 0x21, 0x2C
_CONTROL, _APPLICATION = 0xF9, 0xFF
# How often an animation plays, and the colour profile.
_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")


def strip(data: bytes) -> bytes:
    at = 13 + _colour_bytes(data[10])
    kept = [data[:at]]
    while at < len(data) and data[at] != _END:
        if data[at] == _EXTENSION:
            end = _after_blocks(data, at + 2)
            if end is None:
                break  # it is cut off after a whole frame
            if _is_kept(data[at + 1], data[at + 3 : at + 14]):
                kept.append(data[at:end])
        elif data[at] == _IMAGE:
            end = _after_blocks(data, at + 11 + _colour_bytes(data[at + 9]))
            if end is None:
                raise ValueError("a frame is cut off")
            kept.append(data[at:end])
        else:
            end = at + 1  # padding
        at = end
    return b"".join([*kept, bytes((_END,))])


def _is_kept(label: int, application: bytes) -> bool:
    return label == _CONTROL or (label == _APPLICATION and application in _APPLICATIONS)


def _colour_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int | None:
    """Where the blocks end; None if they are cut off."""
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1 if at < len(data) else None
