"""Words of text in any script: which they are, which of them carry content, and what their forms share."""

import re
from collections.abc import Mapping
from functools import lru_cache

import regex
import Stemmer

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text

# A letter or digit, then all that belongs to it: the vowel signs of Hindi are marks, and joiners stand inside words.
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c\u200d]*(?:['’][\p{L}\p{M}]+)*")
# The same where no marks belong to letters, in Latin, Greek, Cyrillic, Armenian, Georgian and Ethiopic script; `re`
# finds it several times as fast.
_BARE_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*")
_MARKED = re.compile(r"[\u0300-\u036f\u0483-\u0489\u0590-\u109f\u135d-\u137c\u1380-\u200d\u20d0-\U0010ffff]")
NO_SPACES = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
"""Matches a character of a script that has no spaces between words."""
# Where such characters may be; `re` looks for it much faster.
_MAY_HAVE_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u2e80-\U0010ffff]")
_UNSPACED = regex.compile(f"{NO_SPACES.pattern}+")

HINDI_FUNCTION_WORDS = (
    "का के की को में से पर और है हैं था थे थी यह वह ये वे एक इस उस कि जो तो भी ने हो ही या कर करता करते करने लिए साथ तक"
    " नहीं किया गया जाता होता होते होती अपने इन उन क्या कैसे तथा एवं द्वारा"
)
ARABIC_FUNCTION_WORDS = (
    "في من على إلى الى عن مع أن إن ان هذا هذه ذلك تلك التي الذي الذين ما لا لم لن هو هي هم كان كانت قد كل بعض أو او ثم"
    " بين عند حيث كما لكن إذا اذا أي و ف ب ل ك كيف هل"
)
_FUNCTION_WORDS = {
    "en": """a about after all also am an and any are as at be because been before being between both but by call called
        can did do does done each for from get had has have having he her him his how i if in into is it its itself just
        let like made make many may me more most much must my no nor not now of off on only onto or other our out over
        own per same shall she should so some such than that the their them then there these they this those through
        to too up us under very via was we were what when where which while who whom whose why will with within without
        would yes yet you your""",
    "de": """aber alle als also am an auch auf aus bei bin bis da dann das dass dein deine dem den denn der des die dies
        diese dieser dieses doch du durch ein eine einem einen einer eines er es etwas für haben hat hier ich ihr ihre
        ihren im in ist ja kann kein keine man mehr mit nach nicht noch nur ob oder ohne sehr sein seine sich sie sind
        so über um und uns unter viel viele vom von vor war was weil wenn wer werden wie wir wird wo wurde zu zum zur
        zwischen""",
    "es": """a al algo como con cual cuando de del desde donde e el él ella ellos en entre era es esa ese eso esta está
        este esto ha han hasta hay la las le les lo los más me mi muy ni no nos o para pero por porque que qué se ser si
        sí sin sobre son su sus también te tiene tu un una unas uno unos y ya yo""",
    "fr": """à au aux avec ce ces cet cette comme dans de des du elle elles en entre es est et été être eu il ils je l
        la le les leur leurs lui ma mais me même mes moi mon ne nos notre nous on ont ou où par pas plus pour qu que
        quel quelle qui sa sans se ses si son sont sous sur ta te tes ton très tu un une vos
        votre vous y c d j m n s t""",
    "pt": """a ao aos as com como da das de do dos e é ela elas ele eles em entre era essa esse esta está este eu foi há
        isso isto já lhe mais mas me mesmo muito na não nas nem no nos o os ou para pela pelo por qual quando que quem
        se sem ser seu seus só sua suas também te tem um uma você""",
    "it": """a ad ai al alla alle anche che chi ci come con cui da dal dalla dei del della delle di dove e è ed essere
        gli ha hanno i il in io la le lei lo loro lui ma mi nei nel nella non nostro o ogni per perché più quale quando
        quello questa questo se sei si sono su sua sue sul sulla suo tra tu un una uno""",
    "nl": """aan als bij dan dat de der deze die dit door een en er haar heeft het hij hoe ik in is je kan maar meer met
        naar niet nog of om ook op over te tot uit van veel voor was wat we werd wie wordt ze zich zij zijn zo""",
    "tr": """ama bir bu çok da daha de değil diye en gibi hem her için ile ise ki mi mı mu mü ne o olan olarak oldu olur
        sonra şu var ve veya ya yani""",
    "ru": """а без бы был была были было в вам вас весь во вот все всего вы где да для до его ее её если есть же за и из
        или им их к как когда кто ли мы на над не него нее неё нет но о об он она они оно от по под при с сам свой себя
        со так также там то того тоже только том ты у уже чем что чтобы эта эти это этого этот я""",
    "el": """αν από αυτά αυτή αυτό αυτός για δε δεν είναι ένα ένας η ήταν θα και κάθε κατά με μετά μέσα μη μια μία να ο
        οι ό όπως όταν ότι που πού πριν προς πως πώς σε σαν στα στη στην στις στο στον στους στων τα τη την της τι τις
        το τον του τους των ως""",
    "he": """אבל או אותו אותה אותם אחרי אל אם אנחנו אני אף את אתה בו בין גם דרך הוא היא היה היו היתה הייתה הם הן זאת זה
        זו יש כאשר כי כך כל כמו לא לה להם לו לפי מאוד מה מי מן על עם של שלו שלה שם תחת""",
    "hi": HINDI_FUNCTION_WORDS,
    "ar": ARABIC_FUNCTION_WORDS,
    "hy": """այդ այն այս բայց է են էր էին եւ և թե թեև ինչ իր կամ համար հետ մեջ նաև ներ նրա որ որը որոնք ու պետք ունի
        ունեն վրա""",
    "am": "እና ነው ነበር ናቸው ላይ ውስጥ ወደ ከ ግን ይህ ያ እንደ ስለ ጋር ሁሉ ነገር ደግሞ ወይም",
    "ko": "그 그리고 그러나 및 또는 또 이 저 것 수 등 때 더 한 하는 있는 있다 이다 한다 된다 되는",
}
# Words that say that something is not so. In scripts without spaces they are found wherever they stand.
_NEGATIONS = {
    "en": "no not never none nor cannot without neither nobody nothing",
    "de": "nicht kein keine keinen keiner keines keinem nie niemals ohne nichts niemand",
    "fr": "pas jamais rien aucun aucune sans ni personne non",
    "es": "no nunca jamás ningún ninguna ninguno sin nada tampoco nadie ni",
    "pt": "não nunca jamais nenhum nenhuma sem nada nem ninguém",
    "it": "non mai nessun nessuno nessuna senza niente nulla né",
    "nl": "niet geen nooit zonder niets niemand",
    "tr": "değil yok hiç hiçbir",
    "ru": "не нет никогда без ни никто ничто нельзя",
    "el": "δεν δε μη μην ποτέ χωρίς κανένας καμία κανένα όχι ούτε",
    "he": "לא אין אינו אינה אינם אינן בלי ללא מעולם אף",
    "hi": "नहीं न बिना ना मत",
    "ar": "لا ليس ليست لم لن غير دون بدون",
    "ko": "않는다 않다 않고 않은 않았다 않는 아니다 아닌 아니라 없다 없는 없이 못한다 안",
    "zh": "不 没 沒 未 非 无 無 莫 勿",
    "ja": "ない ません なく ず 無い なかった",
    "th": "ไม่ มิ ไร้",
    "km": "មិន ពុំ គ្មាន",
}
NOT_ONLY = regex.compile(
    r"\b(?:not (?:only|just|until)|nicht nur|(?:non|pas) seulement|no s[óo]lo|não só|non solo|niet alleen|не только"
    r"|όχι μόνο)\b|不仅|不但|だけでなく|뿐만|न केवल|ليس فقط|לא רק",
    regex.IGNORECASE,
)
"""What looks like a denial, and says no less than a plain statement."""
# Snowball's names of the languages whose forms it knows.
_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian",
    "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali",
    "nl": "dutch", "nn": "norwegian", "no": "norwegian", "fa": "persian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "yi": "yiddish",
}  # fmt: skip
# The Arabic article with what is written before it. The stemmer leaves it on short words. After Larkey, Ballesteros and
# Connell, "Light Stemming for Arabic Information Retrieval", 2007.
_ARTICLE = regex.compile(r"(?<![\p{L}\p{M}])(?:[وبكف]?ال|لل)(?=[\u0621-\u064a]{3})")
# What Hebrew and Amharic write before a word: articles, prepositions, "and".
_PREFIXES = {"he": "והבלכש", "am": "የበለከእስ"}
_SHORTEST_WITH_PREFIX = 4
_LONGEST_ENGLISH_STEM = 6


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Returns the words of a text's normal form in order; in a script without spaces, pairs of characters."""
    form = normal_text(text)
    if form.isascii() or not _MARKED.search(form):
        return tuple(_BARE_WORD.findall(form))
    found = _WORD.findall(form)
    if not has_no_spaces(form):
        return tuple(found)
    return tuple(part for word in found for part in in_pairs(word).split())


def has_no_spaces(text: str) -> bool:
    """Returns whether a text has a character of a script that has no spaces between words."""
    return not text.isascii() and _MAY_HAVE_NO_SPACES.search(text) is not None and NO_SPACES.search(text) is not None


def in_pairs(text: str) -> str:
    """Returns the text with each run of a script without spaces cut into pairs of characters.

    The pairs overlap by one, and are near enough to words to compare texts by them.
    """
    return _UNSPACED.sub(lambda run: f" {' '.join(_pairs(run.group()))} ", text)


def _pairs(run: str) -> list[str]:
    return [run[start : start + 2] for start in range(max(1, len(run) - 1))]


def without_articles(text: str) -> str:
    """Returns an Arabic text without the articles of its words, and what is written before these."""
    return _ARTICLE.sub("", text)


@lru_cache(maxsize=65536)
def stem(word: str, language: str = "en") -> str:
    """Returns what the inflected forms of a word mostly share, enough to tell whether texts speak of the same thing.

    `word` is one of `words`; `language` a BCP 47 tag.
    """
    subtag = primary_subtag(language)
    if "\uac00" <= word[0] <= "\ud7a3":
        return word[:2]  # what follows is mostly particles
    if subtag == "ar":
        word = without_articles(word)
    prefixes = _PREFIXES.get(subtag, "")
    while len(word) >= _SHORTEST_WITH_PREFIX and word[0] in prefixes:
        word = word[1:]
    if subtag in _SNOWBALL:
        stemmed: str = _stemmer(_SNOWBALL[subtag]).stemWord(word)
        # Two longer stems of "photosynthesis" and "photosynthetic" would speak of the same thing.
        return stemmed[:_LONGEST_ENGLISH_STEM] if subtag == "en" else stemmed
    return word if len(word) <= 6 else word[:-3]


@lru_cache(maxsize=8)
def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(algorithm)


@lru_cache(maxsize=4096)
def content_stems(text: str, language: str = "en") -> tuple[str, ...]:
    """Returns the stems of the words that carry content, in order; if none does, the stems of all words."""
    found = words(text)
    functional = _functional(primary_subtag(language))
    content = [word for word in found if word not in functional]
    return tuple(stem(word, language) for word in content or found)


def carries_content(word: str, language: str = "en") -> bool:
    """Returns whether one of `words` says something by itself, and isn't there for the sentence alone."""
    return word not in _functional(primary_subtag(language))


@lru_cache(maxsize=1)
def function_words() -> Mapping[str, frozenset[str]]:
    """Returns the words that are there for the sentence alone, as far as they are known, by primary subtag."""
    return {subtag: _functional(subtag) for subtag in _FUNCTION_WORDS}


@lru_cache(maxsize=32)
def _functional(subtag: str) -> frozenset[str]:
    # Where a language isn't known, no word of it is left out.
    return frozenset(words(_FUNCTION_WORDS.get(subtag, "")))


def negations(text: str, language: str = "en") -> int | None:
    """Returns how many words of `text` deny something; None if that can't be told in its language."""
    subtag = primary_subtag(language)
    if subtag not in _NEGATIONS:
        return None
    form = normal_text(text)
    if has_no_spaces(_NEGATIONS[subtag]):
        return sum(map(form.count, _NEGATIONS[subtag].split()))
    found, denying = words(text), _denying(subtag)
    if denying.isdisjoint(found) and "n't" not in form:
        return 0
    return sum(word in denying or word.endswith("n't") for word in found)


def without_negations(text: str, language: str) -> str:
    """Returns the normal form of a text in a script without spaces, less its spaces and what denies something."""
    form = normal_text(text).replace(" ", "")
    for sign in _NEGATIONS.get(primary_subtag(language), "").split():
        form = form.replace(sign, "")
    return form


def denies(word: str, language: str = "en") -> bool:
    """Returns whether one of `words` denies something, in a language with spaces between words."""
    return word in _denying(primary_subtag(language)) or word.endswith("n't")


@lru_cache(maxsize=32)
def _denying(subtag: str) -> frozenset[str]:
    return frozenset(words(_NEGATIONS.get(subtag, "")))
