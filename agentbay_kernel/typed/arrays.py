"""Arrays and scalars of numpy without pickle, and images as their pixels."""

from __future__ import annotations

import io
import json
from typing import Any

from .failures import BadData, NotTyped
from .packing import pack, unpack

# What Pillow's own files cannot always say, as CMYK or floating point, its raw pixels can.
MODES = frozenset(
    [
        "1",
        "L",
        "P",
        "RGB",
        "RGBA",
        "RGBX",
        "RGBa",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "F",
        "LA",
        "La",
        "PA",
        "I;16",
        "I;16L",
        "I;16B",
    ]
)


def encode_array(value: Any) -> bytes:
    """An array, or a scalar as one without dimensions, as an .npy file."""
    import numpy

    if isinstance(value, numpy.ndarray) and type(value) is not numpy.ndarray:
        raise NotTyped(f"A {type(value).__name__} cannot be sent; numpy.asarray makes an array")
    array = numpy.asarray(value)
    if array.dtype.hasobject:
        raise NotTyped("An array of Python objects cannot be sent; a list can: array.tolist()")
    file = io.BytesIO()
    numpy.save(file, array, allow_pickle=False)
    return file.getvalue()


def decode_array(data: Any) -> Any:
    """The array of an .npy file whose content is as long as its header says."""
    import numpy
    from numpy.lib import format as npy

    file = io.BytesIO(bytes(data[: 1 << 16]))
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise BadData("The array holds Python objects")
        count = 1
        for length in shape:
            count *= length
        body = memoryview(data)[file.tell() :]
        if len(body) != count * dtype.itemsize or (count > len(body) and count > 1 << 20):
            raise BadData("The array is not as long as its header says")
        array = numpy.ndarray(shape, dtype, bytearray(body), order="F" if fortran else "C")
    except BadData:
        raise
    except (ValueError, TypeError, SyntaxError, OverflowError, MemoryError) as error:
        raise BadData("This is no array") from error
    return array


def decode_scalar(data: Any) -> Any:
    """The scalar of an array without dimensions."""
    array = decode_array(data)
    if array.shape != ():
        raise BadData("This is no scalar")
    return array[()]


def encode_image(value: Any) -> bytes:
    """An image's pixels, with its palette and what plain facts it has."""
    value.load()
    if value.mode not in MODES:
        raise NotTyped(f"An image in mode {value.mode} cannot be sent")
    facts = {}
    for name, fact in value.info.items():
        try:
            facts[name] = json.loads(json.dumps(fact))
        except (TypeError, ValueError):
            continue
    header = {"mode": value.mode, "size": value.size, "info": facts}
    parts = [value.tobytes()]
    if value.palette is not None:
        header["palette"] = value.palette.mode
        parts.append(bytes(value.getpalette(value.palette.mode)))
    return pack(header, parts)


def decode_image(data: Any) -> Any:
    """The image; one of more pixels than Pillow's limit is refused."""
    from PIL import Image

    header, parts = unpack(data)
    try:
        mode, (width, height) = header["mode"], header["size"]
        if mode not in MODES or type(width) is not int or type(height) is not int:
            raise BadData("This is no image")
        most = Image.MAX_IMAGE_PIXELS
        if width < 0 or height < 0 or (most is not None and width * height > most):
            raise BadData(
                f"The image has {width * height:,} pixels, more than PIL.Image.MAX_IMAGE_PIXELS "
                f"({most:,})"
            )
        if len(parts[0]) * 8 < width * height:
            raise BadData("The image has too few pixels")
        image = Image.frombytes(mode, (width, height), bytes(parts[0]))
        if "palette" in header:
            image.putpalette(bytes(parts[1]), str(header["palette"]))
        image.info.update(header["info"])
    except BadData:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError) as error:
        raise BadData("This is no image") from error
    return image
