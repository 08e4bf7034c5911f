"""The sentences of a prompt in Chinese: what stays first, then the change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from nbbanana.models import Grammar
from nbbanana.prompts.sentences import Lettering, in_quotes, names_script, script_facts, scripts_in
from nbbanana.prompts.sentences import sentence as any_sentence

__all__ = ["avoid", "change", "keep", "letter", "lettered", "refer"]

sentence = partial(any_sentence, end="。")
_QUOTES = ("“”", "「」", '""', "«»")
_VERBS = "把将给让使请在用以为从对去加换改变删移替修调擦抹消清添增放画写裁缩扩生转涂染切合拼补保仅只"
_KEEPING = re.compile("保持|保留|维持|不要改|不改|不变")
_AVOIDING = re.compile("不要|不得|不能|避免|请勿|勿|禁止|别|不")
_DONE = "换成|换为|改成|改为|替换为|替换成|替换|变成|变为|删除|移除|去掉|去除|添加|设为"
_PASSIVE = re.compile(rf"(?P<object>[^，。,；]+?)(?:应该|应当|应|需要|必须|要|可以)?被(?P<done>{_DONE})(?P<rest>.*)")


def keep(items: Sequence[str]) -> str:
    """
    Return what stays as it is.

    >>> keep(["人物身份", "姿势", "服装"])
    '保持人物身份、姿势和服装不变。'
    """
    listed = [item for item in items if not _KEEPING.search(item)]
    sentences = [sentence(item) for item in items if _KEEPING.search(item)]
    return "".join(([f"保持{_joined(listed)}不变。"] if listed else []) + sentences)


def change(what: str, only: Sequence[str]) -> str:
    """
    Return the change in one sentence; with a scope it says where alone it is made.

    >>> change("把背景换成雨夜街道", []), change("雨夜街道", ["背景"]), change("背景应该被换成雨天", [])
    ('把背景换成雨夜街道。', '仅将背景改为雨夜街道。', '把背景换成雨天。')
    """
    if found := _PASSIVE.fullmatch(what):
        what = f"把{found['object']}{found['done']}{found['rest']}"
    if not only:
        return sentence(what)
    if what[0] in _VERBS:
        return sentence(f"仅修改{_joined(only)}：{what}")
    return sentence(f"仅将{_joined(only)}改为{what}")


def letter(texts: Sequence[Lettering], only: Sequence[str]) -> str:
    """
    Return what is to be written, where lettering is all that changes.

    >>> letter([("标题", None, "今日のおすすめ")], [])
    '将标题改为日文“今日のおすすめ”。'
    """
    clauses = (f"{f'将{where}改为' if where else '写上'}{_quoted(words, language)}" for where, language, words in texts)
    return sentence((f"仅修改{_joined(only)}：" if only else "") + "，".join(clauses))


def lettered(texts: Sequence[Lettering]) -> str:
    """
    Return how lettering reads, beside a change.

    >>> lettered([("招牌", None, "OPEN")])
    '招牌写着“OPEN”。'
    """
    return "".join(f"{where or '文字'}写着{_quoted(words, language)}。" for where, language, words in texts)


def refer(number: int, what: str, grammar: Grammar) -> str:
    """
    Return what is taken from which picture.

    >>> refer(2, "夹克", Grammar())
    '使用图2中的夹克。'
    """
    picture = f"图{number}" if "{n}" in grammar.references else f"第{number}张图"
    return sentence(f"使用{picture}中的{what}")


def avoid(items: Sequence[str]) -> str:
    """
    Return what is not to appear.

    >>> avoid(["多余的人物", "文字"]), avoid(["不要裁剪"])
    ('避免多余的人物和文字。', '不要裁剪。')
    """
    listed = [item for item in items if not _AVOIDING.match(item)]
    sentences = [sentence(item) for item in items if _AVOIDING.match(item)]
    return "".join(([sentence(f"避免{_joined(listed)}")] if listed else []) + sentences)


def _quoted(words: str, language: str | None) -> str:
    facts = script_facts()
    scripts = [script for script in facts if names_script(language, script)] if language else scripts_in(words)
    names = [facts[script]["chinese"] for script in scripts] or [language or ""]
    return _joined(names) + in_quotes(words, _QUOTES)


def _joined(items: Sequence[str]) -> str:
    return "、".join(items[:-1]) + ("和" if len(items) > 1 else "") + "".join(items[-1:])
