"""A plan says how many cells, how many are here, price, time and budget, and sends nothing."""

from __future__ import annotations

import pytest
from PIL import Image

import nbbanana as nb
from nbbanana import errors

PROMPT = "Keep the cup. Paint the wall {{colour}}."


def said(sweep):
    """What a sweep says in a terminal."""
    return sweep._repr_mimebundle_()[0]["text/plain"]


def test_a_plan_sends_nothing_and_says_what_is_ahead(served, photo):
    """How many, from what, price and budget."""
    session, box = served()
    session.store.set_budget(session.choice().name, 5.00)
    with session:
        sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue", "green"], seed=range(2))
    assert "colour (3) × seed (2) = 6 cells." in said(sweep)
    assert "All 6 are to be sent." in said(sweep)
    assert "At sandbox: $0.42 in play money (6 edits of 1 × $0.07)." in said(sweep)
    assert "$5.00 of $5.00 in play money is left in the budget at sandbox." in said(sweep)
    assert not box.submissions
    assert len(session.history) == 0


def test_what_is_here_already_is_not_counted_again(served, photo):
    """A changed word re-pays only its cells."""
    session, _ = served()
    same = {"seed": range(2), "session": session}
    nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], **same).run()
    changed = nb.sweep(PROMPT, photo("coffee"), colour=["red", "pink"], **same)
    assert "2 cells are in the store already, at no cost." in said(changed)
    assert "2 cells are to be sent." in said(changed)
    assert [cell.state for cell in changed] == ["here", "here", "missing", "missing"]


def test_seeds_that_nobody_gave_are_the_same_in_the_next_kernel(served, photo):
    """They follow from what a cell asks: nothing has to remember them, and cells that ask different things differ."""
    session, _ = served()
    one = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], session=session)
    two = nb.sweep(PROMPT, photo("coffee"), colour=["blue", "green", "red"], session=session)
    assert one[0].seed == two[2].seed
    assert one[1].seed == two[0].seed
    assert len({cell.seed for cell in two}) == 3


def test_a_model_is_an_axis(served, photo):
    """Each cell is checked against its own model; the names are the short ones."""
    session, _ = served()
    sweep = nb.sweep("Make it night.", photo("coffee"), model=["nano-banana", "seedream"], session=session)
    assert len({cell.at["model"] for cell in sweep}) == 2


def test_a_cell_that_cannot_be_asked_is_a_cell_with_its_reason(served, photo):
    """Where two values do not meet, though each can be asked elsewhere: it is said before anything is sent."""
    session, box = served()
    how = {"model": ["nano-banana", "nano-banana-pro"], "resolution": ["0.5K", "1K"], "seed": 7, "session": session}
    sweep = nb.sweep("Make it night.", photo("coffee"), **how)
    assert [cell.state for cell in sweep] == ["missing", "missing", "refused", "missing"]
    assert "0.5K" in sweep[2].why
    assert "1 cell cannot be asked, and the others can: the reason stands below." in said(sweep)
    assert [cell.state for cell in sweep.run()] == ["here", "here", "refused", "here"]
    assert [cell.state for cell in sweep.retry()] == ["here", "here", "refused", "here"]
    assert len(box.submissions) == 3


@pytest.mark.parametrize(
    "slip",
    [
        {"resolution": ["1K", "3K"]},
        {"model": ["nano-banana", "sedream"]},
        {"seed": [1, "a"]},
        {"rows": [{"resolution": "1K"}, {"resolutoin": "2K"}]},
    ],
)
def test_a_slip_in_one_value_is_an_error_before_anything_is_paid(served, photo, slip):
    """A value that can be asked in no cell is none that two values meet in."""
    session, box = served()
    with pytest.raises(errors.InputError):
        nb.sweep("Make it night.", photo("coffee"), session=session, **slip)
    assert not box.submissions


@pytest.mark.parametrize("value", [None, "", " ", float("nan"), {"a": "red"}, ["red", "blue"]])
def test_a_placeholder_takes_no_nothing(served, photo, value):
    """It would be paid as a word, such as None."""
    session, _ = served()
    with pytest.raises(errors.UsageError, match=r"\{\{colour\}\} is given"):
        nb.sweep(PROMPT, photo("coffee"), colour=["sand", value], session=session)


def test_a_row_without_a_value_for_a_placeholder_is_an_error(served, photo):
    """What is missing in a row is not set, but braces are never sent."""
    session, _ = served()
    with pytest.raises(errors.UsageError, match=r"\{\{colour\}\} has no value in a cell \(seed 2\)"):
        nb.sweep(PROMPT, photo("coffee"), rows=[{"colour": "red", "seed": 1}, {"seed": 2}], session=session)


def test_cells_that_ask_the_same_are_one_edit_and_said_so(served, photo):
    """The plan counts the price of one."""
    session, box = served()
    prompts = ["Make it night.", "Make it {{time}}."]
    sweep = nb.sweep(prompts, photo("coffee"), time=["day", "dawn"], seed=1, session=session)
    assert "1 cell asks the same as another: one edit is for both." in said(sweep)
    assert "$0.21 in play money" in said(sweep)
    assert [cell.state for cell in sweep.run()] == ["here"] * 4
    assert len(box.submissions) == 3


def test_an_axis_of_millions_is_refused_at_once(served, photo):
    """Nothing is counted through."""
    session, _ = served()
    with pytest.raises(errors.UsageError, match="seed has 10,000,000 values"):
        nb.sweep("Make it night.", photo("coffee"), seed=range(10**7), session=session)
    with pytest.raises(errors.UsageError, match="40,000 cells"):
        nb.sweep("Make it {{a}}.", photo("coffee"), seed=range(20_000), a=["x", "y"], session=session)


def test_pictures_that_vary_get_one_shape_and_size(served, photo):
    """The shape that most of them have, said in a line; what the user sets stays, and `lock=False` leaves all."""
    session, _ = served()
    tall, wide = Image.new("RGB", (300, 400), "red"), Image.new("RGB", (400, 300), "blue")
    several = [tall, wide, Image.new("RGB", (330, 440), "green")]
    sweep = nb.sweep("Make it night.", images=several, session=session)
    assert {cell._cell.request.parameters["aspect_ratio"] for cell in sweep} == {"3:4"}
    assert "The same for all, so that they belong together: aspect_ratio 3:4, resolution 1K." in said(sweep)
    own = nb.sweep("Make it night.", images=several, aspect_ratio="1:1", session=session)
    assert {cell._cell.request.parameters["aspect_ratio"] for cell in own} == {"1:1"}
    left = nb.sweep("Make it night.", images=several, lock=False, session=session)
    assert all("aspect_ratio" not in cell._cell.request.parameters for cell in left)
    same = nb.sweep("Make it night.", tall, seed=range(2), session=session)
    assert all("aspect_ratio" not in cell._cell.request.parameters for cell in same)


def test_a_picture_that_varies_comes_before_those_that_all_have(served, photo):
    """Main picture from the axis, reference from the line: "image 2" is the same for all."""
    session, _ = served()
    sweep = nb.sweep(
        "Put the cup into image 2.", photo("astronaut"), images=[photo("coffee"), photo("rocket")], session=session
    )
    assert [[one.name for one in cell._cell.request.images] for cell in sweep] == [
        ["coffee.png", "astronaut.png"],
        ["rocket.jpg", "astronaut.png"],
    ]


def test_words_are_searched_for_and_replaced(served, photo):
    """To keep the word as it is, it is named among the others."""
    session, _ = served()
    sweep = nb.sweep(
        "Keep the red cup. Make the sky red.", photo("coffee"), replace={"red": ["red", "blue"]}, session=session
    )
    assert [cell._cell.request.prompt for cell in sweep] == [
        "Keep the red cup. Make the sky red.",
        "Keep the blue cup. Make the sky blue.",
    ]
    with pytest.raises(errors.PromptError, match="'green' cannot be replaced"):
        nb.sweep("Keep the red cup.", photo("coffee"), replace={"green": ["a", "b"]}, session=session)


def test_a_placeholder_without_a_value_is_an_error(served, photo):
    """Else braces would be sent to the service."""
    session, _ = served()
    with pytest.raises(errors.UsageError, match=r"\{\{colour\}\} has no value"):
        nb.sweep(PROMPT, photo("coffee"), color=["red", "blue"], session=session)


def test_rows_of_a_table_are_cells(served, photo):
    """Each with what it has; the words may stand in the table too."""
    session, _ = served()
    rows = [{"prompt": "Make it night.", "seed": 1}, {"prompt": "Make it snow.", "resolution": "2K"}]
    sweep = nb.sweep(None, photo("coffee"), rows=rows, session=session)
    requests = [cell._cell.request for cell in sweep]
    assert [(one.prompt, one.parameters.get("resolution")) for one in requests] == [
        ("Make it night.", None),
        ("Make it snow.", "2K"),
    ]


def test_a_plan_beyond_the_budget_is_refused_before_anything_is_written(served, photo):
    """Also beyond `max_price`; nothing is recorded, so that the history is not full of refusals."""
    session, box = served()
    session.store.set_budget(session.choice().name, 0.20)
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue", "green"], session=session)
    with pytest.raises(errors.BudgetError, match=r"3 cells cost \$0.21, and \$0.20 of \$0.20 in play money is left"):
        sweep.run()
    session.store.set_budget(session.choice().name, None)
    with pytest.raises(errors.BudgetError, match=r"3 cells cost \$0.21, and max_price allows \$0.10"):
        sweep.run(max_price=0.10)
    assert not box.submissions
    assert len(session.history) == 0


def test_how_a_cell_stands_is_told_by_the_store_alone(served, photo):
    """No service is asked for a price before the plan is shown."""
    session, box = served()
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], session=session)
    asked = len(box.requests)
    assert [cell.state for cell in sweep] == ["missing", "missing"]
    assert "0 here" in repr(sweep)
    assert len(box.requests) == asked
    assert "$0.14" in said(sweep)
    assert len(box.requests) > asked
