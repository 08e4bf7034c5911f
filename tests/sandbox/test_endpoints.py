"""Each endpoint answers as the Model API documents it."""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO

import pytest
from PIL import Image
from support.sandboxes import EDIT, TEXT_TO_IMAGE, Serve, ask, fetch
from support.waiting import until

from nbbanana import models
from nbbanana.sandbox.state import Catalogue


def test_a_submission_answers_with_an_id_and_three_urls(serve: Serve) -> None:
    """Submit gives strings only, and the URLs lead to the request."""
    box, client = serve()
    answer = client.submit()
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"request_id", "status_url", "result_url", "cancel_url"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", body["request_id"])
    assert body["status_url"] == f"{box.api_base}/requests/{body['request_id']}/status"
    for key in ("status_url", "result_url"):
        assert client.get(body[key]).json()["request_id"] == body["request_id"]
    assert client.post(body["cancel_url"]).json()["request_id"] == body["request_id"]


def test_a_finished_job_gives_its_outputs_in_the_asked_format(serve: Serve) -> None:
    """The result names each output; each can be fetched without a token."""
    box, client = serve()
    request_id = client.accepted(number_of_images=2, output_format="webp")
    box.settle()
    result = client.result(request_id)
    assert result["status"] == "completed"
    assert result["model_id"] == EDIT
    assert "queue_position" not in result
    assert len(set(result["output"]["images"])) == 2
    for url in result["output"]["images"]:
        fetched = fetch(url)
        assert fetched.headers["content-type"] == "image/webp"
        assert int(fetched.headers["content-length"]) == len(fetched.content)
        assert Image.open(BytesIO(fetched.content)).format == "WEBP"


def test_a_result_tells_the_cost_only_when_asked(serve: Serve) -> None:
    """`include_cost=true` adds the number."""
    box, client = serve()
    request_id = client.accepted(number_of_images=2, resolution="1K")
    box.settle()
    assert "cost" not in client.result(request_id)
    assert client.result(request_id, include_cost="true")["cost"] == pytest.approx(0.14)


def test_a_result_has_the_times_of_the_job(serve: Serve) -> None:
    """Both times are ISO 8601 in UTC, in order."""
    box, client = serve()
    request_id = client.accepted()
    box.settle()
    result = client.result(request_id)
    created, finished = (datetime.fromisoformat(result[key]) for key in ("created_at", "finished_at"))
    assert created.tzinfo is not None
    assert created <= finished


def test_an_unfinished_job_answers_its_state_as_its_result(serve: Serve) -> None:
    """A result may be polled: it is 200 with the state and without an output."""
    _, client = serve(slots=1, time_scale=1.0, duration=3600.0)
    running = client.accepted()
    until(lambda: client.result(running)["status"] == "in_progress")
    queued = client.accepted()
    client_sees = client.result(queued, include_cost="true")
    assert client_sees["status"] == "in_queue"
    assert client_sees["queue_position"] == 0
    assert "output" not in client_sees
    assert "cost" not in client_sees


def test_outputs_answer_head_and_ranges_and_have_names_nobody_guesses(serve: Serve) -> None:
    """HEAD gives the length; a name is at least 128 random bits; two runs share no name."""
    box, client = serve()
    request_id = client.accepted(number_of_images=2)
    box.settle()
    first, second = client.result(request_id)["output"]["images"]
    name = first.rpartition("/")[2].removesuffix(".png")
    assert len(name) >= 22
    assert name not in second
    head, whole = fetch(first, "HEAD"), fetch(first)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    part = fetch(first, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    assert fetch(first.replace(name, name[::-1])).status_code == 404


def test_text_to_image_needs_no_picture(serve: Serve) -> None:
    """The sibling without inputs runs too."""
    box, client = serve()
    answer = client.post(f"/models/{TEXT_TO_IMAGE}", json={"prompt": "A still life.", "resolution": "0.5K"})
    box.settle()
    assert len(client.result(answer.json()["request_id"])["output"]["images"]) == 1


def test_the_same_request_gives_the_same_picture_and_another_seed_another(serve: Serve) -> None:
    """Pictures follow from inputs, words and seed."""
    box, client = serve()
    ids = [client.accepted(), client.accepted(), client.accepted(seed=8)]
    box.settle()
    one, same, other = (fetch(client.result(each)["output"]["images"][0]).content for each in ids)
    assert one == same != other


def test_limit_generations_holds_a_request_to_one_output(serve: Serve) -> None:
    """Asking for four with `limit_generations` gives and costs one."""
    box, client = serve()
    request_id = client.accepted(number_of_images=4, limit_generations=True, resolution="1K")
    box.settle()
    result = client.result(request_id, include_cost="true")
    assert len(result["output"]["images"]) == 1
    assert result["cost"] == pytest.approx(0.07)


def test_the_catalogue_lists_pages_and_searches(serve: Serve) -> None:
    """`total` counts what matches, the page is a part of it, schemas come on request."""
    _, client = serve()
    every = client.get("/models").json()
    assert every["total"] == len(every["models"]) >= 2
    assert [entry["model_id"] for entry in every["models"]] == sorted(entry["model_id"] for entry in every["models"])
    assert all("input_schema" not in entry for entry in every["models"])
    page = client.get("/models", params={"limit": 1, "offset": 1}).json()
    assert page == {"models": every["models"][1:2], "total": every["total"]}
    found = client.get("/models", params={"search": "Nano Banana 2 EDIT", "include_schema": "true"}).json()
    assert [entry["model_id"] for entry in found["models"]] == [EDIT]
    assert "prompt" in found["models"][0]["input_schema"]["properties"]


def test_a_model_shows_its_schema_and_its_price(serve: Serve) -> None:
    """The schema is nbbanana's own, without the keys that are nobody else's."""
    _, client = serve()
    entry = client.get(f"/models/{EDIT}").json()
    assert entry["model_id"] == EDIT
    assert entry["kind"] == "model"
    assert entry["base_price_usd"] == 0.07
    assert entry["price_unit"] == "output"
    assert "x-nbbanana" not in str(entry["input_schema"])
    assert set(entry["input_schema"]["properties"]) == set(models.get(EDIT).schema["properties"])


@pytest.mark.parametrize("model_id", [EDIT, TEXT_TO_IMAGE])
def test_the_pricing_note_says_each_multiplier(model_id: str) -> None:
    """What the note says is what is charged."""
    facts = Catalogue().find(model_id).facts
    for value, factor in facts["multipliers"]["resolution"].items():
        assert factor == 1.0 or re.search(rf"{re.escape(value)} (costs )?{factor:g}\b", facts["pricing_note"])
    assert f"${facts['surcharges']['enable_web_search']}" in facts["pricing_note"]


def test_a_model_can_be_handed_in(serve: Serve) -> None:
    """An entry with the API's own schema dialect is listed, checked and run."""
    schema = {
        "type": "object",
        "required": ["prompt", "image_url"],
        "properties": {
            "prompt": {"type": "string", "default": "a sample"},
            "image_url": {"type": "string", "format": "image_uri", "default": "https://example.com/sample.png"},
            "strength": {"type": "float", "minimum": 0, "maximum": 1},
            "seed": {"type": "integer"},
        },
    }
    box, client = serve(models={"someone/model/edit": {"input_schema": schema, "base_price_usd": 0.5}})
    assert client.get("/models/someone/model/edit").json()["input_schema"] == schema
    url = ask()["image_urls"][0]
    taken = client.post("/models/someone/model/edit", json={"prompt": "x", "image_url": url, "strength": 0.5})
    assert taken.status_code == 200
    refused = client.post("/models/someone/model/edit", json={"prompt": "x", "image_url": url, "strength": 2})
    assert refused.json()["detail"][0]["loc"] == ["body", "strength"]
    box.settle()
    assert client.result(taken.json()["request_id"], include_cost="1")["cost"] == 0.5


def test_balance_and_identity(serve: Serve) -> None:
    """Both are under the bases where the service has them."""
    box, client = serve(balance=3.5)
    bases = box.addresses
    assert client.get(f"{bases['serverless_base']}/balance").json() == {"balance_usd": 3.5, "currency": "USD"}
    me = client.get(f"{bases['web_base']}/api/auth/me").json()
    assert set(me) == {"id", "email", "token_type", "token_created_at"}


@pytest.mark.parametrize("form", ["{url}", "{url}/v1"])
def test_both_bases_work(serve: Serve, form: str) -> None:
    """The origin alone and with `/v1` are both bases of the Model API."""
    box, client = serve()
    base = form.format(url=box.url)
    request_id = client.post(f"{base}/models/{EDIT}", json=ask()).json()["request_id"]
    box.settle()
    assert client.get(f"{base}/requests/{request_id}/status").json()["status"] == "completed"
    assert client.get(f"{base}/requests/{request_id}/result").json()["output"]["images"]
    assert client.post(f"{base}/requests/{request_id}/cancel").json()["outcome"] == "not_cancellable"
    assert client.get(f"{base}/models/{EDIT}").json()["model_id"] == EDIT


def test_every_answer_says_that_it_is_a_sandbox(serve: Serve) -> None:
    """The header is on pictures, refusals, pages and unknown paths alike."""
    box, client = serve()
    request_id = client.accepted()
    box.settle()
    paths = [
        client.result(request_id)["output"]["images"][0],
        f"{box.url}/nowhere",
        f"{box.url}/login",
        f"{box.api_base}/requests/none/status",
    ]
    for path in paths:
        assert fetch(path).headers["x-runcomfy-sandbox"] == "nbbanana"
    assert client.put("/models").status_code == 405


def test_what_it_saw_can_be_looked_at_without_the_token(serve: Serve) -> None:
    """Requests are kept in order, with their JSON, without the bearer and without the pictures' bulk."""
    box, client = serve()
    client.submit(prompt="Make it dusk.")
    client.get("/balance")
    submit, balance = box.requests
    assert (submit.method, submit.path, submit.target) == ("POST", f"/v1/models/{EDIT}", "submit")
    assert submit.body["prompt"] == "Make it dusk."
    assert submit.status == balance.status == 200
    assert submit.at <= balance.at
    assert submit.size > 100
    assert len(submit.body["image_urls"][0]) < 100
    assert box.token not in repr(box.requests)
    assert box.token not in repr(box)
    assert submit.headers["authorization"] == "Bearer …"


def test_submissions_can_be_looked_at(serve: Serve) -> None:
    """Each accepted job is there with what was asked and how it stands; a refused one is not."""
    box, client = serve()
    client.accepted(prompt="First.")
    client.submit(seed="seven")
    client.accepted(prompt="Second.")
    box.settle()
    assert [job.payload["prompt"] for job in box.submissions] == ["First.", "Second."]
    assert {job.state for job in box.submissions} == {"completed"}
    assert all(name not in repr(box.submissions) for job in box.submissions for name in job.outputs)
