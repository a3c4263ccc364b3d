"""The stand-in's embeddings: words hashed into a vector, so that texts which share words are near each other."""

import array
import base64
import hashlib
import math
import sys

from src.domain.words import content_stems

DIMENSIONS = 256


def embedding(text: str) -> list[float]:
    """The same for the same text, in every process; of length 1."""
    vector = [0.0] * DIMENSIONS
    for word in content_stems(text):
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        # Signs let words that fall on the same place cancel each other out, not add up.
        vector[int.from_bytes(digest[:3], "big") % DIMENSIONS] += 1.0 if digest[3] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0.0:
        vector[0] = length = 1.0  # a vector without a direction is near nothing, and to compare with it is an error
    return [value / length for value in vector]


def encoded(vector: list[float], encoding_format: str | None) -> list[float] | str:
    """As the API gives it: numbers, or 32-bit floats in base64, which is what OpenAI's client asks for."""
    if encoding_format != "base64":
        return vector
    numbers = array.array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
