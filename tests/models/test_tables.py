"""The catalogue as it is shown: a list, one model whole, several beside each other, a ranking."""

from __future__ import annotations

import pytest
from support.markup import read

from nbbanana.models import ModelList, choose, compare, from_schema, get, ids, model_bundle, search
from nbbanana.models.tables import list_bundle, models_compared_bundle, ranking_bundle


def test_all_shipped_models_are_listed() -> None:
    """What to write, the title, what it takes and can, what it is for."""
    data = list_bundle(search())
    page, plain = read(data["text/html"]).text, data["text/plain"]
    for model_id in ids():
        assert model_id in page
        assert get(model_id).title in page
        assert get(model_id).summary in plain
    assert "edits 1 to 20 pictures · several outputs · seed" in page


@pytest.mark.parametrize("model_id", ids())
def test_each_shipped_model_is_shown_whole(model_id: str) -> None:
    """Id, each option with what it takes unless it is set, and each line of its guidance."""
    data = model_bundle(get(model_id))
    page, plain = read(data["text/html"]).text, data["text/plain"]
    for text in (page, plain):
        assert model_id in text
        assert all(field.option in text for field in get(model_id).options)
    words = " ".join(plain.split())
    for line in get(model_id).guidance.split("\n\n## When to take it\n\n- ")[1].split("\n")[:1]:
        assert line in words


def test_an_option_says_what_it_takes_and_what_it_costs() -> None:
    """Its values, what is taken unless it is set, and that it costs."""
    data = model_bundle(get("nano-banana"))
    page, plain = read(data["text/html"]).text, data["text/plain"]
    assert "edits 1 to 20 pictures" in page
    assert "1K unless set" in page
    assert "costs extra and takes longer" in page
    assert "--resolution             0.5K, 1K, 2K, 4K; 1K unless set (larger outputs may cost more" in plain


def test_a_model_of_one_picture_and_an_open_number_are_said() -> None:
    """What is allowed follows from the schema, also where a bound is missing."""
    schema = {
        "type": "object",
        "properties": {
            "prompt": {"type": "string"},
            "image_url": {"type": "string", "format": "image_uri"},
            "strength": {"type": "number", "minimum": 0},
            "fast": {"type": "boolean"},
        },
    }
    model = from_schema("some/editor", {**schema, "title": "Editor", "description": "Edits."})
    page = read(model_bundle(model)["text/html"])
    assert "edits one picture" in page.text
    assert "at least 0" in page.text
    assert "true, false" in page.text
    assert page.all("details")[0].attributes["open"] == "open"
    assert "some/editor" in list_bundle(ModelList([model]))["text/plain"]


def test_a_comparison_has_a_row_for_what_differs_and_a_line_for_the_rest() -> None:
    """A model without a field has a dash there, which says so."""
    data = models_compared_bundle(compare("nano-banana", "gpt-image"))
    page = read(data["text/html"])
    rows = [row.text for row in page.all("tr")]
    assert "seedyes–" in rows
    assert not [row for row in rows if row.startswith("output_format")]
    assert "output_format" in page.text.partition("The same:")[2]
    assert all(len(line) <= 110 for line in data["text/plain"].partition("The same:")[0].splitlines())


def test_a_ranking_without_a_model_says_so_with_its_facts() -> None:
    """Two pictures and a mask: none takes both."""
    data = ranking_bundle(choose("Paint a bird.", images=2, mask=True))
    for text in (data["text/plain"], read(data["text/html"]).text):
        assert "No model of the catalogue can take this." in text
        assert "takes no mask, and one is given" in text
