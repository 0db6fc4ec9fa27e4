"""Korean words whose sound their spelling does not tell, respelled so that the rules read them rightly.

A respelling is not yet the pronunciation: 깻잎 is 깬닢, of which the rules make [깬닙], and [깬니플] of 깻잎을.
Each is written `word respelling`, under the article of the Standard Pronunciation that it is an instance of.
A word is known at the beginning of what is written without a space; one marked with ~ is known anywhere in it.
"""

from __future__ import annotations

import re

_TABLE = """
# 10: 넓- is [넙] in these
넓죽 넙죽 · 넓둥글 넙둥글 · 넓적하 넙적하 · 넓적다리 넙적다리
# 15: a coda before a word of its own
~맛없 맏없 · ~멋없 먿없 · 겉옷 걷옷 · 헛웃음 헏웃음 · 젖어미 젇어미 · 값어치 갑어치 · 값있 갑있 · 첫인상 처딘상
웃어른 욷어른 · 윗옷 윋옷 · 홑옷 혿옷 · 덧옷 덛옷 · 꽃위 꼳위 · 밭아래 받아래 · 부엌안 부억안 · 팥알 팓알
첫아들 첟아들 · 첫아이 첟아이 · 몇월 멷월
# 16: names of letters
~디귿 디긋 · ~지읒 지읏 · ~치읓 치읏 · ~키읔 키윽 · ~티읕 티읏 · ~피읖 피읍 · ~히읗 히읏
# 20: the rule for the third syllable (의견란, 생산량) does not hold in these
~곤란 골란 · ~혼란 홀란 · ~논란 놀란 · ~반란 발란 · ~연료 열료 · ~난로 날로 · ~한류 할류 · ~분류 불류 · ~인류 일류
~언론 얼론 · ~진료 질료 · ~완료 왈료 · ~근로 글로 · ~진로 질로 · ~전력 절력 · ~관례 괄례 · 대관령 대괄령
# 20 and 26; 24
공권력 공꿘녁 · 결단 결딴 · 줄넘기 줄넘끼
# 26: words of Chinese origin with ㄹ before ㄷ, ㅅ, ㅈ
~갈등 갈뜽 · 발동 발똥 · 절도 절또 · 말살 말쌀 · 불소 불쏘 · 일시 일씨 · 갈증 갈쯩 · ~물질 물찔 · ~발전 발쩐
몰상식 몰쌍식 · 불세출 불쎄출 · ~결정 결쩡 · ~활동 활똥 · 출신 출씬 · 열심 열씸 · 일주일 일쭈일 · ~설득 설뜩
~발달 발딸 · 실수 실쑤 · 결석 결썩 · ~필수 필쑤 · ~철도 철또 · ~칠십 칠씹 · ~팔십 팔씹 · ~결제 결쩨 · ~출석 출썩
~절대 절때 · 별도 별또 · ~실제 실쩨 · 일종 일쫑 · 일정 일쩡 · 월세 월쎄 · 질서 질써 · 일상 일쌍 · ~달성 달썽
밀접 밀쩝 · ~설정 설쩡 · 철저 철쩌 · ~솔직 솔찍 · ~출장 출짱 · ~출동 출똥 · ~실습 실씁 · 물자 물짜 · 열정 열쩡
불신 불씬 · ~결심 결씸 · 골절 골쩔 · 멸종 멸쫑 · ~발생 발쌩 · ~실시 실씨 · ~결승 결씅
# Words of Chinese origin that are tense by custom; no article tells them.
~조건 조껀 · ~사건 사껀 · 인기 인끼 · ~문법 문뻡 · 한자 한짜 · ~성격 성껵 · 안과 안꽈 · ~내과 내꽈 · ~외과 외꽈
~치과 치꽈 · ~헌법 헌뻡 · ~여권 여꿘 · ~평가 평까 · 물가 물까 · 장점 장쩜 · 단점 단쩜 · ~초점 초쩜 · ~관점 관쩜
~신분증 신분쯩 · ~면허증 면허쯩
# 28: compounds
문고리 문꼬리 · ~눈동자 눈똥자 · ~신바람 신빠람 · 산새 산쌔 · 손재주 손째주 · 길가 길까 · 물동이 물똥이
~발바닥 발빠닥 · 굴속 굴쏙 · ~술잔 술짠 · ~바람결 바람껼 · ~그믐달 그믐딸 · ~아침밥 아침빱 · 잠자리 잠짜리
강가 강까 · 초승달 초승딸 · 등불 등뿔 · 창살 창쌀 · 강줄기 강쭐기 · ~손가락 손까락 · ~발가락 발까락 · ~손바닥 손빠닥
~보름달 보름딸 · ~비빔밥 비빔빱 · ~김밥 김빱 · 눈사람 눈싸람 · 밤거리 밤꺼리 · 술집 술찝 · 물고기 물꼬기 · 용돈 용똔
산길 산낄 · 봄비 봄삐 · 안방 안빵 · 손등 손뜽 · 눈길 눈낄 · 들길 들낄 · 글자 글짜 · 밀가루 밀까루 · 빵집 빵찝
꿈속 꿈쏙 · 마음속 마음쏙 · 산속 산쏙 · 물속 물쏙 · 땅속 땅쏙 · 방바닥 방빠닥
# 27 and 28, of numbers
열둘 열뚤 · 열두 열뚜 · 열셋 열쎋 · 열세 열쎄 · 열다섯 열따섯
# 29: an ㄴ between two parts
솜이불 솜니불 · 홑이불 혿니불 · 막일 막닐 · 삯일 삯닐 · 맨입 맨닙 · ~꽃잎 꼳닢 · 내복약 내복냑 · 한여름 한녀름
남존여비 남존녀비 · 신여성 신녀성 · ~색연필 색년필 · 직행열차 직행녈차 · 늑막염 늑막념 · 콩엿 콩녓 · ~담요 담뇨
눈요기 눈뇨기 · ~영업용 영업뇽 · 식용유 식용뉴 · 국민윤리 국민뉼리 · 들일 들닐 · ~솔잎 솔닢 · 설익 설닉 · 물약 물냑
불여우 불녀우 · ~서울역 서울녁 · 물엿 물녓 · ~휘발유 휘발뉴 · 유들유들 유들뉴들 · 이죽이죽 이죽니죽
야금야금 야금냐금 · 검열 검녈 · 욜랑욜랑 욜랑뇰랑 · 금융 금늉 · ~백분율 백뿐뉼 · 논일 논닐 · ~밭일 받닐 · 옛일 옏닐
앞일 압닐 · 볼일 볼닐 · 집안일 집안닐 · 웬일 웬닐 · 할일 할닐 · 부엌일 부억닐 · 낯익 낟닉 · ~풀잎 풀닢 · ~은행잎 은행닢
~알약 알냑 · ~두통약 두통냑 · ~배낭여행 배낭녀행 · ~신혼여행 신혼녀행 · ~수학여행 수학녀행 · ~부산역 부산녁
~강남역 강남녁 · ~시청역 시청녁 · ~용산역 용산녁 · ~대전역 대전녁 · ~학생용 학생뇽 · ~가정용 가정뇽 · 밭이랑 받니랑
# 29, exception and 26
삼일절 사밀쩔
# 30: ㅅ between two parts, before 이 and the like
~베갯잇 베갠닛 · ~깻잎 깬닢 · ~나뭇잎 나문닢 · 도리깻열 도리깬녈 · 뒷일 뒨닐 · 댓잎 댄닢 · ~옛이야기 옌니야기
"""
# 15: [마싣따] is allowed beside [마딛따], and what is heard.
_STRICT = "~맛있 마딨 · ~멋있 머딨"

# 24: stems in ㄴ and ㅁ that no other common word looks like, and the endings that show them to be stems.
_STEMS = "껴안 끌어안 얼싸안 남 넘 참 숨 담 심 품 더듬 다듬 가다듬 쓰다듬 보듬 머금 검 뿜"
_ENDINGS = """
다 다가 다는 고 고서 고는 고도 지 지만 지요 지는 지도 죠 게 도록 던 더니 자 자마자 거나 거든 습니다 습니까 겠다 겠어요
겠습니다
"""
_OTHER_WORDS = "참고 참고서 참게 남자 남자다 심지 심지만 검지 담지 담자 남고 숨지 숨지만 숨지는"

# 29, addition 2: two words said as one, of which the second gains an ㄴ.
_PAIRS = """
한 일 닐 · 할 일 닐 · 볼 일 닐 · 무슨 일 닐 · 하는 일 닐 · 옷 입 닙 · 잘 입 닙 · 못 이기 니기 · 못 이긴 니긴
못 잊 닞 · 못 읽 닑 · 책 읽 닑 · 잘 익 닉 · 먹은 엿 녓 · 먹을 엿 녓 · 꽃 이름 니름 · 삼 연대 년대 · 일 연대 년대
"""


def _entries(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    return [entry.split() for line in lines for entry in line.split(" · ")]


def _one_of(words: str) -> str:
    return "(?:" + "|".join(sorted(words.split(), key=len, reverse=True)) + ")"


_ENTRIES = _entries(_TABLE)
ANYWHERE = {word[1:]: said for word, said in _ENTRIES if word.startswith("~")}
AT_START = {word: said for word, said in _ENTRIES if not word.startswith("~")}
STRICT = {word[1:]: said for word, said in _entries(_STRICT)}
PAIRS = {(before, start): said for before, start, said in _entries(_PAIRS)}
STEM_AND_ENDING = re.compile(rf"(?!{_one_of(_OTHER_WORDS)}$)(?P<stem>{_one_of(_STEMS)})(?={_one_of(_ENDINGS)}$)")
