"""Names of concepts in text: whether they stand there, in any of their forms, and whether two of them are the same."""

import regex

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text
from src.domain.words import stem, words

_SIGN = regex.compile(r"[^\p{L}\p{M}\p{N}\p{Pi}\p{Pf}「」『』\s'\"()-]")


def names(text: str, concept: str, language: str) -> bool:
    """Returns whether the words of a concept stand together in a text, in any of their forms."""
    found, wanted = words(text), words(concept)
    if not wanted or not {stem(word, language) for word in wanted} <= {stem(word, language) for word in found}:
        return False
    return any(
        all(_is_same(one, other, language) for one, other in zip(found[start:], wanted, strict=False))
        for start in range(len(found) - len(wanted) + 1)
    )


def says_the_same(one: str, other: str, language: str) -> bool:
    """Returns whether two names are surely of one concept."""
    if normal_text(one) == normal_text(other):
        return True
    if _SIGN.search(normal_text(one) + normal_text(other)):
        return False  # C and C++ have the same words
    first, second = words(one), words(other)
    return len(first) == len(second) > 0 and all(
        _is_same(mine, its, language) for mine, its in zip(first, second, strict=True)
    )


def _is_same(one: str, other: str, language: str) -> bool:
    """Returns whether two words are surely forms of the same one."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if primary_subtag(language) == "en":
        return longer in (f"{shorter}s", f"{shorter}es")
    kept = max(4, len(longer) - 2)
    is_alike = len(shorter) >= kept and shorter[:kept] == longer[:kept]
    return is_alike and stem(one, language) == stem(other, language)
