"""What the tag costs a page with 200 calls to action and sections: measured, printed, bounded."""

import json
from typing import Any

from tests.browser.conftest import Visits

SLOW_PHONE = 4
"""How much slower than a core of this machine a slow phone's is taken to be."""

BLOCK = (
    "<section data-section='s{0}' style='height:300px'><h2>Section {0}</h2>"
    "<a data-cta='apply-{0}' data-cta-position='body' href='#x'>Apply {0}</a></section>"
)
SCROLL = """async () => {
  for (let top = 0; top < document.body.scrollHeight; top += 400) {
    scrollTo(0, top);
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
  }
}"""
MAX_TASK_MS = 5
"""Of processor time here; the figure for a slow phone is printed beside it."""
MAX_BYTES = 8_192
WORK = {"FunctionCall", "EvaluateScript", "FireAnimationFrame", "TimerFire", "EventDispatch"}


def of_the_tag(event: dict[str, Any]) -> bool:
    """Say whether a piece of a trace is work of the tag's own files."""
    data = event.get("args", {}).get("data", {})
    return event["name"] in WORK and "/tag" in str(data.get("url", ""))


def test_a_page_with_200_calls_to_action(visits: Visits) -> None:
    """No piece of the tag's work is long; bytes and requests are few."""
    host = visits.host()
    url = visits.put(host, "/", "".join(BLOCK.format(number) for number in range(200)))
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)  # the browser has the files now, as it has on every page but the first
        page.wait_for_function("!!window.fhTag?.eyes")
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        visits.browser.start_tracing(page=page, categories=["devtools.timeline", "v8.execute"])
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.eyes")
        page.evaluate(SCROLL)
        page.wait_for_timeout(1_500)
        trace = json.loads(visits.browser.stop_tracing())["traceEvents"]
        visits.wait(host, "cta_shown", 200)
        page.goto("about:blank")
    files = [
        visits.product.client.get(path, headers={"accept-encoding": "gzip"})
        for path in ("/tag.js", "/tag/watch.js")
    ]
    sizes = [int(answer.headers["content-length"]) for answer in files]
    tasks = sorted(event.get("tdur", 0) / 1000 for event in trace if of_the_tag(event))
    of_us = [request for request in requests if visits.product.url in request]
    batches = sum("/v1/batch" in one for one in of_us)
    print(  # noqa: T201 - figures that the test was asked for
        f"\ntag.js {sizes[0]} B, watch.js {sizes[1]} B with gzip; {len(tasks)} pieces of work,"
        f" {sum(tasks):.1f} ms of processor in all, the longest {tasks[-1]:.2f} ms here and"
        f" {tasks[-1] * SLOW_PHONE:.1f} ms on a slow phone; {len(of_us)} requests,"
        f" {batches} of events"
    )
    assert tasks
    assert sum(sizes) <= MAX_BYTES
    assert tasks[-1] < MAX_TASK_MS
    assert len(of_us) <= 20
