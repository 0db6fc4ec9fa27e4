"""Korean as it is said: the rules of the Standard Pronunciation (표준 발음법, "article" below is its 제n항).

Every place where two syllables meet is decided by itself, from the coda before and the syllable after. What spelling
does not tell is in `sonorant.text.korean_words`, which words are verbs (article 27) in `sonorant.text.korean_verbs`. No
rule knows grammar, so these are not told apart: a stem in ㄴ or ㅁ from a noun (신고 "wearing" [신꼬] and 신고 "report"
[신고], article 24), and a Chinese word from another (article 26).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from sonorant.text import korean_verbs, korean_words
from sonorant.text.hangul import Syllable, has_coda, syllable
from sonorant.text.normalize.ko_tables import NATIVE_COUNTERS, SINO_COUNTERS

# Articles 8 to 11: the one of seven by which a coda is heard before a consonant and at the end.
_HEARD = {
    **dict.fromkeys("ㄱㄲㅋㄳㄺ", "ㄱ"), **dict.fromkeys("ㄴㄵㄶ", "ㄴ"), **dict.fromkeys("ㄷㅅㅆㅈㅊㅌㅎ", "ㄷ"),
    **dict.fromkeys("ㄹㄼㄽㄾㅀ", "ㄹ"), **dict.fromkeys("ㅁㄻ", "ㅁ"), **dict.fromkeys("ㅂㅍㅄㄿ", "ㅂ"),
    "ㅇ": "ㅇ", "": "",
}  # fmt: skip
_PARTS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
_TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
# Nouns of one spelling with stems: 닭과 [닥꽈] beside 맑게 [말께], 여덟도 [여덜도] beside 넓다 [널따], 삶도 [삼도].
_NOUNS_IN_RG = frozenset("닭흙칡슭탉삵")
_NOUN_IN_LB = "덟"
_NOUNS_IN_LM = frozenset("삶앎")
_PARTICLES = frozenset("과도보부까조처뿐밖만대")
# Article 24, exception: 굶기다, 옮기다, 곪기다 are made with the suffix 기.
_CAUSATIVE_STEMS, _CAUSATIVE_ENDINGS = frozenset("굶옮곪"), frozenset("기겨긴길김깁겼")
# 굶주리다 [굼주리다] is one stem.
_STARVE = "굶주"
# Article 20, exception: as suffixes of words of two syllables or more these keep their ㄴ.
_KEEP_N = frozenset({"란", "량", "력", "령", "례", "로", "론", "료", "류"})
_NARROW = frozenset("ㅣㅑㅕㅛㅠ")

_SINO = "영공일이삼사오육칠팔구십백천만억조"
_NATIVE_TENS = "열|스물|서른|마흔|쉰|예순|일흔|여든|아흔"
_NUMERAL = re.compile(
    rf"(?:[{_SINO}]+|(?:{_NATIVE_TENS})?(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉)|{_NATIVE_TENS}|스무)"
)
# Article 29, addition 2: 서른여섯, 스물여섯; and so 십육 [심뉵], 백육 [뱅뉵].
_TENS_AND_ONES = re.compile(rf"(?P<tens>{_NATIVE_TENS})(?P<first>[여일])(?=섯|덟|곱)")
_SIX = re.compile("(?<=[십백천만억])육")
# Article 26: a Chinese number in ㄹ and what it counts.
_TENSE_COUNTERS = ("도", "등", "단", "대", "세", "점", "조", "주", "장", "절", "종", "승")
_LOOKED_UP = {
    **korean_words.ANYWHERE, **korean_words.IN_STEP, **korean_words.STRICT, **korean_words.AT_START,
    **korean_words.WHOLE,
    **{word: word for word in korean_words.AS_WRITTEN},
}  # fmt: skip
# What may follow the last part of a compound: 발전하다, 발전소, 발전량을.
_END_OF_COMPOUND = re.compile(
    rf"(?:(?:하|한|할|함|합|해|했|되|된|될|됨|됩|돼|됐|시키|시켜|시킨|시킬|받|당하|당한)[가-힣]*"
    rf"|[적소기량률율비가권제금형력론자사]?{korean_words.PARTICLES}?)$"
)
# One syllable more that hardly follows two, but may end another part: 회의실|시설 is not 실시.
_ONE_MORE = re.compile(rf"[^학원문화성부일표지실생]{korean_words.PARTICLES}?$")
_PREFIXES = frozenset("신재총핵비미무악호새첫각본고저반소중")
# Article 29: 잎 after any coda is [닙], 콩잎 [콩닙], 배춧잎 [배춘닙].
_LEAF = re.compile("(?<=[가-힣])잎")
# Article 24: 습니다 after a coda that is heard as ㄴ or ㅁ is an ending: 신습니다 [신씀니다].
_FORMAL = re.compile("(?<=[가-힣])습(?=[니디][다까])")
# Article 29: names of stations, 신촌역 [신촌녁]; but 영역, 번역 and the like have no two parts.
_STATION = re.compile(rf"(?<=[가-힣][가-힣])역(?={korean_words.PARTICLES}?$)")
_BEFORE_NO_STATION = frozenset("영번반통면병광공전방음검징권군")
# Nouns in 의, which then is no particle.
_UI_NOUNS = re.compile(
    r"^(?:주|강|회|협|동|정|합|논|문|예|거|호|편|항|결|건|토|유|심|고|선|악|성|명|모|신|창|발|의|자|임|본|열|적|경)의$"
    r"|..주의$"
)


def pronounce(word: str, *, relaxed: bool = False) -> str:
    """A word of Hangul as it is said by itself, in Hangul: 값이 is 갑씨."""
    return pronounce_phrase([word], relaxed=relaxed)[0]


def pronounce_phrase(words: Sequence[str], *, relaxed: bool = False, lexicon: bool = True) -> list[str]:
    """The words of a phrase as they are said one after another, each in Hangul syllables only.

    relaxed: where the standard allows a second pronunciation, that one: 의 is [이] in a word and [에] as a particle,
    ㅖ is [ㅔ] but for 예 and 례, 맛있다 is [마싣따]. lexicon: whether words that rules cannot know are looked up.
    Codas move across a space where the standard says so of two words (articles 12, 18, 27), and where two words are
    surely said as one: after a word of one syllable, and between a number and what it counts (articles 15, 23, 29).
    """
    spelled = [
        _respelled(word, relaxed, lexicon and not _as_written(word, after)) for word, after in pairwise((*words, ""))
    ]
    joined = [_said_as_one(before, after) for before, after in pairwise(words)]
    if lexicon:
        for at, (before, after) in enumerate(pairwise(words)):
            said = _paired(before, after)
            if said:
                spelled[at + 1] = said + spelled[at + 1][len(said) :]
                joined[at] = True
    rows = [[syllable(char) for char in word] for word in spelled]
    said_rows = [_said_inside(_relaxed(row, word) if relaxed else row) for row, word in zip(rows, words, strict=True)]
    for at, row in enumerate(said_rows):
        if not row:
            continue
        coda = _HEARD[rows[at][-1].coda]
        following = said_rows[at + 1] if at + 1 < len(rows) else []
        if following:
            third = words[at + 2] if at + 2 < len(words) else ""
            meeting = _Meeting(
                joined=joined[at],
                links_narrow=bool(words[at]) and set(words[at]) <= set(_SINO),
                tense=_tense_after(words[at], words[at + 1], third),
            )
            coda, onset = _between(coda, following[0], meeting)
            following[0] = following[0]._replace(onset=onset)
        row[-1] = row[-1]._replace(coda=coda)
    return ["".join(str(_without_glide(one)) for one in row) for row in said_rows]


# ---- what is looked up ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def _respelled(word: str, relaxed: bool, lexicon: bool) -> str:
    """A word with what rules cannot know already in its spelling."""
    word = _SIX.sub("뉵", word)
    word = _TENS_AND_ONES.sub(lambda number: number["tens"] + _with_n(number["first"]), word)
    word = _LEAF.sub(lambda leaf: _with_n(leaf.group()) if has_coda(word[leaf.start() - 1]) else leaf.group(), word)
    if (formal := _FORMAL.search(word)) and _HEARD[syllable(word[formal.start() - 1]).coda] in ("ㄴ", "ㅁ"):
        word = _tensed_at(word, formal.start())
    if lexicon:
        word = _looked_up(word, relaxed)
        if stem := korean_words.STEM_AND_ENDING.match(word):
            word = _tensed_at(word, stem.end())  # article 24
        if (station := _STATION.search(word)) and _is_station(word[: station.start()]):
            word = _STATION.sub("녁", word)
    ending = korean_verbs.tense_ending(word)
    return _tensed_at(word, ending) if ending else word


def _as_written(word: str, after: str) -> bool:
    """Whether the word after shows that this is none of the table: 안과 밖."""
    return any(word == first and after.startswith(start) for first, start in korean_words.AS_WRITTEN_BEFORE)


def _is_station(name: str) -> bool:
    return has_coda(name[-1]) and name[-1] not in _BEFORE_NO_STATION


def _looked_up(word: str, relaxed: bool) -> str:
    said, at, seam = "", 0, 0
    while at < len(word):
        hit = _at_start().match(word) if at == 0 else None
        hit = hit or _anywhere(relaxed).match(word, at)
        if hit and _is_part(hit, seam):
            said, at = said + _LOOKED_UP[hit.group()], hit.end()
            seam = at
        else:
            said, at = said + word[at], at + 1
    return said


def _is_part(hit: re.Match[str], seam: int) -> bool:
    """Whether what was found is a part of its word, not the end of one part and the beginning of the next.

    Chinese compounds go by two syllables, so a Chinese word is one an even number of them after the last known seam,
    or where nothing that could make another part follows. 일시키다 is 시키다.
    """
    found, before, after = hit.group(), hit.string[: hit.start()], hit.string[hit.end() :]
    if found.endswith("시") and after.startswith(("키", "켜", "켰", "킨", "킬", "킴", "킵")):
        return False
    if found not in korean_words.IN_STEP or hit.start() == seam:
        return True
    ends = _END_OF_COMPOUND.match(after) is not None
    if len(before) == 1:
        return ends and before in _PREFIXES
    in_step = (hit.start() - seam) % 2 == 0
    return ends or (in_step and not _ONE_MORE.match(after))


@cache
def _anywhere(relaxed: bool) -> re.Pattern[str]:
    strict = [] if relaxed else list(korean_words.STRICT)
    return _any_of([*korean_words.ANYWHERE, *korean_words.IN_STEP, *korean_words.AS_WRITTEN, *strict])


@cache
def _at_start() -> re.Pattern[str]:
    beyond = [*korean_words.ANYWHERE, *korean_words.IN_STEP, *korean_words.AS_WRITTEN]
    return _any_of([*korean_words.AT_START, *korean_words.WHOLE, *beyond])


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    alone = rf"(?={korean_words.PARTICLES}?$)"
    return re.compile("|".join(word + alone if word in korean_words.WHOLE else word for word in longest_first))


def _with_n(char: str) -> str:
    return str(syllable(char)._replace(onset="ㄴ"))


def _tensed_at(word: str, at: int) -> str:
    one = syllable(word[at])
    return word[:at] + str(one._replace(onset=_TENSE.get(one.onset, one.onset))) + word[at + 1 :]


def _paired(before: str, after: str) -> str:
    """The respelled beginning of the second of two words that article 29, addition 2 makes one; "" for no such."""
    for (first, start), said in korean_words.PAIRS.items():
        if before == first and after.startswith(start):
            # 일 is "work" with a particle, else the beginning of 일본 and the like.
            if start == "일" and not re.match("일(?:$|이|은|을|도|만|에|로|과|의|입|인|들|밖|처|부|까)", after):
                return ""
            return said
    if re.fullmatch(_NATIVE_TENS, before) and after.startswith(("여섯", "여덟", "일곱")):
        return _with_n(after[0])
    return ""


def _is_number(word: str) -> bool:
    return _NUMERAL.fullmatch(word) is not None


def _said_as_one(before: str, after: str) -> bool:
    counters = (*NATIVE_COUNTERS, *SINO_COUNTERS)
    return len(before) == 1 or (_is_number(before) and (_is_number(after) or after.startswith(counters)))


def _tense_after(before: str, after: str, third: str) -> bool:
    """Whether the word after one in ㄹ begins tense."""
    # Not in the standard's text, but heard: 열 개 [열깨], 여덟 시 [여덜씨]. By article 26: 일 등 [일뜽], 팔 세 [팔쎄].
    counters = NATIVE_COUNTERS if before.endswith(("열", "여덟")) else _TENSE_COUNTERS
    if _is_number(before) and before[-1] in "일칠팔열덟" and after.startswith(tuple(counters)):
        return True
    return korean_verbs.tenses(before, after, third)


# ---- where two syllables meet --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Meeting:
    """What is known of two neighbouring words: whether they are surely said as one, also before 이 and the like,
    and whether the second begins tense."""

    joined: bool
    links_narrow: bool
    tense: bool


def _said_inside(row: Sequence[Syllable]) -> list[Syllable]:
    """The syllables of a word as they are said, all but its last coda."""
    said = list(row)
    for at in range(1, len(row)):
        coda, onset = _inside(row[at - 1], row[at], keeps_n=at > 1 and str(row[at]) in _KEEP_N)
        said[at - 1], said[at] = said[at - 1]._replace(coda=coda), said[at]._replace(onset=onset)
    # Article 5, exception 3, of what is written with a consonant: 희망 [히망], 무늬 [무니].
    return [
        one._replace(vowel="ㅣ") if one.vowel == "ㅢ" and spelled.onset != "ㅇ" else one
        for one, spelled in zip(said, row, strict=True)
    ]


def _inside(before: Syllable, after: Syllable, *, keeps_n: bool) -> tuple[str, str]:
    """The coda of one syllable of a word and the onset of the next, as they are said."""
    if not before.coda:
        return "", after.onset
    if after.onset == "ㅇ":
        # Article 15: 없 is no ending, 끝없이 [끄덥씨]; where ㅅ is heard, [마싣따], that is of 있.
        coda = _HEARD[before.coda] if str(after) == "없" else before.coda
        return _before_vowel(coda, after)
    first, last = _split(before.coda)
    if last == "ㅎ" and after.onset in "ㄱㄷㅈㅅ":
        return first, _ASPIRATED.get(after.onset, "ㅆ")  # article 12.1 and 12.2: 놓고 [노코], 많소 [만쏘]
    if after.onset == "ㅎ":
        return _before_h(before, after)
    return _before_consonant(before, after, keeps_n=keeps_n)


def _before_vowel(coda: str, after: Syllable) -> tuple[str, str]:
    if coda == "ㅇ":
        return coda, "ㅇ"
    first, last = _split(coda)
    if last == "ㅎ":  # article 12.4: 낳은 [나은], 많아 [마나]
        return "", first or "ㅇ"
    if last in "ㄷㅌ" and after.vowel in "ㅣㅕ":  # article 17: 굳이 [구지], 벼훑이 [벼훌치], 붙여 [부처]
        return first, {"ㄷ": "ㅈ", "ㅌ": "ㅊ"}[last]
    if first and last == "ㅅ":  # article 14: 넋이 [넉씨], 없어 [업써]
        return first, "ㅆ"
    return first, last  # articles 13 and 14


def _before_h(before: Syllable, after: Syllable) -> tuple[str, str]:
    """Article 12.1, additions 1 and 2: 먹히다 [머키다], 넓히다 [널피다], 꽂히다 [꼬치다], 숱하다 [수타다]."""
    coda = before.coda
    if str(before) in (*_NOUNS_IN_RG, _NOUN_IN_LB) or coda in "ㄳㄽㄿㅄ":
        coda = _HEARD[coda]
    first, last = _split(coda)
    is_suffix = after.vowel in "ㅣㅕ" and after.coda in ("", "ㅆ", "ㄴ", "ㄹ", "ㅁ", "ㅂ")
    if (last in "ㄷㅈ" and is_suffix) or coda == "ㄵ":  # article 17, addition, too: 굳히다 [구치다]
        return first, "ㅊ"
    heard = last if last in "ㄱㅂ" else _HEARD[last]
    return (first, _ASPIRATED[heard]) if heard in _ASPIRATED else (_HEARD[coda], "ㅎ")


def _before_consonant(before: Syllable, after: Syllable, *, keeps_n: bool) -> tuple[str, str]:
    coda, onset, written = before.coda, after.onset, str(before)
    heard = _HEARD[coda]
    tense = False
    if coda == "ㄺ" and onset == "ㄱ" and written not in _NOUNS_IN_RG:
        heard, tense = "ㄹ", True  # article 11, exception: 맑게 [말께]
    elif written == "밟":
        heard = "ㅂ"  # article 10, exception: 밟다 [밥따]
    elif coda in "ㄼㄾ":
        tense = written != _NOUN_IN_LB and onset in "ㄱㄷㅅㅈ"  # article 25: 넓게 [널께], 핥다 [할따]
    elif coda == "ㄵ":
        tense = onset in "ㄱㄷㅅㅈ"  # article 24: 앉고 [안꼬]; no noun ends so
    elif coda == "ㄻ":
        suffix = written in _CAUSATIVE_STEMS and str(after) in _CAUSATIVE_ENDINGS
        suffix = suffix or written + str(after._replace(coda="")) == _STARVE
        particle = written in _NOUNS_IN_LM and str(after) in _PARTICLES
        tense = onset in "ㄱㄷㅅㅈ" and not suffix and not particle  # article 24: 닮고 [담꼬]
    if heard in _NASAL or tense:
        onset = _TENSE.get(onset, onset)  # article 23: 국밥 [국빱]
    return _assimilated(heard, onset, keeps_n=keeps_n)


def _assimilated(coda: str, onset: str, *, keeps_n: bool = False) -> tuple[str, str]:
    if onset == "ㄹ":
        if coda == "ㄴ":  # article 20 and its exception: 난로 [날로], 의견란 [의견난]
            return ("ㄴ", "ㄴ") if keeps_n else ("ㄹ", "ㄹ")
        if coda in "ㅁㅇㄱㄷㅂ":  # article 19: 담력 [담녁], 협력 [혐녁]
            onset = "ㄴ"
    if coda == "ㄹ" and onset == "ㄴ":  # article 20: 칼날 [칼랄]
        return "ㄹ", "ㄹ"
    if onset in "ㄴㅁ":  # article 18: 국물 [궁물]
        coda = _NASAL.get(coda, coda)
    return coda, onset


def _between(coda: str, after: Syllable, meeting: _Meeting) -> tuple[str, str]:
    """The coda of a word and the onset of the next."""
    onset = after.onset
    if not coda:
        return coda, onset
    if meeting.tense:  # article 27: 할 것을 [할 꺼슬]
        onset = _TENSE.get(onset, onset)
    if onset == "ㅎ" and coda in _NASAL:  # article 12.1, addition 2: 옷 한 벌 [오 탄 벌]
        return "", _ASPIRATED[coda]
    if coda in _NASAL and onset in "ㄴㅁ":  # article 18, addition: 책 넣는다 [챙 넌는다]
        return _NASAL[coda], onset
    if not meeting.joined:
        return coda, onset
    if onset == "ㅇ":  # article 15: 밭 아래 [바 다래]; before 이 and the like article 29 may have it otherwise
        stays = coda == "ㅇ" or (after.vowel in _NARROW and not meeting.links_narrow)
        return (coda, onset) if stays else ("", coda)
    if coda in _NASAL:
        onset = _TENSE.get(onset, onset)  # article 23
    return _assimilated(coda, onset)


# ---- vowels --------------------------------------------------------------------------------------------------------


def _without_glide(one: Syllable) -> Syllable:
    """Article 5, exception 1: 가져 [가저]."""
    return one._replace(vowel="ㅓ") if one.vowel == "ㅕ" and one.onset in "ㅈㅉㅊ" else one


def _relaxed(row: Sequence[Syllable], word: str) -> list[Syllable]:
    """Article 5, exceptions 2 and 4: what is allowed beside the principle."""
    particle = len(row) > 1 and not _UI_NOUNS.search(word)
    allowed = list(row)
    for at, one in enumerate(row):
        if one.vowel == "ㅖ" and one.onset not in "ㅇㄹ":
            allowed[at] = one._replace(vowel="ㅔ")
        elif one.vowel == "ㅢ" and one.onset == "ㅇ" and at > 0:
            allowed[at] = one._replace(vowel="ㅔ" if particle and at == len(row) - 1 else "ㅣ")
    return allowed


def _split(coda: str) -> tuple[str, str]:
    """The letters of a coda: what stays in its syllable and what may leave it."""
    if coda in _PARTS:
        return _PARTS[coda][0], _PARTS[coda][1]
    return "", coda
