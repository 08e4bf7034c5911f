"""Without a socket: the same application through httpx's ASGITransport."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import httpx
import pytest
from support.sandboxes import EDIT, ask

from nbbanana.errors import UsageError
from nbbanana.sandbox import Fault, Sandbox, create_app


def client(box: Sandbox, base: str = "http://localhost/v1") -> httpx.AsyncClient:
    """A client that calls the application."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(box.app), base_url=base, headers={"Authorization": f"Bearer {box.token}"}
    )


async def wait(http: httpx.AsyncClient, request_id: str) -> dict[str, Any]:
    """Poll the result until the job is over."""
    async with asyncio.timeout(20):
        while True:
            result = (await http.get(f"/requests/{request_id}/result?include_cost=true")).json()
            if result["status"] not in {"in_queue", "in_progress"}:
                return result
            await asyncio.sleep(0.005)


def test_the_whole_way_in_process() -> None:
    """Submit, poll and download, at whatever origin the client thinks it talks to."""

    async def go(box: Sandbox) -> None:
        async with client(box, "https://sandbox.invalid") as http:
            accepted = (await http.post(f"/models/{EDIT}", json=ask())).json()
            assert accepted["result_url"].startswith("https://sandbox.invalid/v1/requests/")
            result = await wait(http, accepted["request_id"])
            assert result["status"] == "completed"
            (url,) = result["output"]["images"]
            assert url.startswith("https://sandbox.invalid/outputs/")
            fetched = await http.get(url)
            assert fetched.content.startswith(b"\x89PNG")
            assert fetched.headers["x-runcomfy-sandbox"] == "nbbanana"
            assert (await http.head(url)).headers["content-length"] == str(len(fetched.content))

    box = Sandbox(time_scale=0)
    asyncio.run(go(box))
    box.close()


def test_a_job_outlives_the_loop_that_sent_it() -> None:
    """Each `asyncio.run` is a new loop; the job does not hang on any."""
    box = Sandbox(time_scale=0)

    async def submit() -> str:
        async with client(box) as http:
            return (await http.post(f"/models/{EDIT}", json=ask())).json()["request_id"]

    async def collect(request_id: str) -> dict[str, Any]:
        async with client(box) as http:
            return await wait(http, request_id)

    request_id = asyncio.run(submit())
    assert asyncio.run(collect(request_id))["status"] == "completed"
    box.close()


def test_the_loop_goes_on_while_a_picture_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A painter that waits for the loop would hang for ever if it ran in the loop."""
    import threading

    from nbbanana.sandbox import painter

    polled = threading.Event()
    paint = painter.paint

    def patient(*args: Any, **options: Any) -> bytes:
        assert polled.wait(10)
        return paint(*args, **options)

    async def go(box: Sandbox) -> None:
        async with client(box) as http:
            request_id = (await http.post(f"/models/{EDIT}", json=ask())).json()["request_id"]
            assert (await http.get(f"/requests/{request_id}/status")).json()["status"] in {"in_queue", "in_progress"}
            polled.set()
            assert (await wait(http, request_id))["status"] == "completed"

    monkeypatch.setattr(painter, "paint", patient)
    box = Sandbox(time_scale=0)
    asyncio.run(go(box))
    box.close()


def test_many_at_once() -> None:
    """Fifty submissions from one loop are fifty jobs, in one order, each with its picture."""
    box = Sandbox(slots=16, time_scale=0, faults=[Fault("job", nth=3, times=None, outputs=0)])

    async def go() -> list[str]:
        async with client(box) as http:
            answers = await asyncio.gather(*(http.post(f"/models/{EDIT}", json=ask()) for _ in range(50)))
            ids = [answer.json()["request_id"] for answer in answers]
            results = await asyncio.gather(*(wait(http, each) for each in ids))
            assert {result["status"] for result in results} == {"completed"}
            return ids

    ids = asyncio.run(go())
    assert sorted(ids) == sorted(job.request_id for job in box.submissions)
    box.close()


@pytest.mark.parametrize(
    "fault", [Fault("balance", drop=True), Fault("balance", reset=True), Fault("balance", truncate=0.5)]
)
def test_a_lost_connection_surfaces_as_a_reset(fault: Fault) -> None:
    """There is no socket to break, so the client gets the error that a broken one gives."""
    box = Sandbox(faults=[fault])

    async def go() -> None:
        async with client(box) as http:
            with pytest.raises(ConnectionResetError):
                await http.get("/balance")
            assert (await http.get("/balance")).json()["balance_usd"] == 20.0

    asyncio.run(go())


def test_made_up_answers_and_drips_work_without_a_socket() -> None:
    """Whatever is an answer is one here too."""
    box = Sandbox(faults=[Fault("balance", status=503), Fault("balance", nth=2, drip=0.0001, delay=0.001)])

    async def go() -> None:
        async with client(box) as http:
            assert (await http.get("/balance")).status_code == 503
            assert (await http.get("/balance")).json()["balance_usd"] == 20.0

    asyncio.run(go())


def test_refusing_needs_a_socket() -> None:
    """In process nobody can stop listening, and the error says so."""
    box = Sandbox(faults=[Fault("balance", refuse=1.0)])

    async def go() -> None:
        async with client(box) as http:
            with pytest.raises(RuntimeError, match="socket"):
                await http.get("/balance")

    asyncio.run(go())
    with pytest.raises(UsageError, match="not served"):
        _ = box.url
    with pytest.raises(UsageError, match="not served"), box.refusing():
        pass


def test_lifespan_and_websockets_are_let_be() -> None:
    """The application asks for neither, and answers neither."""
    box = Sandbox()

    async def go() -> None:
        for kind in ("lifespan", "websocket"):
            await create_app(box)({"type": kind}, None, None)  # type: ignore[arg-type]

    asyncio.run(go())
    assert box.requests == []


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names resolve on first use."""
    code = (
        "import sys, nbbanana.sandbox as s; print([m for m in ('starlette', 'PIL', 'uvicorn', 'httpx') "
        "if m in sys.modules]); print(s.Fault('submit').target, sorted(dir(s)) == sorted(s.__all__)); s.Nothing"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stdout == "[]\nsubmit True\n"
    assert "has no attribute 'Nothing'" in done.stderr
