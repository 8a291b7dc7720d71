"""Trackers that people already use, unchanged but for host and key: all arrive in `events`."""

import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import rudderstack.analytics  # type: ignore[import-untyped]  # ships no types
import snowplow_tracker as snowplow
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from playwright.sync_api import Browser

from tests.browser.conftest import Site, Visits, browser, site
from tests.conftest import RunningProduct, running_product
from tests.protocols import npm

KEYS = "dev:web,app:backend:server,sp:plow@http://shop.example|http://*.example:{port}"
__all__ = ["browser", "site"]
COLUMNS = "source, event_type, event_name, anonymous_id, user_id, session_id, page_url, library"
"""What the tests look at."""


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[RunningProduct]:
    """Start a product that takes Snowplow's trackers too."""
    data = tmp_path_factory.mktemp("sdks")
    with running_product(data, KEYS.format(port=site.port), snowplow_key="sp") as product:
        yield product


@pytest.fixture(scope="module")
def visits(delivered: RunningProduct, site: Site, browser: Browser) -> Visits:
    """Give pages in a browser beside that product."""
    return Visits(delivered, site, browser)


def arrived(product: RunningProduct, where: str, times: int) -> list[dict[str, Any]]:
    """Wait for so many events, and read them by name with what they hold."""
    statement = f"SELECT *, payload FROM events WHERE {where} ORDER BY arrival"
    product.wait_visible(lambda: len(product.sql(statement)) >= times)
    rows = product.sql(statement)
    for row in rows:
        row["properties"] = orjson.loads(row["properties"])
        row["payload"] = orjson.loads(row["payload"])
    return rows


def refused(product: RunningProduct) -> list[dict[str, Any]]:
    """Read what was rejected."""
    return product.sql("SELECT sent_name, path, detail, payload FROM rejected_events")


def page_of(visits: Visits, script: str, head: str = "") -> str:
    """Serve a page with a bundled script, and return its address."""
    host = visits.host()
    visits.site.pages[host, "/kotlin"] = (
        f"<!doctype html><html><head><title>Kotlin</title>{head}</head>"
        f"<body><a id=out href='https://x.example/'>x</a><div style='height:3000px'></div>"
        f"<script>{npm.bundle(script)}</script></body></html>"
    )
    return visits.site.url(host, "/kotlin")


def test_analytics_node(delivered: RunningProduct) -> None:
    """Segment's analytics-node delivers all its calls."""
    script = """
    import { Analytics } from '@segment/analytics-node';
    const analytics = new Analytics({ writeKey: 'app', host: process.env.HOST });
    analytics.on('error', error => { console.error(error); process.exitCode = 1; });
    const userId = 'segment-node';
    analytics.identify({ userId, traits: { occupation: '학생' } });
    analytics.track({ userId, event: 'CTA Clicked', properties: { cta_id: 'apply' } });
    analytics.page({ userId, name: 'Guide', properties: { url: 'https://g.example/x' } });
    analytics.screen({ userId, name: 'Home' });
    analytics.group({ userId, groupId: 'kotlin-6', traits: { kind: 'cohort' } });
    analytics.alias({ userId, previousId: 'before' });
    await analytics.closeAndFlush();
    """
    npm.run(script, HOST=delivered.url)
    rows = arrived(delivered, "user_id = 'segment-node'", 6)
    assert [row["event_name"] for row in rows] == [
        "identified",
        "cta_clicked",
        "page_viewed",
        "screen_viewed",
        "grouped",
        "aliased",
    ]
    assert {row["source"] for row in rows} == {"backend"}
    assert rows[1]["properties"] == {"cta_id": "apply"}


def test_analytics_next(visits: Visits) -> None:
    """Segment's analytics.js in a page finds its settings here and delivers."""
    script = f"""
    import {{ AnalyticsBrowser }} from '@segment/analytics-next';
    window.analytics = AnalyticsBrowser.load({{ writeKey: 'dev', cdnURL: '{visits.product.url}' }});
    analytics.page('docs', 'Guide');
    analytics.identify('segment-next', {{ occupation: '학생' }});
    analytics.track('CTA Clicked', {{ cta_id: 'apply' }});
    analytics.group('kotlin-6');
    """
    url = page_of(visits, script)
    with visits.profile() as profile:
        profile.new_page().goto(url + "?utm_source=naver")
        host = url.split("/")[2].split(":")[0]
        rows = arrived(visits.product, f"page_host = '{host}'", 4)
    assert sorted(row["event_name"] for row in rows) == [
        "cta_clicked",
        "grouped",
        "identified",
        "page_viewed",
    ]
    by_name = {row["event_name"]: row for row in rows}
    assert by_name["cta_clicked"]["user_id"] == "segment-next"
    assert len({row["anonymous_id"] for row in rows}) == 1
    assert by_name["page_viewed"]["utm_source"] == "naver"
    assert by_name["page_viewed"]["page_title"] == "Kotlin"
    assert "analytics.js" in by_name["page_viewed"]["library"]


def test_rudderstack_node(delivered: RunningProduct) -> None:
    """RudderStack's node SDK delivers, gzip and all."""
    script = """
    import Analytics from '@rudderstack/rudder-sdk-node';
    const client = new Analytics('app', { dataPlaneUrl: process.env.HOST, flushAt: 20 });
    const userId = 'rudder-node';
    client.identify({ userId, traits: { occupation: '학생' } });
    client.track({ userId, event: 'CTA Clicked', properties: { cta_id: 'apply' } });
    client.page({ userId, name: 'Guide', properties: { url: 'https://g.example/x' } });
    client.group({ userId, groupId: 'kotlin-6', traits: { kind: 'cohort' } });
    await new Promise((done, failed) => client.flush(error => error ? failed(error) : done()));
    process.exit(0);
    """
    npm.run(script, HOST=delivered.url)
    rows = arrived(delivered, "user_id = 'rudder-node'", 4)
    assert [row["event_name"] for row in rows] == [
        "identified",
        "cta_clicked",
        "page_viewed",
        "grouped",
    ]


def test_rudderstack_browser(visits: Visits) -> None:
    """RudderStack's browser SDK finds its source here, and delivers with its session."""
    script = f"""
    import {{ RudderAnalytics }} from '@rudderstack/analytics-js/bundled';
    const analytics = window.rudder = new RudderAnalytics();
    analytics.load('dev', '{visits.product.url}', {{
      configUrl: '{visits.product.url}', logLevel: 'WARN', useBeacon: false,
    }});
    analytics.page('docs', 'Guide');
    analytics.identify('rudder-browser', {{ occupation: '학생' }});
    analytics.track('CTA Clicked', {{ cta_id: 'apply' }});
    """
    url = page_of(visits, script)
    host = url.split("/")[2].split(":")[0]
    with visits.profile() as profile:
        page = profile.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(url)
        rows = arrived(visits.product, f"page_host = '{host}'", 3)
    by_name = {row["event_name"]: row for row in rows}
    assert set(by_name) == {"page_viewed", "identified", "cta_clicked"}, said
    assert by_name["cta_clicked"]["user_id"] == "rudder-browser"
    assert by_name["cta_clicked"]["session_id"].isdigit()
    assert by_name["page_viewed"]["page_title"] == "Kotlin"


def test_rudderstack_browser_by_beacon(visits: Visits) -> None:
    """With its beacon RudderStack's browser SDK delivers when the page is left."""
    script = f"""
    import {{ RudderAnalytics }} from '@rudderstack/analytics-js/bundled';
    const analytics = window.rudder = new RudderAnalytics();
    analytics.load('dev', '{visits.product.url}', {{
      configUrl: '{visits.product.url}', useBeacon: true,
    }});
    analytics.ready(() => {{ window.isReady = true; }});
    analytics.track('CTA Clicked', {{ cta_id: 'beacon' }});
    """
    url = page_of(visits, script)
    host = url.split("/")[2].split(":")[0]
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("window.isReady")
        page.goto("about:blank")
        (row,) = arrived(visits.product, f"page_host = '{host}'", 1)
    assert row["properties"] == {"cta_id": "beacon"}


def test_rudderstack_python(delivered: RunningProduct) -> None:
    """RudderStack's Python SDK delivers."""
    client = rudderstack.analytics.Client("app", host=delivered.url, sync_mode=True)
    client.track("rudder-python", "CTA Clicked", {"cta_id": "apply"})
    client.identify("rudder-python", {"occupation": "학생"})
    rows = arrived(delivered, "user_id = 'rudder-python'", 2)
    assert [row["event_name"] for row in rows] == ["cta_clicked", "identified"]


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow_browser(visits: Visits, method: str) -> None:
    """Snowplow's browser tracker: views, pings, structured and self-describing events, entities."""
    script = f"""
    import * as sp from '@snowplow/browser-tracker';
    sp.newTracker('sp', '{visits.product.url}', {{
      appId: 'landing', eventMethod: '{method}',
      contexts: {{ session: true, webPage: true }},
    }});
    sp.setUserId('snowplow-browser');
    sp.enableActivityTracking({{ minimumVisitLength: 1, heartbeatDelay: 1 }});
    sp.trackPageView();
    sp.trackStructEvent({{ category: 'cta', action: 'click', label: 'apply', property: 'hero' }});
    sp.trackStructEvent({{ category: 'ad', action: 'guide_opened', label: 'x' }});
    sp.trackSelfDescribingEvent({{ event: {{
      schema: 'iglu:com.snowplowanalytics.snowplow/link_click/jsonschema/1-0-1',
      data: {{ targetUrl: 'https://x.example/', elementId: 'out' }},
    }}, context: [
      {{ schema: 'iglu:com.acme/cohort/jsonschema/1-0-0', data: {{ cohort: '6기' }} }},
    ] }});
    """
    url = page_of(visits, script)
    host = url.split("/")[2].split(":")[0]
    where = f"page_host = '{host}'"
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        arrived(visits.product, f"{where} AND event_name = 'page_viewed'", 1)

        def engaged() -> bool:
            page.mouse.wheel(0, 10)
            return visits.named(host, "engaged_time") != []

        visits.product.wait_visible(engaged)
        (ping, *_) = arrived(visits.product, f"{where} AND event_name = 'engaged_time'", 1)
        rows = arrived(visits.product, f"{where} AND event_name != 'engaged_time'", 3)
        visits.product.wait_visible(lambda: visits.rejected(host) != [])
        rejected = visits.rejected(host)
    by_name = {row["event_name"]: row for row in rows}
    assert set(by_name) == {"page_viewed", "cta_clicked", "outbound_link_clicked"}
    assert {row["source"] for row in rows} == {"plow"}
    assert {row["user_id"] for row in rows} == {"snowplow-browser"}
    assert len({row["anonymous_id"] for row in rows}) == 1 == len({r["session_id"] for r in rows})
    assert all(rows[0][name] for name in ("anonymous_id", "session_id"))
    assert by_name["page_viewed"]["page_title"] == "Kotlin"
    assert by_name["page_viewed"]["library"].startswith("snowplow js-4")
    assert by_name["cta_clicked"]["properties"] == {
        "category": "cta",
        "action": "click",
        "cta_id": "apply",
        "position": "hero",
    }
    link = by_name["outbound_link_clicked"]
    assert link["properties"] == {"target_url": "https://x.example/", "elementId": "out"}
    entities = link["payload"]["context"]["entities"]
    assert {
        "schema": "iglu:com.acme/cohort/jsonschema/1-0-0",
        "data": {"cohort": "6기"},
    } in entities
    assert link["payload"]["context"]["snowplow"]["p"] == "web"
    assert ping["properties"] == {"engaged_ms": 10_000}
    assert [row["sent_name"] for row in rejected] == ["guide_opened"]  # it lacks its guide_id


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow_node(delivered: RunningProduct, method: str) -> None:
    """Snowplow's node tracker delivers by POST and GET."""
    user = f"snowplow-node-{method}"
    script = """
    import { newTracker, buildPageView, buildStructEvent } from '@snowplow/node-tracker';
    let open = 2;
    const tracker = newTracker({ namespace: 'n', appId: 'shop', encodeBase64: true }, {
      endpoint: '127.0.0.1', protocol: 'http', port: +process.env.PORT, bufferSize: 1,
      eventMethod: process.env.METHOD,
      onRequestSuccess: () => --open || process.exit(0),
      onRequestFailure: failure => { console.error(failure); process.exit(1); },
      callback: (error) => { if (error) { console.error(error); process.exit(1); } },
    });
    tracker.setUserId(process.env.USER_ID);
    tracker.track(buildPageView({ pageUrl: 'https://s.example/a', pageTitle: 'A' }));
    tracker.track(buildStructEvent({ category: 'cta', action: 'click', label: 'apply' }),
      [{ schema: 'iglu:com.acme/cohort/jsonschema/1-0-0', data: { cohort: '6' } }]);
    """
    port = delivered.settings.collector.rpartition(":")[2]
    npm.run(script, PORT=port, METHOD=method, USER_ID=user)
    rows = arrived(delivered, f"user_id = '{user}'", 2)
    assert sorted(row["event_name"] for row in rows) == ["cta_clicked", "page_viewed"]
    click = next(row for row in rows if row["event_name"] == "cta_clicked")
    assert click["payload"]["context"]["entities"][0]["data"] == {"cohort": "6"}
    assert click["payload"]["context"]["app"] == {"name": "shop"}


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow_python(delivered: RunningProduct, method: Any) -> None:
    """Snowplow's Python tracker delivers by POST and GET, and takes the answer for success."""
    user = f"snowplow-python-{method}"
    failed: list[Any] = []
    port = int(delivered.settings.collector.rpartition(":")[2])
    emitter = snowplow.Emitter(
        "127.0.0.1", "http", port, method, 1, on_failure=lambda *given: failed.append(given)
    )
    subject = snowplow.Subject().set_user_id(user)
    tracker = snowplow.Tracker("t", emitter, subject, app_id="api")
    tracker.track(snowplow.StructuredEvent("cta", "click", "apply", "hero"))
    tracker.track(snowplow.PageView("https://s.example/a", "A"))
    tracker.flush()
    rows = arrived(delivered, f"user_id = '{user}'", 2)
    assert failed == []
    assert sorted(row["event_name"] for row in rows) == ["cta_clicked", "page_viewed"]


def test_snowplow_from_other_hosts(delivered: RunningProduct) -> None:
    """Only pages of the key's origins may send Snowplow's events, pictures by their Referer too."""
    body = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"}
    body |= {"data": [{"e": "pv", "uid": "u", "url": "http://elsewhere.test/"}]}
    path = "/com.snowplowanalytics.snowplow/tp2"
    post = delivered.post(path, body, headers={"origin": "http://elsewhere.test"})
    pixel = delivered.client.get("/i?e=pv", headers={"referer": "http://elsewhere.test/a"})
    assert (post.status_code, pixel.status_code) == (403, 403)
    ours = delivered.post(path, body, headers={"origin": "http://shop.example"})
    assert (ours.status_code, ours.text) == (200, "ok")
    assert ours.headers["access-control-allow-credentials"] == "true"
    assert ours.headers["access-control-allow-origin"] == "http://shop.example"
    wrong = delivered.post(path, {"schema": "iglu:x/y/jsonschema/1-0-0", "data": []})
    assert wrong.status_code == 400


LOG = """
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { OTLPLogExporter as Json } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as Proto } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
const Exporter = process.env.KIND == 'json' ? Json : Proto;
const exporter = new Exporter({
  url: process.env.HOST + '/v1/logs', headers: { authorization: 'Basic ' + btoa('app:') },
});
const provider = new LoggerProvider({
  resource: resourceFromAttributes({
    'service.name': process.env.SERVICE, 'service.version': '1.2', 'telemetry.sdk.name': 'otel',
  }),
  processors: [new SimpleLogRecordProcessor(exporter)],
});
provider.getLogger('checkout').emit({
  severityNumber: 17, body: 'payment timed out', attributes: { elapsed_ms: 3004, gateway: 'toss' },
});
await provider.forceFlush();
await provider.shutdown();
"""


@pytest.mark.parametrize("kind", ["json", "protobuf"])
def test_otlp_of_node(delivered: RunningProduct, kind: str) -> None:
    """OpenTelemetry's own exporters deliver log records as JSON and as protobuf."""
    service = f"apply-api-{kind}"
    npm.run(LOG, KIND=kind, HOST=delivered.url, SERVICE=service)
    (row,) = arrived(delivered, f"JSONExtractString(properties, 'service') = '{service}'", 1)
    assert row["properties"] == {
        "service": service,
        "level": "error",
        "message": "payment timed out",
        "logger": "checkout",
        "release": "1.2",
        "attributes": {"elapsed_ms": 3004, "gateway": "toss"},
    }
    assert (row["event_name"], row["release"], row["source"]) == ("log_recorded", "1.2", "backend")
    assert row["payload"]["context"]["otlp"]["resource"]["telemetry.sdk.name"] == "otel"


@pytest.fixture
def handler(delivered: RunningProduct) -> Iterator[logging.Handler]:
    """Give a handler of Python's logging that exports through OpenTelemetry."""
    resource = Resource.create({"service.name": "python-api", "deployment.environment": "staging"})
    provider = LoggerProvider(resource=resource)
    exporter = OTLPLogExporter(
        endpoint=f"{delivered.url}/v1/logs", headers={"authorization": "Basic YXBwOg=="}
    )
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    yield LoggingHandler(logger_provider=provider)
    provider.shutdown()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_otlp_of_python(delivered: RunningProduct, request: pytest.FixtureRequest) -> None:
    """Python's logging reaches the warehouse through OpenTelemetry, with the key as Basic user."""
    logger = logging.getLogger("checkout")
    logger.addHandler(request.getfixturevalue("handler"))
    logger.warning("slow answer", extra={"elapsed_ms": 12})
    (row,) = arrived(delivered, "JSONExtractString(properties, 'service') = 'python-api'", 1)
    assert row["properties"]["level"] == "warn"
    assert row["properties"]["message"] == "slow answer"
    assert row["properties"]["environment"] == "staging"
    assert row["properties"]["attributes"]["elapsed_ms"] == 12


def test_nothing_else_was_refused(delivered: RunningProduct) -> None:
    """Of all that the trackers sent only what the tests meant to was rejected."""
    assert {row["sent_name"] for row in refused(delivered)} <= {"guide_opened", ""}
