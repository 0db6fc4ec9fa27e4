"""Korean: what is counted and how, units, currencies, letters, and words written in Latin letters."""

from __future__ import annotations

import re

# Counted by native numbers (세 개) up to the one that is given, by Chinese ones beyond (백 개).
NATIVE_COUNTERS = {
    **dict.fromkeys(
        """개 명 사람 마리 권 살 장 대 벌 켤레 자루 송이 그루 포기 다발 병 잔 컵 그릇 접시 봉지 상자 박스 통 캔
        조각 알 방울 모금 줄 칸 채 척 쌍 곡 편 곳 군데 가지 종류 끼 판 달 번째 건 팀 가닥 묶음 뭉치 갑 첩 마디
        숟가락 스푼 가구 시 경기 갈래 바퀴 차례 걸음 발짝 꼬치 톨 필 주먹 아름 짝""".split(),
        99,
    ),
    "시간": 23,
    "배": 20,
    "번": 20,
}
# Counted by Chinese numbers (삼 층).
SINO_COUNTERS = tuple(
    """년 월 일 분 초 주 주일 주년 개월 개년 개국 개사 개소 개국어 세기 세 대째 원 달러 유로 엔 위안 파운드 센트
    층 호 호선 호실 호차 동 번지 번길 번가 번방 번선 번호 학년 학기 반 과 단원 단계 단 도 등 등급 등분 위 점 회
    회차 차 차원 차선 강 부 쪽 페이지 절 항 조 인 인분 인승 인칭 인용 박 킬로 킬로미터 킬로그램 미터 센티
    센티미터 밀리미터 그램 리터 밀리리터 톤 퍼센트 프로 평 제곱미터 시리즈 기 급 군 번 교시 교대 분기 볼트 와트
    칼로리 박자 연승 연패 승 패 무 골 타 인치 마일 피트 바이트 기가 메가 월달 년대 년생 년도 년간 일간 주간 분간
    초간 대 시""".split()
)
# Written to their number: 십일월 [시비뤌], 이십일일 [이시비릴].
ATTACHED = ("년", "년대", "년생", "년도", "월", "일", "대")
# After a number and "번" these are named by it, not counted: 3번 출구.
NUMBERED_BY_BEON = (
    "출구 버스 문제 선수 타자 홀 국도 게이트 테이블 창구 승강장 트랙 방 칸 좌석 척추 염색체 교향곡".split()
)
# And so it is after these: 기호 5번, 정답은 3번, 1반 3번; but 우리 반은 3번 may be three times.
NUMBERED_BEFORE_BEON = re.compile(r"반|(?:기호|번호|등번호|정답|보기|채널)(?:[은는이가])?")
# What is numbered after "제", also where that stands apart; else "제 3개" may be my three.
ORDINALS = frozenset("장 권 편 곡 판 번 대 경기".split())
# Two numbers that follow one another, before a native counter: 3,4명 is 서너 명.
ABOUT = {1: "한두", 2: "두세", 3: "서너", 4: "네다섯", 5: "대여섯", 6: "예닐곱", 7: "일고여덟", 8: "여덟아홉"}
# Days that are named by their numbers, before these; 3.1절 and 6.25 also before others.
NAMED_DAYS = """
전쟁 사변 동란 광복절 만세 혁명 의거 항쟁 민주화 민주 사태 사건 쿠데타 군사 테러 선언 공동선언 정변 학살
참사 계엄 비상계엄
""".split()
NAMED_SURELY = (
    r"3\.1(?= ?(?:절|운동(?!장)|만세))|6\.25(?= ?(?:때|당시|이전|이후|참전|용사|기념))|8\.15(?= ?(?:해방|경축))"
)
# Before "N분" they are people, as is what ends in -님.
PEOPLE = frozenset("손님 어른 선생님 어르신 고객 고객님 부모님 할머니 할아버지 교수님 회원 여러분 일행 모두".split())
# Before "N대" with a round number they are machines: 자동차 10대.
MACHINES = frozenset(
    "차 자동차 버스 트럭 택시 컴퓨터 노트북 카메라 비행기 오토바이 자전거 기계 로봇 드론 전화기 텔레비전".split()
)

SCALES = "천만 백만 십만 천억 백억 십억 만 억 조 경 천 백".split()

UNITS = {
    "%p": "퍼센트포인트", "%": "퍼센트", "％": "퍼센트", "‰": "퍼밀", "km/h": "킬로미터", "㎞/h": "킬로미터",
    "m/s": "미터",
    "km²": "제곱킬로미터", "㎢": "제곱킬로미터", "km2": "제곱킬로미터", "m²": "제곱미터", "㎡": "제곱미터",
    "m2": "제곱미터",
    "cm²": "제곱센티미터", "㎠": "제곱센티미터", "m³": "세제곱미터", "㎥": "세제곱미터", "m3": "세제곱미터",
    "cm³": "세제곱센티미터", "km": "킬로미터", "㎞": "킬로미터", "m": "미터", "cm": "센티미터", "㎝": "센티미터",
    "mm": "밀리미터", "㎜": "밀리미터", "μm": "마이크로미터", "nm": "나노미터", "kg": "킬로그램", "㎏": "킬로그램",
    "g": "그램", "mg": "밀리그램", "㎎": "밀리그램", "t": "톤", "L": "리터", "l": "리터", "ℓ": "리터", "㎖": "밀리리터",
    "mL": "밀리리터", "ml": "밀리리터", "dL": "데시리터", "cc": "시시", "㏄": "시시", "ha": "헥타르", "㏊": "헥타르",
    "°C": "도", "℃": "도", "°F": "도", "℉": "도", "°": "도", "Hz": "헤르츠", "kHz": "킬로헤르츠", "MHz": "메가헤르츠",
    "GHz": "기가헤르츠", "KB": "킬로바이트", "MB": "메가바이트", "GB": "기가바이트", "TB": "테라바이트",
    "Mbps": "메가비피에스", "Gbps": "기가비피에스", "dB": "데시벨", "V": "볼트", "W": "와트", "kW": "킬로와트",
    "MW": "메가와트", "kWh": "킬로와트시", "mAh": "밀리암페어시", "kcal": "킬로칼로리", "cal": "칼로리",
    "hPa": "헥토파스칼",
    "ppm": "피피엠", "rpm": "알피엠", "fps": "에프피에스", "ms": "밀리초", "inch": "인치", "ft": "피트",
}  # fmt: skip
UNIT_PREFIXES = {
    "km/h": "시속 ", "㎞/h": "시속 ", "m/s": "초속 ", "°C": "섭씨 ", "℃": "섭씨 ", "°F": "화씨 ", "℉": "화씨 ",
}  # fmt: skip

CURRENCIES = {
    "₩": ("원", ""), "￦": ("원", ""), "$": ("달러", "센트"), "US$": ("달러", "센트"), "€": ("유로", "센트"),
    "£": ("파운드", "펜스"), "¥": ("엔", ""), "￥": ("엔", ""),
}  # fmt: skip
CURRENCY_CODES = {
    "USD": "달러", "KRW": "원", "EUR": "유로", "JPY": "엔", "GBP": "파운드", "CNY": "위안", "$": "달러", "€": "유로",
    "₩": "원", "£": "파운드",
}  # fmt: skip

LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        """에이 비 시 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이
        제트""".split(),
        strict=True,
    )
)
# Names of the letters of Hangul that stand alone.
JAMO_NAMES = dict(
    zip(
        "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎㄲㄸㅃㅆㅉ",
        """기역 니은 디귿 리을 미음 비읍 시옷 이응 지읒 치읓 키읔 티읕 피읖 히읗 쌍기역 쌍디귿 쌍비읍 쌍시옷
        쌍지읒""".split(),
        strict=True,
    )
)
# Words in Latin letters, whatever the case.
LATIN_WORDS = dict(
    pair.split("=")
    for pair in """
        e-mail=이메일 email=이메일 wi-fi=와이파이 wifi=와이파이 iphone=아이폰 ipad=아이패드 samsung=삼성
        apple=애플 google=구글 youtube=유튜브 facebook=페이스북 instagram=인스타그램 twitter=트위터 kakao=카카오
        naver=네이버 windows=윈도 android=안드로이드 korea=코리아 seoul=서울 ok=오케이 okay=오케이 vs=대
        mr=미스터 mrs=미시즈 ms=미즈 dr=닥터 no=넘버 nasa=나사 nato=나토 unesco=유네스코 unicef=유니세프 kaist=카이스트
        posco=포스코 aids=에이즈 covid=코비드 fifa=피파 opec=오펙 jpop=제이팝 kpop=케이팝 k-pop=케이팝
        hello=헬로 hi=하이 bye=바이 yes=예스 love=러브 good=굿 news=뉴스 video=비디오 app=앱 web=웹 blog=블로그
        online=온라인 center=센터 café=카페 cafe=카페 coffee=커피 pizza=피자 bus=버스 taxi=택시 hotel=호텔
        service=서비스 event=이벤트 sale=세일 live=라이브 music=뮤직 game=게임 team=팀 world=월드 cup=컵
        microsoft=마이크로소프트 amazon=아마존 netflix=넷플릭스 linux=리눅스 python=파이썬 java=자바
        internet=인터넷 gmail=지메일 daum=다음 com=컴 net=넷 org=오알지 bluetooth=블루투스 usb=유에스비
    """.split()
)
# Codes of letters and digits that are not said by their parts.
CODES = {
    "MP3": "엠피스리",
    "MP4": "엠피포",
    "A4": "에이포",
    "3D": "스리디",
    "2D": "투디",
    "5G": "파이브지",
    "B2B": "비투비",
    "B2C": "비투시",
}

# Brackets of titles and the like, read as the ordinary marks, which are silent.
BRACKETS = {
    "「": "‘", "」": "’", "『": "“", "』": "”", "｢": "‘", "｣": "’", "《": "“", "》": "”", "〈": "‘", "〉": "’",
    "【": "[", "】": "]", "〔": "[", "〕": "]", "〖": "[", "〗": "]", "〘": "[", "〙": "]",
}  # fmt: skip

SIGNS = {
    "%": "퍼센트", "°": "도", "℃": "섭씨", "©": "저작권", "®": "등록 상표", "™": "상표", "§": "섹션", "^": "캐럿",
    "|": "세로줄",
    "\\": "역슬래시", "/": "슬래시", "*": "별표", "_": "밑줄", "&": "앤드", "+": "플러스", "=": "이퀄", "×": "곱하기",
    "÷": "나누기", "±": "플러스마이너스", "≈": "약", "#": "샵", "@": "골뱅이", "№": "넘버", "$": "달러", "€": "유로",
    "£": "파운드", "₩": "원", "¥": "엔", "−": "마이너스", "→": "화살표", "<": "보다 작다", ">": "보다 크다",
    "㈜": "주식회사",
    "≤": "작거나 같다", "≥": "크거나 같다", "≠": "같지 않다",
}  # fmt: skip
ADDRESS_SIGNS = {
    ".": "점", "@": "골뱅이", "/": "슬래시", "-": "하이픈", "_": "밑줄", "?": "물음표", "=": "이퀄", "&": "앤드",
    "#": "샵",
    "%": "퍼센트", ":": "콜론", "~": "물결", "+": "플러스",
}  # fmt: skip
OPERATORS = {
    "+": "더하기", "-": "빼기", "−": "빼기", "×": "곱하기", "x": "곱하기", "*": "곱하기", "÷": "나누기", "/": "나누기",
    "<": "보다 작다", ">": "보다 크다", "±": "플러스마이너스",
}  # fmt: skip
VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅛": (1, 8)}
ROMAN = {chr(0x2160 + at): at + 1 for at in range(12)}
CIRCLED = {chr(0x2460 + at): at + 1 for at in range(20)}
POWERS = {"²": "제곱", "³": "세제곱"}
