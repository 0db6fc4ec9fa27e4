"""Make a small Korean corpus in the layout of KSS, read aloud by espeak-ng. Run: python examples/korean_corpus.py OUT

    sonorant corpus import kss DATA --from OUT

Needs the extra `espeak`. The sentences are everyday Korean with numbers, counters, dates and times; the second column
of the transcript has them as printed, the third as said. The speech is synthetic: it is for trying the way from text to
a voice, not for a voice that anyone would listen to.
"""

from __future__ import annotations

import ctypes
import random
import sys
from collections.abc import Callable
from pathlib import Path

import espeakng_loader
import numpy as np
import soundfile

from sonorant.text.hangul import has_coda, to_jamo
from sonorant.text.normalize import normalizer_for

N_SENTENCES = 200
N_FOLDERS = 4
WORDS_PER_MINUTE = 150

PEOPLE = "친구 동생 어머니 아버지 선생님 학생 이웃 할머니 민수 지영 의사 손님".split()
PLACES = "학교 시장 도서관 부산역 공원 은행 병원 백화점 바닷가 식당 미술관 한강".split()
THINGS = {
    "사과": "개", "책": "권", "꽃": "송이", "커피": "잔", "물고기": "마리", "종이": "장", "양말": "켤레", "옷": "벌",
    "연필": "자루", "빵": "조각", "강아지": "마리", "의자": "개",
}  # fmt: skip
WEATHER = "맑고 따뜻합니다|흐리고 비가 옵니다|춥고 눈이 많이 내립니다|바람이 세게 붑니다|안개가 짙게 끼었습니다".split(
    "|"
)
FOODS = "비빔밥 김밥 된장찌개 떡볶이 불고기 라면 국수 삼겹살 팥빙수 깻잎전".split()
FEELINGS = (
    "값에 비해 양이 많아요|저에게는 조금 매웠어요|생각보다 달지 않았어요|아주 맛있었어요|국물이 정말 좋네요".split("|")
)
HABITS = "음악을 듣습니다|신문을 읽습니다|운동을 합니다|창문을 엽니다|부엌을 닦습니다|편지를 씁니다".split("|")

Choose = random.Random


def with_particle(word: str, after_coda: str, after_vowel: str) -> str:
    """The word and the form of a particle that its last sound asks for."""
    return word + (after_coda if has_coda(word[-1]) else after_vowel)


def shopping(choose: Choose) -> str:
    thing, counter = choose.choice(list(THINGS.items()))
    buyer, counted = with_particle(choose.choice(PEOPLE), "이", "가"), with_particle(counter, "을", "를")
    return f"{buyer} {choose.choice(PLACES)}에서 {thing} {choose.randint(1, 30)}{counted} 샀습니다."


def appointment(choose: Choose) -> str:
    hour, minute = choose.randint(1, 12), choose.choice((5, 10, 15, 20, 30, 45))
    person = with_particle(choose.choice(PEOPLE), "과", "와")
    return f"{choose.choice(('오전', '오후'))} {hour}시 {minute}분에 {person} {choose.choice(PLACES)} 앞에서 만나요."


def birthday(choose: Choose) -> str:
    year, month, day = choose.randint(1950, 2020), choose.randint(1, 12), choose.randint(1, 28)
    return f"{with_particle(choose.choice(PEOPLE), '은', '는')} {year}년 {month}월 {day}일에 태어났어요."


def age(choose: Choose) -> str:
    return f"우리 {choose.choice(PEOPLE)}의 나이는 올해 {choose.randint(5, 95)}살입니다."


def price(choose: Choose) -> str:
    food = with_particle(choose.choice(FOODS), "은", "는")
    return f"이 식당의 {food} {choose.randint(30, 250) * 100:,}원인데, {choose.choice(FEELINGS)}."


def weather(choose: Choose) -> str:
    day = choose.choice("오늘 내일 어제부터 주말에는 아침에는".split())
    return f"{day} 날씨가 {choose.choice(WEATHER)}. 기온은 {choose.randint(-9, 35)}도예요."


def journey(choose: Choose) -> str:
    return f"여기에서 {choose.choice(PLACES)}까지 {choose.randint(2, 90)}km이고, {choose.randint(1, 12)}시간쯤 걸려요."


def share(choose: Choose) -> str:
    return f"학생 {choose.randint(20, 400)}명 가운데 {choose.randint(5, 95)}%가 {choose.choice(PLACES)}에 가 봤대요."


def habit(choose: Choose) -> str:
    person = with_particle(choose.choice(PEOPLE), "은", "는")
    return f"{person} 매일 아침 {choose.choice(PLACES)} 옆에서 {choose.choice(HABITS)}."


def question(choose: Choose) -> str:
    food = with_particle(choose.choice(FOODS), "을", "를")
    return f"혹시 {choose.choice(PLACES)} 근처에서 {food} 먹을 수 있을까요?"


def floor(choose: Choose) -> str:
    return f"{choose.choice(PLACES)} {choose.randint(2, 15)}층 {choose.randint(101, 909)}호로 오시면 됩니다."


def wish(choose: Choose) -> str:
    return f"다음에는 꼭 {with_particle(choose.choice(PEOPLE), '과', '와')} 같이 {choose.choice(PLACES)}에 갈 거예요!"


TEMPLATES: dict[Callable[[Choose], str], str] = {
    shopping: "Someone bought things.", appointment: "Let us meet at a time.", birthday: "Someone was born on a day.",
    age: "How old someone is.", price: "What a dish costs.", weather: "What the weather is like.",
    journey: "How far it is.", share: "How many have been there.", habit: "What someone does every morning.",
    question: "Whether one can eat there.", floor: "Where to come.", wish: "Going there together.",
}  # fmt: skip


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Different sentences and what they are about."""
    choose = Choose(seed)
    made: dict[str, str] = {}
    while len(made) < count:
        template = list(TEMPLATES)[len(made) % len(TEMPLATES)]
        made.setdefault(template(choose), TEMPLATES[template])
    return list(made.items())


class Reader:
    """espeak-ng with its Korean voice, in this process."""

    def __init__(self) -> None:
        self._engine = ctypes.cdll.LoadLibrary(espeakng_loader.get_library_path())
        synchronous, utf8 = 2, 1
        self.sample_rate_hz = self._engine.espeak_Initialize(
            synchronous, 0, espeakng_loader.get_data_path().encode(), 0
        )
        if self.sample_rate_hz <= 0 or self._engine.espeak_SetVoiceByName(b"ko") != 0:
            raise SystemExit("espeak-ng did not start with its Korean voice")
        self._engine.espeak_SetParameter(1, WORDS_PER_MINUTE, 0)
        self._flags = utf8
        self._chunks: list[np.ndarray] = []
        # Kept, because espeak-ng calls it for as long as it lives.
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._callback = prototype(self._take)
        self._engine.espeak_SetSynthCallback(self._callback)

    def __call__(self, text: str) -> np.ndarray:
        """The samples of a text, int16."""
        self._chunks = []
        data = text.encode() + b"\0"
        self._engine.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, self._flags, None, None)
        self._engine.espeak_Synchronize()
        return np.concatenate(self._chunks)

    def _take(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int | None) -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    if Path(sys.argv[1]).exists():
        raise SystemExit(f"{sys.argv[1]}: exists already; name another folder, or remove it")
    out, read, normalize = Path(sys.argv[1]), Reader(), normalizer_for("ko")
    lines: list[str] = []
    total_s = 0.0
    for number, (printed, about) in enumerate(sentences(N_SENTENCES)):
        said = "".join(piece.spoken for piece in normalize(printed))
        folder = number * N_FOLDERS // N_SENTENCES + 1
        name = f"{folder}/{folder}_{number % (N_SENTENCES // N_FOLDERS):04d}.wav"
        samples = read(said)
        duration_s = len(samples) / read.sample_rate_hz
        total_s += duration_s
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(out / name, samples, read.sample_rate_hz)
        lines.append(f"{name}|{printed}|{said}|{to_jamo(said)}|{duration_s:.1f}|{about}")
    (out / "transcript.v.1.4.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} sentences, {total_s / 60:.1f} minutes, {read.sample_rate_hz} Hz: {out}")


if __name__ == "__main__":
    main()
