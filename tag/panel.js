// QA mode: a panel in the page with each event, the collector's verdict of it, and what the plan
// still expects here.
(() => {
  const doc = document, page = location;
  const { fh, run, script, safe } = window.fhTag;
  const api = script.src.replace(/\/tag\.js.*/, "");
  const host = doc.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  root.innerHTML = `<style>
    :host{all:initial;position:fixed;right:8px;bottom:8px;z-index:2147483647;font:12px/1.4 system-ui,sans-serif}
    section{width:320px;max-height:50vh;overflow:auto;background:#111;color:#eee;border-radius:6px;padding:8px}
    h1{font-size:12px;margin:0 0 4px}
    ol{margin:0;padding:0;list-style:none}
    li{padding:2px 0;border-top:1px solid #333;overflow-wrap:anywhere}
    .ok b{color:#7d7}.bad b{color:#f77}.wait b{color:#fd7}
  </style><section role="log" aria-label="funnelhouse"><h1></h1><ol id="expected"></ol><ol id="events"></ol></section>`;
  const [expected, events] = ["expected", "events"].map((id) => root.getElementById(id));
  root.querySelector("h1").textContent = "funnelhouse · run " + run;

  const rows = new Map();
  const write = (row, state, name, detail) => {
    row.className = state;
    row.replaceChildren(Object.assign(doc.createElement("b"), { textContent: { ok: "✓ ", bad: "✗ ", wait: "… " }[state] + name }), detail ? " " + detail : "");
  };
  const nameOf = (event) => event.event || event.type;
  const shown = (properties) => JSON.stringify(properties || {}).slice(0, 200);
  const showEvent = (event) => {
    const row = doc.createElement("li");
    rows.set(event.messageId, [row, event]);
    write(row, "wait", nameOf(event), shown(event.properties || event.traits));
    events.prepend(row);
  };
  const showAnswer = ({ keys, answer, status }) => keys.forEach((key) => {
    const id = key.slice(3);
    const [row, event] = rows.get(id) || [];
    const verdict = answer?.results?.[id] || answer?.error;
    if (!row) return;
    if (verdict) write(row, "bad", nameOf(event), [status, verdict.reason, verdict.path, verdict.detail].filter(Boolean).join(" · "));
    else write(row, "ok", nameOf(event), shown(event.properties || event.traits));
    expect();
  });
  const show = (entry) => (entry.event ? showEvent(entry.event) : showAnswer(entry));

  // [{event, seen}, …] of the page's coverage, where the collector knows the run
  let due;
  const expect = () => due ||= setTimeout(async () => {
    due = 0;
    const query = new URLSearchParams({ run, url: page.href });
    const answer = await fetch(api + "/tag/expected.json?" + query).then((response) => response.ok && response.text()).catch(() => 0);
    const list = safe(JSON.parse)(answer) || [];
    expected.replaceChildren(...list.map(({ event, seen }) => {
      const row = doc.createElement("li");
      write(row, seen ? "ok" : "wait", event, seen ? "" : "expected here");
      return row;
    }));
  }, 300);

  fh.log.push = (entry) => show(entry);
  fh.log.forEach(show);
  doc.documentElement.append(host);
  expect();
})();
