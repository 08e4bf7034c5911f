"""What the rules look for in Chinese: 保持…不变 first, then one change, in the active, with its words in quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbbanana.prompts.reading import Asked, Clause, Found, Kind, changes_in

__all__ = [
    "compound",
    "keep_and_change",
    "missing_preservation",
    "passive",
    "preservation_after_change",
    "pronoun_without_target",
    "question",
    "text_unquoted",
    "vague_intensifier",
]

KEEP_THE_REST = "保持其他内容不变。"
MANY_CHANGES = 3

_PART = re.compile(r"[^，。；！？,;!?\n]+[，。；！？,;!?\n]*")
_KEEP = re.compile(
    r"保持|保留|不变|不變|不要(?:改|动|動|变|變|修|影响|影響|碰)|不(?:改变|改變|修改|影响|影響)|别(?:改|动)|原样|"
    r"原樣|其[他它余餘](?:部分|内容|內容|地方|都)?|一致|维持|維持|"
    r"(?:只|仅|僅)(?:改|换|換|修|把|将|將|替|删|刪|在|对)|同样的|相同"
)
_CHANGE = re.compile(
    r"换成|換成|换为|換為|改成|改为|改為|变成|變成|变为|變為|替换|替換|更换|更換|转换|轉換|转为|转成|變換|去掉|"
    r"去除|删除|刪除|删掉|移除|抹去|擦除|消除|添加|加上|加入|增加|新增|插入|放上|"
    r"修改|修饰|调整|調整|调成|設為|设为|设成|涂成|塗成|染成|上色|改一下|变换|[把将將].{1,20}?(?:换|換|改|变|變|移|"
    r"放|删|刪|去|涂|调|替|转)|(?:改|换|換|加|删|刪|变|變)(?=[^动動态態化]|$)"
)
_MAKE = re.compile(r"(?:^|[，。\s])请?(?:帮我)?(?:生成|创建|創建|制作|製作|绘制|繪製|画一|畫一|设计|設計)")


_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (("keep", _KEEP), ("change", _CHANGE), ("other", _PART))


def _parts(asked: Asked) -> list[Clause]:
    """Return the stretches between two marks, each with its words as its object."""
    found = []
    for part in _PART.finditer(asked.reading.masked):
        text = part.group()
        kind = next(kind for kind, pattern in _KINDS if pattern.search(text))
        found.append(Clause(kind, (part.start(), part.start() + len(text.rstrip())), object=text))
    return [part for part in found if part.object.strip()]


def _is_new_picture(asked: Asked) -> bool:
    first = _MAKE.search(asked.reading.masked)
    change = _CHANGE.search(asked.reading.masked)
    return first is not None and (change is None or first.start() < change.start())


def missing_preservation(asked: Asked) -> Iterator[Found]:
    """Find a change without a word on what stays."""
    parts = _parts(asked)
    changed = [part for part in changes_in(parts) if not _only_adds(part.object)]
    if changed and not any(part.kind == "keep" for part in parts) and not _is_new_picture(asked):
        yield Found(changed[0].span, changes=((0, 0, KEEP_THE_REST),))


_ADDS = re.compile(r"添加|加上|加入|增加|新增|插入|放上|戴上|加(?=[一个個些])")


def _only_adds(text: str) -> bool:
    """Return whether a part only adds something, and changes nothing that stands there."""
    return _ADDS.search(text) is not None and _CHANGE.search(_ADDS.sub("", text)) is None


def preservation_after_change(asked: Asked) -> Iterator[Found]:
    """Find what is to stay behind what is to change."""
    parts = [part for part in _parts(asked) if part.kind != "other"]
    kept = next((part for part in parts if part.kind == "keep"), None)
    if kept is not None and parts[0].kind == "change" and not _is_new_picture(asked):
        yield Found(kept.span)


_SPLIT = re.compile(r"[、和与與及]|以及|还有|還有|并且|然后")


def compound(asked: Asked) -> Iterator[Found]:
    """Find many separate changes in one instruction."""
    changed = changes_in(_parts(asked))
    listed = max((len(_SPLIT.split(part.object)) for part in changed), default=0)
    count = max(len(changed), listed)
    if count >= MANY_CHANGES and not _is_new_picture(asked):
        yield Found((changed[0].span[0], changed[-1].span[1]), f"It asks for {count} changes at once.")


_PASSIVE = re.compile(
    r"(?:应该|應該|应当|應當|需要|必须|必須|要|得|希望)[^，。；！？\n]{0,12}?被[^，。；！？\n]*|[^，。；！？\n"
    r"]{1,20}被(?:换|換|改|删|刪|替换|移除|去掉|涂|变)[^，。；！？\n]*|[^，。；！？\n]{1,16}(?:应该|應該|应当|"
    r"應當)(?:是|变|變|换|換|改)[^，。；！？\n]*"
)


def passive(asked: Asked) -> Iterator[Found]:
    """Find an edit that is asked for as something that should be done."""
    found = _PASSIVE.search(asked.reading.masked)
    if found and not _KEEP.search(found.group()):
        yield Found(found.span())


_QUESTION = re.compile(
    r"能不能|可不可以|可否|能否|是否可以|是不是可以|怎么|怎樣|会怎样|如果.{0,40}[呢?？]|(?:吗|嗎|呢)(?=[？?。]|$)|[？?]$"
)


def question(asked: Asked) -> Iterator[Found]:
    """Find an edit that is asked for as a question."""
    for start, end in asked.reading.sentences:
        if _QUESTION.search(asked.reading.masked[start:end]):
            yield Found((start, end))
            return


_VAGUE = re.compile(
    r"(?:更加?|变得|變得|再)[^，。；！？\n]{0,2}?(?:好看|漂亮|高级|高級|有感觉|酷|美|生动|生動|戏剧|戲劇|震撼|自然|"
    r"完美|专业|專業|精致|精緻|有趣|吸引|大气|大氣|时尚|時尚|有氛围)[^，。；！？\n]*"
    r"|更有[^，。；！？\n]{1,4}感"
    r"|(?:好看|漂亮|高级|酷|美)一?[点點些][^，。；！？\n]*|(?:优化|優化|美化|完善|提升)(?:一下)?(?:这张|這張|图片|"
    r"圖片|画面|畫面|照片|质感|效果|$)[^，。；！？\n]*"
)


def vague_intensifier(asked: Asked) -> Iterator[Found]:
    """Find an aim that is only a degree or a taste."""
    found = _VAGUE.search(asked.reading.masked)
    changed = changes_in(_parts(asked))
    if found and all(part.span[0] <= found.start() < part.span[1] for part in changed):
        yield Found(found.span())


_PRONOUN = re.compile(
    r"^\s*(?:请|請)?(?:帮我)?(?:[把将將]?(?P<word>[它他她](?:们|們)?|这个|這個|那个|那個)(?=换|換|改|变|變|移|删|"
    r"刪|去|涂|调|放|染|替|转)|(?:去掉|删除|移除|替换|删掉)(?P<after>[它他她](?:们|們)?|这个|那个)(?=[，。！\s]|$))"
)


def pronoun_without_target(asked: Asked) -> Iterator[Found]:
    """Find a thing to change that only a pronoun names, before any noun."""
    found = _PRONOUN.match(asked.reading.masked)
    if found:
        name = "word" if found["word"] else "after"
        yield Found(found.span(name), f"“{found[name]}” has nothing that it could stand for.")


_KEPT = re.compile(
    r"(?:保持|保留|维持)(?P<kept>[^，。；！？\n不]{1,20}?)(?:完全)?(?:不变|不變|原样|一致|[，。；！\n]|$)|(?:不要|"
    r"别)(?:改变|改动|修改|动)(?P<spared>[^，。；！？\n]{1,20})"
)
_CHANGED = re.compile(
    r"[把将將](?P<thing>[^，。；！？\n]{1,12}?)(?:换|換|改|变|變|删|刪|去|涂|替|转|移)|(?:替换|更换|修改|去掉|删除|"
    r"移除)(?P<other>[^，。；！？\n为成]{1,12})"
)
_AND = re.compile(r"[和与與及、]|以及")


def keep_and_change(asked: Asked) -> Iterator[Found]:
    """Find a thing that is to stay and to change at once."""
    masked = asked.reading.masked
    kept = {thing for found in _KEPT.finditer(masked) for thing in _AND.split(found["kept"] or found["spared"])}
    for found in _CHANGED.finditer(masked):
        thing = (found["thing"] or found["other"]).strip()
        if thing in kept and not _KEEP.search(masked[found.start() : found.end()]):
            yield Found(found.span(), f"It keeps {thing} and changes it.")
            return


_WORDING = re.compile(
    r"(?:文字|标题|標題|字样|字樣|文案|标语|標語|口号|字|名字|招牌)[^，。；！？\n]{0,10}?(?:改成|改为|改為|换成|"
    r"換成|变成|写成|写上|写着|显示)(?P<said>[^，。；！？\n\ue000]{1,16})|(?:写上|写着|寫上|寫著|印上|"
    r"标注)(?P<said2>[^，。；！？\n\ue000]{1,16})"
)
_NOT_WORDING = re.compile(
    r"^(?:.{0,2}色|英文|中文|日文|韩文|繁体|简体|更|粗|大|小|黑|白|红|蓝|绿|金|手写|一[个些段]|文字|标题|字|我的|"
    r".{1,4}(?:字体|风格|语言|语))"
)


def text_unquoted(asked: Asked) -> Iterator[Found]:
    """Find words that are to appear in the picture and stand without quotation marks."""
    for found in _WORDING.finditer(asked.reading.masked):
        name = "said" if found["said"] else "said2"
        said = found[name].strip(" ：:")
        if said and not _NOT_WORDING.match(said):
            start = found.start(name) + found[name].index(said)
            yield Found((start, start + len(said)), changes=((start, start + len(said), f"「{said}」"),))
            return
