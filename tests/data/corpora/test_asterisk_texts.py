"""The lists of the Asterisk prompts are read as they stand, and mended where they are damaged."""

from __future__ import annotations

import pytest

from sonorant.data.corpora.asterisk_texts import is_sound, read_texts


def text_of(line: str, code: str = "en", *, also: tuple[str, ...] = ()) -> str:
    """The text of the only entry of a list."""
    name = line.partition(":")[0]
    texts = read_texts([line], code=code, ids={name, *also})
    assert texts.refused == []
    return texts.by_id[name]


def test_entries_comments_and_blank_lines() -> None:
    lines = ["; Core Sounds", "", "digits/1: one", "vm-leavemsg:  Press 5 to leave a message  "]
    texts = read_texts(lines, code="en", ids={"digits/1", "vm-leavemsg"})
    assert texts.by_id == {"digits/1": "one", "vm-leavemsg": "Press 5 to leave a message"}
    assert texts.refused == []


@pytest.mark.parametrize(
    "text", ["Press 1 or 2.", "... for ...", "H.323", "www.asterisk.org", "You may dial it: now.", "A.M."]
)
def test_what_is_no_damage_stays(text: str) -> None:
    assert text_of(f"a: {text}") == text


@pytest.mark.parametrize(
    ("code", "line", "mended"),
    [
        ("en", "letters/dash: dash [-]", "dash"),
        ("en", "a: press * or # to exit", "press star or pound to exit"),
        ("fr", "a: appuyez sur * et sur #", "appuyez sur * et sur #"),
        ("it", "letters/exclaimation-point: [!] punto esclamativo", "punto esclamativo"),
        ("en", "letters/space: space [ ]", "space"),
        ("it", "a: La chiamata non pu? essere completata cos? come composta.",
         "La chiamata non può essere completata così come composta."),
        ("it", "a: La conferenza ? piena.", "La conferenza è piena."),
        ("it", "a: Cambia verso quale cartella?", "Cambia verso quale cartella?"),
        ("es", "a: Numero de conferencia invalido.", "Número de conferencia inválido."),
        ("es", "a: La contrasenia, manana", "La contraseña, mañana"),
        ("es", "a: Si esta es su clave, esta en uso.", "Si esta es su clave, está en uso."),
        ("en", "a: numero", "numero"),
        ("fr", "a: Desole, vous avez des problemes", "Désolé, vous avez des problèmes"),
        ("fr", 'a: "Pour quitter, appuyez sur 8."', "Pour quitter, appuyez sur 8."),
        ("fr", 'a: Entrez votre code."', "Entrez votre code."),
        ("es", 'a: los comandos "dial" y "answer".', 'los comandos "dial" y "answer".'),
        ("fr", "a: appuyez sur 5.Pour retourner", "appuyez sur 5. Pour retourner"),
        ("ru", "a: режим «эхо-теста».Чтобы завершить", "режим «эхо-теста». Чтобы завершить"),
        ("ru", "a: a: Нажмите 1", "Нажмите 1"),
    ],
)  # fmt: skip
def test_damage_is_mended(code: str, line: str, mended: str) -> None:
    assert text_of(line, code) == mended


def test_an_entry_ends_where_the_next_one_starts() -> None:
    assert text_of("vm-a: Fin.vm-b: Autre.", "fr", also=("vm-b",)) == "Fin."
    assert text_of("vm-a: Fin. vm-b: Autre.", "fr") == "Fin. vm-b: Autre."


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a:", "the text is empty"),
        ("a: [-]", "the text is empty"),
        ("a no colon", "its line in the list has no colon between id and text"),
        ("beep: un suono beep", "a sound, not speech"),
        ("silence/10: (10 seconds of silence)", "a sound, not speech"),
        ("b: no such file", "the text has no recording"),
        ("a: IAX (note)", "the text holds a note, so that what is said is not known: 'IAX (note)'"),
        ("a: Il [suo] messaggio", "the text holds a note, so that what is said is not known: 'Il [suo] messaggio'"),
    ],
)
def test_what_cannot_be_used_has_a_reason(line: str, reason: str) -> None:
    texts = read_texts([line], code="it", ids={"a", "beep", "silence/10"})
    assert texts.by_id == {}
    assert [each[1] for each in texts.refused] == [reason]


def test_the_first_of_two_texts_counts() -> None:
    texts = read_texts(["a: one", "a: two"], code="en", ids={"a"})
    assert texts.by_id == {"a": "one"}
    assert texts.refused == [("a", "a second text for this id: 'two'")]


def test_ids_find_their_recordings() -> None:
    """In other letters, or where the list is known to be wrong."""
    lines = ["digits/1f: una", "digits/0: cero", "digits/0: diez"]
    texts = read_texts(lines, code="es", ids={"digits/1F", "digits/0", "digits/10"})
    assert texts.by_id == {"digits/1F": "una", "digits/0": "cero", "digits/10": "diez"}


def test_sounds_are_known_by_their_ids() -> None:
    assert is_sound("tt-monkeys")
    assert is_sound("descending-2tone")
    assert not is_sound("beeping")
    assert not is_sound("confbridge-leave-in")
