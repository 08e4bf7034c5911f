"""Results of several edits show a row an edit: what they share is said once, what differs stands at its row."""

from __future__ import annotations

import pytest
from support.markup import read

from nbbanana.session import ResultSet

KEEP = "Keep the cup and the saucer unchanged. "
SURFACES = ("white marble", "dark slate")


@pytest.fixture
def ask(session, photo):
    """Asks for small pictures of a coffee cup."""

    def make(prompt, **parameters):
        return session.edit(prompt, photo("coffee"), resolution="0.5K", **parameters)

    return make


def shown(results):
    """A set as HTML that was read, and its plain text."""
    data, _ = ResultSet(results)._repr_mimebundle_()
    return read(data["text/html"]), data["text/plain"]


def rows(page):
    """The titles of the rows, each with the number of pictures in its lines."""
    found = []
    for one in page.elements:
        if one.tag == "th":
            found.append([one.text.strip(), 0])
        elif one.tag == "td":
            found[-1][1] += 1
    return [tuple(row) for row in found]


def test_several_pictures_of_several_seeds_are_a_row_a_seed(ask):
    """Words, input and size are said once, the seed once a row."""
    made = ask(KEEP, n=4, seed=0).vary(range(1, 4))
    page, text = shown(made)
    assert rows(page) == [("seed 1", 4), ("seed 2", 4), ("seed 3", 4)]
    assert page.text.count(KEEP.strip()) == 1
    size = f"{made[0][0].width}×{made[0][0].height}"
    assert page.text.partition("How it was made")[0].count(size) == 1
    assert [line.split("  ")[1] for line in text.splitlines() if line.startswith("  seed")] == [
        "seed 1",
        "seed 2",
        "seed 3",
    ]


def test_one_picture_of_each_seed_says_it_under_the_picture(ask):
    """Rows of one picture would be a column: they stand beside each other, each with its seed."""
    page, text = shown(ask(KEEP, seed=0).vary(range(1, 7)))
    assert page.all("th") == []
    captions = [one.text for one in page.all("td")]
    assert [caption.split(" nb")[0].strip() for caption in captions] == [f"seed {seed}" for seed in range(1, 7)]
    assert len(page.all("tr")) == 2
    assert "seed 4" in text


def test_words_and_seeds_are_two_axes(ask):
    """Rows are the words that differ, columns the seeds; the words that are shared stand above, with a gap."""
    made = [ask(f"{KEEP}Replace the table with {one}.", seed=seed) for one in SURFACES for seed in (1, 2, 3)]
    page, _ = shown(made)
    assert rows(page) == [(surface, 3) for surface in SURFACES]
    assert f"{KEEP}Replace the table with …." in page.text
    assert [one.text.split(" nb")[0].strip() for one in page.all("td")] == ["seed 1", "seed 2", "seed 3"] * 2


def test_prompts_that_share_nothing_stand_whole_at_their_rows(ask):
    """A gap between two letters would say nothing."""
    page, _ = shown([ask("Make it snow.", n=2, seed=1), ask("Turn day to night, with one lamp.", n=2, seed=1)])
    assert rows(page) == [("Make it snow.", 2), ("Turn day to night, with one lamp.", 2)]
    assert "seed 1" in page.text.partition("Make it snow")[0]


def test_parameters_and_inputs_that_differ_are_named(ask, session, photo):
    """What one has and the other has not is the default of that one."""
    first = ask("Make it snow.", n=2, seed=1)
    wide = ask("Make it snow.", n=2, seed=1, aspect_ratio="16:9")
    cat = session.edit("Make it snow.", photo("chelsea"), n=2, seed=1, resolution="0.5K")
    page, _ = shown([first, wide])
    assert rows(page) == [("aspect_ratio default", 2), ("aspect_ratio 16:9", 2)]
    page, _ = shown([first, cat])
    assert [title for title, _ in rows(page)] == ["coffee.png", "chelsea.png"]
    assert len(page.all("img")) == 4


def test_every_picture_of_a_set_has_words(ask):
    """The `alt` says the prompt, the number and the seed, also where the seed is in a header."""
    made = ask("Make it snow.", n=2, seed=0).vary([1, 2])
    page, _ = shown(made)
    alts = [one.attributes["alt"] for one in page.all("img")][1:]
    assert alts == [f"Make it snow. Picture {n + 1} of 4, seed {1 + n // 2}." for n in range(4)]


def test_a_failed_one_among_several_is_in_no_row(ask):
    """A row without pictures is a sentence and no empty header."""
    made = ask("Make it snow.", n=2, seed=0).vary([1, 2])
    assert ResultSet(made, made.missing).notes == ()


def test_the_line_above_a_picture_names_a_model_that_is_not_the_default(ask):
    """By the short name, also where no model made it; the default goes without saying."""
    first = ask(KEEP, seed=0)
    for model, said in (("kontext", "kontext at sandbox, no model made it"), ("nano-banana", "· sandbox, no model")):
        given = {"without": ["resolution"]} if model == "kontext" else {}
        line = first.rerun(model=model, **given)._repr_mimebundle_()[0]["text/plain"].splitlines()[0]
        assert said in line


def test_several_models_are_all_named_above_and_each_at_its_picture(ask):
    """By their short names: the pictures can be told apart."""
    first = ask(KEEP, seed=0)
    page, text = shown([first, first.rerun(model="kontext", without=["resolution"])])
    assert "nano-banana, kontext at sandbox" in text.splitlines()[0]
    captions = [one.text for one in page.all("td")]
    assert "nano-banana" in captions[0]
    assert "kontext" in captions[1]
    page, text = shown(first.vary([1, 2], model="kontext", without=["resolution"]))
    assert "kontext at sandbox" in text.splitlines()[0]


def test_a_series_is_a_table(ask):
    """A row an edit, as a page of the history has them."""
    table = ask(KEEP, seed=0).vary(range(1, 4)).to_frame()
    assert list(table.seed) == [1, 2, 3]
    assert table.index.name == "id"
