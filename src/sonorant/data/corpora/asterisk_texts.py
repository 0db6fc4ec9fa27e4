"""The texts of the Asterisk core sounds, mended where their lists are known to be damaged.

Every mend restores what the list lost on its way and the speaker cannot have missed: accents typed as plain letters or
turned into question marks, line ends, and ids. Digits, signs and `...` stay as they are, but for two signs in English.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

# Sounds rather than speech, which some of the lists put into words.
_SOUND = re.compile(r"beep|beeperr|confbridge-(join|leave)|(a|de)scending-2tone|tt-monkeys|silence/\d+")

# "dash [-]": the sign that is named. Any other bracket holds a note, or words of which nobody knows if they are said.
_SIGN = re.compile(r"\[\W?\s*\]")
_NOTE = re.compile(r"[\[\](){}<>]")

# Entries under a wrong id, each the only one without a recording for the only recording without a text.
_MISNAMED = {
    ("es", "digits/0", "diez"): "digits/10",
    ("es", "confbridge-lock-out-0", "...para bloquear o desbloquear la conferencia."): "confbridge-lock-out",
    ("fr", "confbridge-lock-out-0", "... pour vérouiller ou déverrouiller la conférence."): "confbridge-lock-out",
}

# The Spanish list and parts of the French one were typed without accents. Without them, these are no words, or none
# that these prompts could mean.
_ACCENTED = {
    "es": """atrás autenticación ayudarán búsqueda buzón código comenzará comprendí conexión configuración contraseña
        contraseñas décimo demonstración demostración después dieciséis dígitos dólar dólares duodécimo duración
        escucharás estándar estén exclamación extensión física físico grabación guiaré información ingresará
        intentaré introducción inválida inválido Japón líder línea mañana María más menú miércoles millón mínimos
        módem navegará numérico número números opción propósito próximo rápidamente reproducción sábado séptimo será
        también técnica tecleó telefónico teléfono tendrá trigésimo último undécimo única unirá unirán útil vacías
        válido veintidós veintiséis veintitrés vigésimo""".split(),
    "fr": """désirez désolé écouter enlevé été êtes être était félicitation numéro occupés premières présentement
        problèmes Québec réessayer simultané téléphone téléphoner""".split(),
}


def _plain(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(c))


# Words with accents by what is left of them without.
_ACCENTS = {code: {_plain(word): word for word in words} for code, words in _ACCENTED.items()}
_ACCENTS["es"]["contrasenia"] = "contraseña"
_ESTA = re.compile(r"\b([Ee])sta(?= (?:a|configurado|disponible|en|fuera|libre|ocupada|usando|usted)\b)")

# The Italian list has question marks for some accented letters.
_LOST_LETTERS = (
    (re.compile(r"\bsar\?(?= [a-z])"), "sarà"),
    (re.compile(r"\bpu\?(?= [a-z])"), "può"),
    (re.compile(r"\bpi\?(?= [a-z])"), "più"),
    (re.compile(r"\bcos\?(?= [a-z])"), "così"),
    (re.compile(r"(?<= )\?(?= [a-z])"), "è"),
)

# The names of two keys, which the English speaker calls otherwise than a text normaliser: a recogniser hears "Press
# star to toggle pause. Press pound to enter a new dictation file name."
_ENGLISH_KEYS = (("*", "star"), ("#", "pound"))

# A sentence that starts without a space before it, and one that an entry swallowed: "... dièse.vm-rec-busy: Après ..."
_NO_SPACE = re.compile(r"([a-zß-öø-ÿа-яё»\d][.:])([A-ZÀ-ÖØ-ÞА-ЯЁ][a-zß-öø-ÿа-яё])")
_NEXT_ENTRY = re.compile(r"\s?\b([a-z]+(?:-[a-z]+)+): ")


@dataclass(frozen=True)
class Texts:
    """A list of texts, read."""

    by_id: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Ids, some of them twice, of which there is no usable text, each with the reason."""


def is_sound(name: str) -> bool:
    """Whether a recording of this id is a tone, silence or monkeys."""
    return bool(_SOUND.fullmatch(name))


def read_texts(lines: Iterable[str], *, code: str, ids: Collection[str]) -> Texts:
    """The texts of a list.

    code: whose list it is: en, es, fr, it, ru; ids: those of the recordings.
    """
    texts = Texts()
    as_recorded = {name.lower(): name for name in ids}
    for line in lines:
        if not line.strip() or line.startswith(";"):
            continue
        listed, colon, text = line.partition(":")
        name, text = listed.strip(), text.strip()
        name = _MISNAMED.get((code, name, text), name)
        if name not in ids:
            name = as_recorded.get(name.lower(), name)
        text = _mended(text.removeprefix(f"{name}:"), code=code, ids=ids)
        if not colon:
            texts.refused.append((name, "its line in the list has no colon between id and text"))
        elif is_sound(name):
            texts.refused.append((name, "a sound, not speech"))
        elif name not in ids:
            texts.refused.append((name, "the text has no recording"))
        elif name in texts.by_id:
            texts.refused.append((name, f"a second text for this id: {text!r}"))
        elif not text:
            texts.refused.append((name, "the text is empty"))
        elif _NOTE.search(text):
            texts.refused.append((name, f"the text holds a note, so that what is said is not known: {text!r}"))
        else:
            texts.by_id[name] = text
    return texts


def _mended(text: str, *, code: str, ids: Collection[str]) -> str:
    for match in _NEXT_ENTRY.finditer(text):
        if match[1] in ids:
            text = text[: match.start()]
            break
    text = _SIGN.sub("", text)
    text = _NO_SPACE.sub(r"\1 \2", text)
    text = text.replace("“", '"').replace("”", '"').strip()
    if text.count('"') % 2 or (text.startswith('"') and text.endswith('"')):
        text = text.replace('"', "")
    if code == "en":
        for sign, said in _ENGLISH_KEYS:
            text = text.replace(sign, said)
    if code == "it":
        for damaged, whole in _LOST_LETTERS:
            text = damaged.sub(whole, text)
    if code == "es":
        text = _ESTA.sub(r"\1stá", text)
    return re.sub(r"\w+", lambda word: _accented(word[0], code), text).strip()


def _accented(word: str, code: str) -> str:
    if not word.isascii():
        return word
    whole = _ACCENTS.get(code, {}).get(word.lower(), word)
    return whole[:1].upper() + whole[1:] if word[:1].isupper() else whole
