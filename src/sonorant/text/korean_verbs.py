"""Article 27 of the Standard Pronunciation: after a verb's -(으)ㄹ what follows begins tense (할 것을 [할 꺼슬]).

Spelling does not tell a verb's -(으)ㄹ from a noun's ㄹ: 만날 사람 [만날 싸람], but 오늘 사람 [오늘 사람]. Verbs are
fewer, so they are what is listed, and a word that is not known stays plain. A verb is known by its spelling (앉을: no
noun ends in 앉), by its end (일어날, 공부할) or as a whole (들을, 모를); one that is also a noun, a number or an
adverb by the noun after it (줄 사람). Before nouns that hardly ever follow another noun (것, 수, 듯) every word in ㄹ
counts, but for nouns that are often heard there.
"""

from __future__ import annotations

import re

from sonorant.text.hangul import is_syllable, syllable
from sonorant.text.korean_words import PARTICLES


def _any(words: str) -> str:
    return "(?:" + "|".join(sorted(words.split(), key=len, reverse=True)) + ")"


# ---- what stands before: stems in a consonant, with 을 -------------------------------------------------------------

# No noun ends in these, but for a few; nor is 을 the particle after an open syllable.
_CODAS_OF_STEMS = frozenset(("", *"ㄵㄶㄺㄻㄼㄾㄿㅀㅄㄲㅆㅎㄷ"))
_NOT_STEMS = frozenset("닭흙칡슭탉삵삶앎덟값밖팎귿읗")
_STEMS_BEFORE_EUL = re.compile(
    "(?:[먹뽑씹좁씻솟찾맞잊늦꽂맺짖찢갖잦궂쫓좇같붙맡뱉흩높깊싶갚덮엎]"
    "|빼앗|손꼽|붙잡|사로잡|바로잡|걷잡|다잡|[아어려켜]잡|껴안|끌어안|다듬|더듬|뛰어넘|비웃|[아어려]입|깨달|알아들)을$"
    "|^(?:죽|잡|막|찍|썩|익|참|넘|웃|벗|접|담|심|머금|들|걸|일컬)을$"
)
_NOUNS_BEFORE_EUL = re.compile("(?:가|마|노|고|주먹|머리맡)을$")

# ---- stems in a vowel or ㄹ ----------------------------------------------------------------------------------------

_ENDS_OF_VERBS = re.compile(
    _any(
        """
        할 될 뵐 쓸 뺄 낄 쁠 뀔 시킬 지킬 일으킬 가리킬 삼킬 들킬 만들 흔들 떠들 힘들 모여들 이끌 만날 떠날 끝날
        나타날 혼날 빛날 거듭날 어긋날 보낼 지낼 꺼낼 해낼 끝낼 펴낼 찾아낼 드러낼 나타낼 이겨낼 만들어낼 기다릴 버릴
        내릴 올릴 빌릴 들릴 걸릴 돌릴 열릴 달릴 흘릴 때릴 살릴 알릴 놀릴 날릴 불릴 풀릴 팔릴 물릴 말릴 가릴 누릴 느릴
        두드릴 건드릴 뜨릴 질릴 졸릴 차릴 울릴 뿌릴 꾸릴 벌릴 틀릴 밀릴 쏠릴 쓸릴 가르칠 고칠 다칠 미칠 마칠 지칠 그칠
        외칠 펼칠 합칠 부딪칠 놓칠 망칠 바칠 뭉칠 떨칠 훔칠 넘칠 뉘우칠 해칠 설칠 앞당길 떠넘길 배울 싸울 세울 키울
        지울 채울 비울 피울 태울 깨울 외울 치울 재울 데울 도울 누울 주울 추울 미울 까울 즐거울 뜨거울 무거울 무더울
        두꺼울 싱거울 버거울 가벼울 려울 러울 로울 다울 귀여울 반가울 차가울 그리울 무서울 놀라울 고마울 배고플 아플
        슬플 베풀 바꿀 가꿀 나눌 이룰 다룰 미룰 겨룰 거둘 서둘 그만둘 부술 잠글 담글 자랄 놀랄 바랄 멈출 맞출 감출
        늦출 갖출 비출 춤출 낮출 다닐 아닐 지닐 거닐 주무실 으실 일어설 나설 들어설 돌아설 앞설 맞설 갈아탈 올라탈
        불탈 던질 만질 꺼질 빠질 터질 번질 따질 어질 아질 려질 커질 워질 켜질 겨질 그럴 이럴 저럴 어쩔 어떨 놓일 쌓일
        끓일 높일 덮일 섞일 깎일 꺾일 묶일 볶일 트일 붙일 줄일 죽일 벌일 움직일 돋보일 엿보일 받아들일 끌어들일 반짝일
        끄덕일 망설일 기울일 살펴볼 돌볼 엿볼 맛볼 거릴 부릴 늘릴 몰릴 다스릴 헤아릴 엎드릴 갈릴 눌릴 깔릴 떨릴 끌릴
        뚫릴 추릴 얼버무릴 거슬릴 휘둘릴 찔릴 떨어트릴 무너트릴 깨트릴 빠트릴 망가트릴 쓰러트릴 댈 러질 너질 라질 춰질
        쳐질 퍼질 혀질 여질 져질 뤄질 책임질 멋질 스며들 파고들 길들일 맞아들일 사들일 다볼 닥칠 물리칠 뿌리칠 비칠
        끼칠 마주칠 부칠 받칠 솟구칠 파헤칠 지나칠 깨우칠 그르칠 걸칠 겹칠 덮칠 팽개칠 헤엄칠 치우칠 뛸 쥘 디딜 견딜
        버틸 돌이킬 비킬 내킬 엉킬 쪼갤 뭉갤 없앨 보탤 살필 덤빌 누빌 비빌 꾸밀 내밀 사귈 나뉠 다툴 감쌀 비쌀 쉬울
        어두울 사나울 지겨울 흥겨울 힘겨울 역겨울 정겨울 눈물겨울 따가울 달가울 아니꼬울 가여울 두터울 우스울 북돋울
        드리울 씌울 고달플 서글플 떠돌 맴돌 겉돌 물러설 넘어설 갈라설 다가올 다가갈 들먹일 울먹일 속삭일 뒤척일 출렁일
        훌쩍일 들썩일 뒤적일 서성일 선보일 내보일 돌아가실 들어가실 나가실 올라가실 내려가실 나오실 들어오실 돌아오실
        벅찰 얽맬 헤맬 졸라맬 해질 줄어들 접어들 뛰어들 끌어들 흘러들 달려들 빠져들 오그라들 물들일 껴질
        """
    )
    + "$"
    # Verbs put together, with their first in -아 or -어: 돌아갈, 나올, 물어볼, 알려줄, 피어날.
    + "|[아어여려져겨]날$|[나아어여라러려녀져와워쳐겨][갈올]$|해올$|[아어여려라져와워해겨쳐켜]볼$|[아어해]둘$"
    + "|[아어려러라쳐겨워해]낼$|[아어여려와워해내겨쳐켜다]줄$|[아어여려와워해]주실$|(?<!지)하실$"
    # 힐 after a coda: 밝힐, 잡힐, 넓힐.
    + "|[밝긁읽얽붉잡뽑꼽씹좁업입눕굽집막먹박찍익식썩젖맺맞꽂앉얹굳닫묻걷뻗갇딪넓밟롭]힐$"
)
_NOUNS_WITH_SUCH_ENDS = re.compile(
    "(?:역|분|관|마|소득세)할$|^[이삼사오육칠팔몇]할$|(?:브라|전해|상아|용해|방아|씨아)질$|(?:이|에)어볼$|(?:동아|이어)줄$"
)
_WHOLE_VERBS = re.compile(
    "^"
    + _any(
        """
        갈 볼 놀 쉴 뛸 깰 켤 펼 클 잴 쥘 맬 부풀 지날 가질 그릴 드릴 흐릴 시릴 비틀 뒹굴 잠들 시들 거칠 구울 더울 메울
        매울 고울 고플 모를 부를 흐를 오를 다를 고를 누를 두를 따를 치를 빠를 푸를 마를 찌를 게으를 배부를 가볼 사줄
        써줄 풍길 뜯길 질길 비길 어길 담길 생길 남길 즐길 옮길 맡길 챙길 넘길 숨길 안길 벗길 웃길 빼앗길 뺏길 쫓길
        잠길 섬길 감길 끊길 새길 반길 당길 이길 보일 먹일 모일 쓰일 고일 속일 숙일 녹일 절일 마실 모실 계실 가실 하실
        오실 주실 보실 드실 되실 아실 저지를 떠오를 타오를 앞지를 뒤따를 머무를 서두를 서투를 무찌를 주무를 솟아오를
        뛰어오를 날아오를 피어오를 기어오를 차오를 억누를 짓누를 거스를 추스를 남다를 색다를 휘두를 엎지를 가로지를
        메마를 다다를 조를 올바를 푸르를 물들
        """
    )
    + "$"
)

# ---- words that are also nouns, numbers, adverbs -------------------------------------------------------------------

_MAYBE_VERBS = re.compile(
    "^" + _any("줄 올 살 팔 알 걸 벌 풀 질 낼 탈 뜰 빌 밀 입을 남을 안을 감을 기를 자를 품을 들일") + "$"
)
_NOUNS_AFTER = _any(
    "사람 사람들 시간 자리 돈 방법 곳 데 집 방 가게 손님 생각 계획 작정 기회 자격 자신 준비 대상 장소 조건 능력 권리 길"
)
_NOUN_AFTER = re.compile(rf"{_NOUNS_AFTER}{PARTICLES}?$")
# 잘 is "well" but before these.
_TIME_TO_SLEEP = re.compile(rf"(?:시간|자리|방|곳|데|사람|준비){PARTICLES}?$")
# 알 길이 없다, 살 길이 있다; but 팔 길이 is an arm's length.
_LENGTH = re.compile("(?!알|살|올).* 길이")

# ---- what stands after ---------------------------------------------------------------------------------------------

# Nouns that hardly ever stand after another noun, with what may follow them.
_BOUND = re.compile(
    r"것|겁니|거(?:야|예요|에요|라|지|냐|니|든|면|고|는|도|를|죠|였|잖|다|$)|걸(?:요|로)?$|게(?:요)?$|건(?:가|데|지)?$"
    r"|수(?:가|는|도|를|밖에|록|야|만|있|없|$)|데(?:가|는|도|를|라|$)|바(?:가|는|를|와|이다|이며|이고|$)|적(?:이|에|도|$)"
    r"|듯|곳(?!곳)|법(?:이|은|도|한|하|$)|도리|성싶|가능성|겨를|작정|심산|지경|기세"
)
_KNOW_HOW = re.compile(r"줄(?:은|을|도|이야|만)?$")
_KNOWING = ("알", "아", "압", "안다", "모르", "몰", "모른", "모를")
# Words that end in ㄹ and in no verb's -(으)ㄹ; those in 를 are objects, but for the stems in 르.
_NO_VERB = re.compile(
    r"(?:오늘|내일|서울|겨울|가을|마을|얼굴|하늘|아들|이틀|사흘|나흘|열흘|연필|호텔|메일|과일|매일|생일|요일|교실|거실|기술|전철|지하철)$"
    r"|^(?!.*(?:부|모|흐|오|이|다|고|빠|누|두|기|따|치|투|으)를$).*를$"
)


def is_verb(word: str) -> bool:
    """Whether a word is surely a verb with its -(으)ㄹ: 만날, 앉을, 모를."""
    if not word or not is_syllable(word[-1]) or syllable(word[-1]).coda != "ㄹ":
        return False
    if len(word) > 1 and word[-1] == "을" and is_syllable(word[-2]) and not _NOUNS_BEFORE_EUL.search(word):
        stem = word[-2]
        if syllable(stem).coda in _CODAS_OF_STEMS and stem not in _NOT_STEMS:
            return True
        if _STEMS_BEFORE_EUL.search(word):
            return True
    if _WHOLE_VERBS.match(word):
        return True
    return _ENDS_OF_VERBS.search(word) is not None and not _NOUNS_WITH_SUCH_ENDS.search(word)


def tenses(before: str, after: str, third: str) -> bool:
    """Whether `after` begins tense, being said after `before`; `third` is the word after both, or ""."""
    if not before or not is_syllable(before[-1]) or syllable(before[-1]).coda != "ㄹ":
        return False
    if is_verb(before):
        return True
    if _MAYBE_VERBS.match(before) and _NOUN_AFTER.match(after):
        return not _LENGTH.match(f"{before} {after}")
    if before == "잘" and _TIME_TO_SLEEP.match(after):
        return True
    if _NO_VERB.search(before):
        return False
    if _KNOW_HOW.match(after):
        return third.startswith(_KNOWING)
    return _BOUND.match(after) is not None


# ---- endings that begin with -(으)ㄹ: article 27, addition ---------------------------------------------------------

_ENDING = re.compile(
    r"(?P<end>수록|지라도|지언정|진대|세라|밖에|걸요?$|게요?$|지(?:도|는|가|를|요|에|만|조차|도요|라도)?$)"
)
# Stems in ㄹ: 길게, 힘들게, 낯설지.
_STEMS_IN_R = frozenset("알살놀길멀말울팔들달돌물불빌열졸날걸굴끌늘덜떨얼밀풀헐글틀썰벌털질절슬칠설툴")
_VERBS_IN_R = re.compile(
    "^(?:들|알|살|놀|끌|풀|거칠|어질|거닐)$|(?:만들|흔들|떠들|어들|여들|힘들|이끌|베풀|부풀|비틀|뒹굴|시들|잠들|놀)$"
)


def tense_ending(word: str) -> int:
    """Where in a word such an ending begins tense (할걸 [할껄], 할수록 [할쑤록]), or 0: 알게 has its ㄹ in the stem."""
    for ending in _ENDING.finditer(word):
        at, end = ending.start(), ending["end"]
        before = word[at - 1 : at]
        if not before or not is_syllable(before) or syllable(before).coda != "ㄹ":
            continue
        stem = word[:at]
        future = is_verb(stem) and not _VERBS_IN_R.search(stem)
        if end == "게":  # 살게 may be of 살다; 살게요 is a promise
            known = before not in _STEMS_IN_R or future
        elif end == "밖에":
            known = future
        elif end.startswith("지") and end not in ("지라도", "지언정"):
            known = future or before in "일" or (before == "을" and not _NOUNS_BEFORE_EUL.search(stem))
        else:
            known = True
        if known:
            return at
    return 0
