"""What the tag costs a page with 200 calls to action and sections: measured, held.

Times are of the main thread's processor by Chromium's own trace, told as they are on a slow phone,
which is known by how long it takes over a yardstick.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import pytest

from tests.browser.conftest import Visits, elsewhere

Event = dict[str, Any]
Kind = tuple[str, str, str]

SLOW_PHONE = 4
"""How much slower a slow phone is taken to be than what these tests run on: Lighthouse's usual
slowing down of a desktop to a phone of the middle class."""

YARDSTICK_MS = 1.4
"""What the yardstick takes on a slow phone: it took 0.35 ms where Lighthouse's index of a machine
was 2,500. An index of a quarter is one of its phones of the middle class (125 to 800)."""

BLOCK = (
    "<section data-section='s{0}' style='height:300px'><h2>Section {0}</h2>"
    "<a data-cta='apply-{0}' data-cta-position='body' href='#x'>Apply {0}</a></section>"
)
SCRIPT = """<p id=last>The end</p><script>
// The page changes its layout in each scroll: whoever reads it in a handler has it made anew.
addEventListener('scroll', () => { last.style.width = scrollY % 97 + 'px'; });
function scrollFrom(top) {
  scrollTo(0, top);
  setTimeout(yardstick);
  setTimeout(request);
  if (top < document.body.scrollHeight) requestAnimationFrame(() => scrollFrom(top + 400));
}
function yardstick() {
  for (let n = 0; n < 5e3; n++) JSON.stringify({n, text: 'x' + n});
}
function request() {
  fetch('/', {method: 'POST', body: 'x'.repeat(8e3), keepalive: true});
}
</script>"""
MAX_TASK_MS = 5
"""On a slow phone, while somebody looks at the page."""

SENDING: Kind = ("RunMicrotasks", "", "")
"""Handing a batch to the browser, which takes as long whoever does it."""

LEAVING: Kind = ("", "", "pagehide")
"""The task in which a page is left: all must be told in it, and most of it is the beacon."""

MAX_BYTES = 8_192
MAX_REQUESTS = 80
"""A fifth of the events; how many it is depends on how long the visit takes."""
VISITS = 3
CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "v8.execute"]
WORK = {"FunctionCall", "EvaluateScript", "v8.compile", "RunMicrotasks"}
"""Pieces of a task that are scripts; the page's own script makes no microtasks."""

LAYOUT = {"Layout", "UpdateLayoutTree"}


def ends(event: Event) -> float:
    """When a piece of a trace was over."""
    return float(event["ts"] + event.get("dur", 0))


def took_ms(event: Event) -> float:
    """How long a piece kept the processor."""
    return float(event.get("tdur", 0)) / 1000


def told(event: Event, name: str) -> str:
    """What a piece tells of itself."""
    return str(event.get("args", {}).get("data", {}).get(name, ""))


def is_marred(task: Event) -> bool:
    """Whether Chromium's tracer told all names anew meanwhile, which takes it 2 to 3 ms.

    It does so as each half second begins, in whatever task it finds.
    """
    return bool(task["ts"] % 500_000 < 10_000 or task["ts"] // 500_000 < ends(task) // 500_000)


def thread(event: Event) -> tuple[int, int]:
    """The browser's thread that a piece ran on: it has pages of its own beside ours."""
    return event["pid"], event["tid"]


def tasks(trace: list[Event]) -> Iterator[list[Event]]:
    """Each task of the page's thread, with its pieces in the order of their beginnings."""
    ours = {thread(event) for event in trace if told(event, "url").endswith("/tag.js")}
    whole = [event for event in trace if event["ph"] == "X" and thread(event) in ours]
    task: list[Event] = []
    for event in sorted(
        whole, key=lambda event: (thread(event), event["ts"], -event.get("dur", 0))
    ):
        if task and event["ts"] < ends(task[0]):
            task.append(event)
        elif event["name"] == "RunTask":
            yield task
            task = [event]
    yield task


def of_the_tag(task: list[Event]) -> list[Event]:
    """The outermost pieces of a task that are the tag's work."""
    found: list[Event] = []
    for event in task:
        own = "/tag" in told(event, "url") or event["name"] == "RunMicrotasks"
        if event["name"] in WORK and own and not (found and event["ts"] < ends(found[-1])):
            found.append(event)
    return found


def kind_of(task: list[Event], first: Event) -> Kind:
    """The file, the column and the events that the tag's first piece of a task was about."""
    events = dict.fromkeys(told(one, "type") for one in task if one["name"] == "EventDispatch")
    if "pagehide" in events:
        return LEAVING
    file = told(first, "url").rpartition("/")[2] or first["name"]
    return file, told(first, "columnNumber"), " ".join(events)


def inside(pieces: list[Event], task: list[Event]) -> set[str]:
    """Names of what happened inside pieces of a task."""
    return {
        event["name"]
        for event in task
        for piece in pieces
        if piece["ts"] < event["ts"] and ends(event) <= ends(piece)
    }


def of_the_page(trace: list[Event], function: str) -> list[float]:
    """How long each call of a function of the page's own took, in milliseconds."""
    calls = (one for one in trace if told(one, "functionName") == function)
    return [took_ms(one) for one in calls if not is_marred(one)]


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: the tag's longest task of each kind, those that laid out.

    Beside them the page's own: its usual yardstick, and its longest request, which does no more
    than the browser must for whoever sends anything.
    """

    longest_ms: dict[Kind, float]
    layouts: list[Kind]
    yardstick_ms: float
    request_ms: float
    asked: list[str]

    @classmethod
    def of(cls, trace: list[Event], asked: list[str]) -> "Visit":
        """Read a trace; beside it the addresses that the tag asked for."""
        longest: defaultdict[Kind, float] = defaultdict(float)
        layouts = []
        for task in tasks(trace):
            pieces = of_the_tag(task)
            if not pieces:
                continue
            kind = kind_of(task, pieces[0])
            if not is_marred(task[0]):
                longest[kind] = max(longest[kind], sum(map(took_ms, pieces)))
            if inside(pieces, task) & LAYOUT:
                layouts.append(kind)
        own = {name: of_the_page(trace, name) for name in ("yardstick", "request")}
        return cls(longest, layouts, median(own["yardstick"]), max(own["request"]), asked)

    @property
    def slower(self) -> float:
        """How many times as long as here a slow phone takes."""
        return YARDSTICK_MS / self.yardstick_ms


def visit(visits: Visits, host: str, rate: int = 1) -> Visit:
    """Open the page as somebody new, scroll to its end, click, and leave, traced.

    The rate is by how many times Chromium slows the page's main thread down.
    """
    before = len(visits.named(host, "cta_shown"))
    with visits.profile(viewport={"width": 412, "height": 839}, has_touch=True) as profile:
        page = profile.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        profile.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
        visits.browser.start_tracing(page=page, categories=CATEGORIES)
        page.goto(visits.site.url(host))
        visits.wait(host, "cta_shown", before + 1)
        page.evaluate("scrollFrom(0)")
        visits.wait(host, "cta_shown", before + 200)
        box = page.locator("a").last.bounding_box()
        assert box
        page.mouse.click(box["x"] + 9, box["y"] + 9)
        elsewhere(page)
        trace = json.loads(visits.browser.stop_tracing())["traceEvents"]
    return Visit.of(trace, [one for one in requests if visits.product.url in one])


def least(visited: list[Visit], kind: Kind) -> float:
    """The longest task of a kind in the quietest visit, in milliseconds on a slow phone.

    What else the machine does only adds to it. Nothing where the trace ended before such a task.
    """
    times = (one.longest_ms[kind] * one.slower for one in visited if kind in one.longest_ms)
    return min(times, default=0)


def longest(visited: list[Visit]) -> tuple[float, Kind]:
    """The longest kind of task that is the tag's own, while somebody looks at the page."""
    kinds = {kind for one in visited for kind in one.longest_ms} - {SENDING, LEAVING}
    return max((least(visited, kind), kind) for kind in kinds)


@pytest.fixture
def host(visits: Visits) -> str:
    """Serve a page with 200 calls to action and sections."""
    host = visits.host()
    visits.put(host, "/", "".join(BLOCK.format(number) for number in range(200)) + SCRIPT)
    return host


def lays_out_in_scrolls(one: Visit) -> bool:
    """Whether the tag had the page laid out while it was scrolled, which it surely was."""
    assert any("scroll" in kind[2] for kind in one.longest_ms)
    return any("scroll" in kind[2] for kind in one.layouts)


def test_a_page_with_200_calls_to_action(visits: Visits, host: str) -> None:
    """No task of the tag is long, none in a scroll lays out; bytes and requests are few."""
    seen = [visit(visits, host) for _ in range(VISITS)]
    if longest(seen)[0] >= MAX_TASK_MS:  # perhaps of what else the machine did
        seen += [visit(visits, host) for _ in range(VISITS)]
    files = [
        visits.product.client.get(path, headers={"accept-encoding": "gzip"})
        for path in ("/tag.js", "/tag/watch.js")
    ]
    sizes = [int(answer.headers["content-length"]) for answer in files]
    longest_ms, kind = longest(seen)
    sending_ms = least(seen, SENDING)
    request_ms = min(one.request_ms * one.slower for one in seen)
    batches = sum("/v1/batch" in one for one in seen[0].asked)
    print(  # noqa: T201 - figures that the test was asked for
        f"\ntag.js {sizes[0]} B, watch.js {sizes[1]} B with gzip; {len(seen[0].asked)} requests,"
        f" {batches} of events. On a slow phone the longest task takes {longest_ms:.1f} ms of"
        f" processor ({kind}), sending {sending_ms:.1f}, leaving {least(seen, LEAVING):.1f}, the"
        f" page's longest bare request {request_ms:.1f}"
    )
    assert sum(sizes) <= MAX_BYTES
    assert longest_ms < MAX_TASK_MS
    assert 0 < sending_ms < 3 * request_ms
    assert not any(map(lays_out_in_scrolls, seen))
    assert len(seen[0].asked) <= MAX_REQUESTS


@pytest.mark.slow
def test_slowed_down_by_the_browser(visits: Visits, host: str) -> None:
    """On a page that Chromium slows down no scroll lays out; its times swing too much to hold."""
    slow = visit(visits, host, SLOW_PHONE)
    slow_ms, kind = longest([slow])
    print(  # noqa: T201 - as above
        f"\nSlowed down by Chromium the longest task takes {slow_ms:.1f} ms ({kind}), the page's"
        f" longest bare request {slow.request_ms * slow.slower:.1f}"
    )
    assert not lays_out_in_scrolls(slow)
