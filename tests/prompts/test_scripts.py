"""Which script lettering is in, and whether a prompt says so."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana.prompts.sentences import names_script, script_of, scripts_in


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("今日のおすすめ", "Japanese"),
        ("ｶﾀｶﾅ", "Japanese"),
        ("今日推荐", "Chinese"),
        ("ㄅㄆㄇ", "Chinese"),
        ("오늘의 추천", "Korean"),
        ("Открыто", "Cyrillic"),
        ("مفتوح", "Arabic"),
        ("खुला है", "Devanagari"),
        ("เปิด", "Thai"),
        ("פתוח", "Hebrew"),
        ("Ανοιχτό", "Greek"),
        ("東京タワー", "Japanese"),
        ("안녕 世界", "Korean and Chinese"),
        ("Привет, 世界", "Cyrillic and Chinese"),
    ],
)
def test_lettering_that_is_not_latin_has_a_script_to_name(text, script):
    """Kana is Japanese, Han alone Chinese, others are named as Unicode does; of several each is named."""
    assert script_of(text) == script


@pytest.mark.parametrize("text", ["", "OPEN 24 h", "Grüße, Łódź, Đà Nẵng", "10 kΩ, 5 µm, α", "① → ★ 🍌", "\ud800"])
def test_latin_letters_and_signs_have_none(text):
    """Latin letters with any accents, units and pictures need no word."""
    assert script_of(text) is None


@pytest.mark.parametrize(
    ("prompt", "script"),
    [
        ('Set the headline to "今日のおすすめ" in Japanese.', "Japanese"),
        ('Write "今日のおすすめ" in japanischer Schrift.', "Japanese"),
        ("把标题换成日文“今日のおすすめ”。", "Japanese"),
        ("用Chinese写“今日推荐”。", "Chinese"),
        ('Replace the sign with "Открыто" in Russian.', "Cyrillic"),
        ('Write "Привет, 世界" in Cyrillic and Chinese.', "Cyrillic and Chinese"),
        ('Write "नमस्ते" in HINDI.', "Devanagari"),
    ],
)
def test_a_prompt_names_a_script_in_any_of_its_languages(prompt, script):
    """The script counts as named by its language, in English, German, Chinese or its own."""
    assert names_script(prompt, script)


@pytest.mark.parametrize(
    ("prompt", "script"),
    [
        ('Write "今日のおすすめ".', "Japanese"),
        ('Write "日本語".', "Japanese"),
        ("Write “Japanese” on the sign.", "Japanese"),
        ('Write "Привет, 世界" in Cyrillic.', "Cyrillic and Chinese"),
        ('Put her on a beach in Thailand. The sign says "เปิด".', "Thai"),
    ],
)
def test_what_stands_in_quotes_and_what_only_begins_so_names_none(prompt, script):
    """The lettering itself says nothing about its script, and Thailand is no Thai."""
    assert not names_script(prompt, script)


@given(st.text(max_size=40))
def test_each_letter_alone_has_at_most_one_script_and_a_text_no_others(text):
    """A text has the scripts of its letters and no others."""
    alone = {name for letter in text for name in scripts_in(letter * 2)}
    assert set(scripts_in(text)) <= alone
    assert all(letter.isascii() or unicodedata.category(letter)[0] in "LM" for letter in text if scripts_in(letter * 2))


@given(st.text(max_size=40))
def test_saying_the_script_that_was_found_names_it(text):
    """What `script_of` says is what `names_script` looks for."""
    script = script_of(text)
    assert script is None or names_script(f"The sign is in {script}.", script)
