"""Korean words whose sound their spelling does not tell, respelled so that the rules read them rightly.

A respelling is not yet the pronunciation: 깻잎 is 깬닢, of which the rules make [깬닙], and [깬니플] of 깻잎을.
Each is written `word respelling`, under the article of the Standard Pronunciation that it is an instance of.
A word is known at the beginning of what is written without a space; one marked with ~ is known anywhere in it, and one
marked with = where nothing but a particle follows. One marked with + is a part of compounds, and these have seams
(개발|전략 is not 발전): beyond the beginning it is known in step only, as `sonorant.text.korean` tells.
"""

from __future__ import annotations

import re

from sonorant.text.hangul import syllable

_PARTICLES = """
이 가 은 는 을 를 의 에 로 으로 과 와 도 만 까지 부터 에서 에게 이나 나 이라 라 이다 이고 이며 이면 이야 야 이에요 예요
입니다 입니까 이었다 였다 인 일 인지 이었어요 조차 마저 밖에 뿐 들 들이 들은 들을 들도 들의 들에게 이란 란 이라고 라고
이라는 라는 보다 처럼 마다 에는 에도 에서는 에서도 으로는 으로도 로는 로도 으로서 로서 까지는 까지도 엔 에선 만은 만을
"""

_TABLE = """
# 10: 넓- is [넙] in these
넓죽 넙죽 · 넓둥글 넙둥글 · 넓적하 넙적하 · 넓적다리 넙적다리
# 15: a coda before a word of its own
겉옷 걷옷 · 헛웃음 헏웃음 · 젖어미 젇어미 · 값어치 갑어치 · 값있 갑있 · 첫인상 처딘상 · 웃어른 욷어른 · 윗옷 윋옷
홑옷 혿옷 · 덧옷 덛옷 · 꽃위 꼳위 · 밭아래 받아래 · 부엌안 부억안 · 팥알 팓알 · 첫아들 첟아들 · 첫아이 첟아이
몇월 멷월 · ~뜻있 뜨딨
# 16: names of letters
~디귿 디긋 · ~지읒 지읏 · ~치읓 치읏 · ~키읔 키윽 · ~티읕 티읏 · ~피읖 피읍 · ~히읗 히읏
# 20: the rule for the third syllable (의견란, 생산량) does not hold in these
+곤란 골란 · +혼란 홀란 · +논란 놀란 · +반란 발란 · ~핵연료 핵녈료 · ~화석연료 화석열료 · ~대체연료 대체열료
+난로 날로 · +한류 할류 · +분류 불류 · +인류 일류 · +언론 얼론 · +진료 질료 · +완료 왈료 · +근로 글로 · +진로 질로
+전력 절력 · +관례 괄례 · 대분류 대불류 · 대혼란 대홀란 · 대관령 대괄령
# 20 and 26; 24
공권력 공꿘녁 · 결단 결딴 · 줄넘기 줄넘끼
# 26: words of Chinese origin with ㄹ before ㄷ, ㅅ, ㅈ; those of two syllables are below
~칠십 칠씹 · ~팔십 팔씹 · 몰상식 몰쌍식 · 몰지각 몰찌각 · 불세출 불쎄출 · 일주일 일쭈일 · 졸지에 졸찌에
~고속철도 고속철또 · ~도시철도 도시철또 · ~한국철도 한국철또 · ~고밀도 고밀또 · ~저밀도 저밀또 · ~인구밀도 인구밀또
골밀도 골밀또 · 아열대 아열때 · ~일본열도 일본녈또 · 역발상 역발쌍 · 말실수 말실쑤
비활성 비활썽 · 재활성 재활썽 · 재설정 재설쩡 · 재할당 재할땅 · 저출산 저출싼 · 저출생 저출쌩
~수출실적 수출실쩍 · ~영업실적 영업실쩍 · ~판매실적 판매실쩍 · ~매출실적 매출실쩍
# Words of Chinese origin that are tense by custom; no article tells them.
+조건 조껀 · +사건 사껀 · 인기 인끼 · +문법 문뻡 · =한자 한짜 · 한자어 한짜어 · 한자음 한짜음
+성격 성껵 · 안과 안꽈 · +내과 내꽈 · +외과 외꽈
+치과 치꽈 · +헌법 헌뻡 · +여권 여꿘 · +평가 평까 · 물가 물까 · 장점 장쩜 · 단점 단쩜 · +초점 초쩜 · +관점 관쩜
문자 문짜 · ~소문자 소문짜 · ~대문자 대문짜 · 점수 점쑤 · 인권 인꿘 · 정권 정꿘 · 성과 성꽈 · 중점 중쩜 · 쟁점 쟁쩜
=대가 대까 · =개수 개쑤 · =시점 시쩜 · ~현시점 현시쩜 · =요점 요쩜 · =허점 허쩜 · =강점 강쩜 · =만점 만쩜 · =평점 평쩜
통증 통쯩 · 염증 염쯩 · 싫증 실쯩 · 무조건 무조껀 · 재평가 재평까 · 장단점 장단쩜
팔자 팔짜 · +증권 증꿘 · 주가 주까 · =원가 원까 · 원가율 원까율 · 원가절감 원까절감 · +인격 인껵 · 인건비 인껀비
+함수 함쑤 · 용건 용껀 · 안건 안껀 · 민법 민뻡 · 형법 형뻡
# 28: compounds
문고리 문꼬리 · ~눈동자 눈똥자 · ~신바람 신빠람 · 산새 산쌔 · 손재주 손째주 · 길가 길까 · 물동이 물똥이
~발바닥 발빠닥 · 굴속 굴쏙 · +술잔 술짠 · ~바람결 바람껼 · ~그믐달 그믐딸 · ~아침밥 아침빱 · 잠자리 잠짜리 · 강가 강까
초승달 초승딸 · 등불 등뿔 · 창살 창쌀 · 강줄기 강쭐기 · ~손가락 손까락 · ~발가락 발까락 · ~손바닥 손빠닥
~보름달 보름딸 · ~비빔밥 비빔빱 · ~김밥 김빱 · 눈사람 눈싸람 · 밤거리 밤꺼리 · 술집 술찝 · 물고기 물꼬기 · 용돈 용똔
산길 산낄 · 봄비 봄삐 · 안방 안빵 · 손등 손뜽 · 눈길 눈낄 · 들길 들낄 · 글자 글짜 · 밀가루 밀까루 · 빵집 빵찝
열쇠 열쐬 · ~손수건 손쑤건 · 일자리 일짜리 · 길거리 길꺼리 · 일거리 일꺼리 · 꿈속 꿈쏙 · 마음속 마음쏙 · 산속 산쏙
물속 물쏙 · 땅속 땅쏙 · 방바닥 방빠닥
눈병 눈뼝 · 물병 물뼝 · 술병 술뼝 · 달빛 달삧 · 눈빛 눈삧 · 별빛 별삧 · 불빛 불삧 · 물빛 물삧 · 금빛 금삧 · 은빛 은삧
봄빛 봄삧 · 살빛 살삧 · 물소리 물쏘리 · 말소리 말쏘리 · 발소리 발쏘리 · 종소리 종쏘리 · 총소리 총쏘리
숨소리 숨쏘리 · ~웃음소리 웃음쏘리 · ~울음소리 울음쏘리 · ~바람소리 바람쏘리 · 술값 술깞 · 땅값 땅깞 · 쌀값 쌀깞
방값 방깞 · 물값 물깞 · 몸값 몸깞 · 금값 금깞 · 기름값 기름깞 · 물결 물껼 · 숨결 숨껼 · 살결 살껼 · 꿈결 꿈껼
잠결 잠껼 · 비단결 비단껼 · 얼떨결 얼떨껼 · 발자국 발짜국 · 발걸음 발꺼름 · 발길 발낄 · 발등 발뜽 · 봄바람 봄빠람
강바람 강빠람 · 산바람 산빠람 · ~출근길 출근낄 · ~퇴근길 퇴근낄 · 손길 손낄 · 밤길 밤낄 · 물길 물낄 · 지름길 지름낄
눈금 눈끔 · 손금 손끔 · 눈곱 눈꼽 · 문지방 문찌방 · 칼집 칼찝 · 벌집 벌찝 · 물감 물깜 · =물기 물끼 · 물줄기 물쭐기
산줄기 산쭐기 · 산골 산꼴 · 산불 산뿔 · 손짓 손찟 · 몸짓 몸찟 · 눈짓 눈찟 · 술자리 술짜리 · 눈살 눈쌀 · 일손 일쏜
# 27, written as one word
쓸데 쓸떼 · 볼거리 볼꺼리 · 먹을거리 먹을꺼리 · 읽을거리 읽을꺼리 · 땔감 땔깜
# 27 and 28, of numbers
열둘 열뚤 · 열두 열뚜 · 열셋 열쎋 · 열세 열쎄 · 열다섯 열따섯
# 29: an ㄴ between two parts
솜이불 솜니불 · 홑이불 혿니불 · 막일 막닐 · 삯일 삯닐 · 맨입 맨닙 · 내복약 내복냑 · 한여름 한녀름 · 남존여비 남존녀비
신여성 신녀성 · ~색연필 색년필 · 직행열차 직행녈차 · 늑막염 늑막념 · 콩엿 콩녓 · ~담요 담뇨 · 눈요기 눈뇨기
~영업용 영업뇽 · 식용유 식용뉴 · 국민윤리 국민뉼리 · 들일 들닐 · 설익 설닉 · 물약 물냑 · 불여우 불녀우
~서울역 서울녁 · 물엿 물녓 · ~휘발유 휘발뉴 · 유들유들 유들뉴들 · 이죽이죽 이죽니죽 · 야금야금 야금냐금 · 검열 검녈
욜랑욜랑 욜랑뇰랑 · 금융 금늉 · ~백분율 백뿐뉼 · 논일 논닐 · ~밭일 받닐 · 옛일 옏닐 · 앞일 압닐 · 볼일 볼닐
집안일 집안닐 · 웬일 웬닐 · 할일 할닐 · 부엌일 부억닐 · 낯익 낟닉 · ~알약 알냑 · ~두통약 두통냑 · ~배낭여행 배낭녀행
~신혼여행 신혼녀행 · ~수학여행 수학녀행 · ~부산역 부산녁 · ~강남역 강남녁 · ~시청역 시청녁 · ~용산역 용산녁
~대전역 대전녁 · ~학생용 학생뇽 · ~가정용 가정뇽 · 밭이랑 받니랑 · 밤윷 밤늋 · ~논현역 논현녁 · 부전역 부전녁
늦여름 늦녀름 · 급행열차 급행녈차 · 완행열차 완행녈차 · 관광열차 관광녈차 · 야간열차 야간녈차 · ~국민연금 국민년금
~퇴직연금 퇴직년금 · ~개인연금 개인년금 · ~소독약 소독냑 · ~구급약 구급냑 · ~관절염 관절념 · 맹장염 맹장념
결막염 결막념 · 각막염 각막념 · 뇌막염 뇌막념 · 복막염 복막념 · 방광염 방광념 · =헛일 헏닐 · =잡일 잡닐 · =밤일 밤닐
=별일 별닐
# 29, exception and 26
삼일절 사밀쩔
# 30: ㅅ between two parts, before 이 and the like
~베갯잇 베갠닛 · 도리깻열 도리깬녈 · 뒷일 뒨닐 · 뒷윷 뒨늋 · ~옛이야기 옌니야기
~옛날이야기 옌날니야기 · 뒷이야기 뒨니야기 · 예삿일 예산닐 · 훗일 훈닐 · 가욋일 가왼닐
# 17: no ending
곧이어 고디어
"""
# 26: Chinese words of two syllables with ㄹ before ㄷ, ㅅ, ㅈ, by their first syllable; + as above. The others would
# fire across a seam (지하철|수리, 교실|장식). What is as often a noun and a particle (일도, 발도) is not here.
_IN_R = """
갈: +등 +증 색
결: +정 +제 +석 +승 +심 +산 +손 +속 +실 +집 +재 성 점 선 전 절
골: 절 동 재 조
날: 조
달: +성
돌: 진
말: 살 소 단
멸: 종 시
몰: 두 수 살
물: +질 자 증 정
밀: 접 도 수 실 집 담
발: +전 +달 +생 +동 +상 +송 +작 +주 단 산 사 설 신 족 진 제 성 정
별: 도 세 장
불: 소 신 시 상 식 순 손 심
설: +득 +정 사 전 산
솔: +직 +선
술: 수
실: +제 +습 +시 수 질 적 정 존 증 직 상 사 선 세 소 속 신 점 장 재 종 족 전
열: 정 심 중 전 대 등 세 성
울: 산
월: 세 동
율: 동
일: 시 종 정 등 상 단 제 생 대 절 자 지 신 심 식 전 직 선 당 동 진 주 석
절: +대 도 정 실 제 단 세 전 상
졸: 작 속
질: +서 +소 주 식 적
철: 도 저 수 사 제 재 석 자 조
출: 신 +석 +장 +동 +생 +제 +산 +시 +전 세 소 정 중 자 두
칠: 순
탈: 수 세 선 진 색 당 주
팔: 순
필: +수 자 시 승 사 진
할: +당 +증
혈: +당 전 족 장 색 중
활: +동 +성 자 주
"""
# Endings of Chinese origin that are tense in most words, but not in all (신여성, 영수증, 음식점, 방법): each with what
# may stand after it by chance (경제성장), and the words after which it is tense.
_FAMILIES = """
성 장 숙 원 명 냥: 가능 중요 필요 안정 안전 다양 창의 인간 전문 일관 타당 정체 사회 유연 생산 경제 공정 투명 대중 신뢰
효율 합리 관련 정당 순수 고유 보편 방향 현실 진실 특수 상대 주체 통일 상징
점 검 령: 문제 공통 차이 출발 전환 교차 개선 유의
권 리 력 한 위 유 고: 투표 선거 소유 이용 입장 회원 상품 승차 탑승 관람 초대 할인 수도 문화 생활 상위 하위
대기 성층 영향 우승 주도 발언 거부 참정 생존 재산 경영 운영 사용 특허 상표 자치 청구 기본
과 학 정 제: 소아 산부인 이비인후 피부
병 원 동 실 상: 전염 정신 피부 심장 성인 당뇨 유행 불치 난치
증 가 상 권: 신분 면허 학생 회원 우울 불면 후유 합병 건망 골다공 공포 궁금
법 칙 률 원: 맞춤 사용 요리
"""
# What is no word of the table, as the next word tells: 안과 밖, 들일 수 없다.
_AS_WRITTEN_BEFORE = """
안과 밖 · 안과 바깥 · 들일 수 · 들일 것 · 들일 거 · 들일 때 · 들일 만 · 들일 사람 · 들일 생각 · 들일 필요 · 들일 정도
"""
# 15: [마싣따] is allowed beside [마딛따], and what is heard.
_STRICT = "~맛있 마딨 · ~멋있 머딨"

# 24: stems in ㄴ and ㅁ and the endings that show them to be stems; then what is more often another word.
_STEMS = """
안 껴안 끌어안 얼싸안 떠안 감싸안 신 갈아신 감 되감 휘감 삼 일삼 남 넘 참 숨 담 심 품 더듬 다듬 가다듬 쓰다듬 보듬 머금
검 뿜
"""
_ENDINGS = """
다 다가 다는 고 고서 고는 고도 지 지만 지요 지는 지도 죠 게 도록 던 더니 자 자마자 거나 거든 습니다 습니까 겠다 겠어요
겠습니다
"""
_OTHER_WORDS = """
참고 참고서 참게 남자 남자다 심지 심지만 검지 숨지는 감지 감지는 감지도 감자 안다 안다는 안다가 안지 안지는 안지도
안지만 안지요 안죠 안자 삼자 신고 신고서 신고는 신고도 신자
"""

# 29, addition 2: two words said as one, of which the second gains an ㄴ.
_PAIRS = """
한 일 닐 · 할 일 닐 · 볼 일 닐 · 무슨 일 닐 · 하는 일 닐 · 옷 입 닙 · 잘 입 닙 · 못 이기 니기 · 못 이긴 니긴
못 잊 닞 · 못 읽 닑 · 책 읽 닑 · 잘 익 닉 · 먹은 엿 녓 · 먹을 엿 녓 · 꽃 이름 니름 · 삼 연대 년대 · 일 연대 년대
"""


def _entries(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    return [entry.split() for line in lines for entry in line.split(" · ")]


def _families(table: str) -> dict[str, str]:
    """Each word of the families with its last syllable tense; with what may stand after it by chance, as written."""
    known: dict[str, str] = {}
    for family in re.split(r"\n(?=. )", table.strip()):
        (ending, *others), words = (part.split() for part in family.split(":"))
        one = syllable(ending)
        tense = str(one._replace(onset=_tense(one.onset)))
        for word in words:
            known[word + ending] = word + tense
            known.update((word + ending + other, word + ending + other) for other in others)
    return known


def _in_r() -> list[list[str]]:
    """The words by their first syllable, as entries of the table."""
    entries = []
    for line in _IN_R.strip().splitlines():
        first, seconds = line.split(": ")
        for second in seconds.split():
            one = syllable(second[-1])
            entries.append([second[:-1] + first + second[-1], first + str(one._replace(onset=_tense(one.onset)))])
    return entries


def _tense(onset: str) -> str:
    return chr(ord(onset) + 1)


def _one_of(words: str) -> str:
    return "(?:" + "|".join(sorted(words.split(), key=len, reverse=True)) + ")"


PARTICLES = _one_of(_PARTICLES)
_ENTRIES = _entries(_TABLE) + _in_r()
_FAMILY_WORDS = _families(_FAMILIES)
AS_WRITTEN = frozenset(word for word, said in _FAMILY_WORDS.items() if word == said)
ANYWHERE = {word[1:]: said for word, said in _ENTRIES if word.startswith("~")} | {
    word: said for word, said in _FAMILY_WORDS.items() if word != said
}
IN_STEP = {word[1:]: said for word, said in _ENTRIES if word.startswith("+")}
WHOLE = {word[1:]: said for word, said in _ENTRIES if word.startswith("=")}
AT_START = {word: said for word, said in _ENTRIES if word[0] not in "~+="}
AS_WRITTEN_BEFORE = {(word, start) for word, start in _entries(_AS_WRITTEN_BEFORE)}
STRICT = {word[1:]: said for word, said in _entries(_STRICT)}
PAIRS = {(before, start): said for before, start, said in _entries(_PAIRS)}
STEM_AND_ENDING = re.compile(rf"(?!{_one_of(_OTHER_WORDS)}$)(?P<stem>{_one_of(_STEMS)})(?={_one_of(_ENDINGS)}$)")
