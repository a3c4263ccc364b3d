"""The stand-in's embeddings: words are hashed into a vector, so that texts which share words are near each other."""

import array
import base64
import hashlib
import math
import sys

from src.domain.words import content_stems

DIMENSIONS = 256


def embedding(text: str) -> list[float]:
    """Returns a vector of length 1 with `DIMENSIONS` numbers, which is the same for a text in every process."""
    vector = [0.0] * DIMENSIONS
    for word in content_stems(text):
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        # With signs, words that fall on the same place cancel each other out instead of adding up.
        vector[int.from_bytes(digest[:3], "big") % DIMENSIONS] += 1.0 if digest[3] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0.0:
        vector[0] = length = 1.0  # a vector without a direction can't be compared with any other
    return [value / length for value in vector]


def encoded(vector: list[float], encoding_format: str | None) -> list[float] | str:
    """Returns a vector as the API does: as numbers, or as 32-bit floats in base64, which OpenAI's client asks for."""
    if encoding_format != "base64":
        return vector
    numbers = array.array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
