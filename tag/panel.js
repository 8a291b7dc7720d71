// QA mode: a panel in the page with each event, the collector's verdict of it, and what the plan
// still expects here. The collector ends this file with fhTag.panel([…]), what the plan expects, each
// as {event, properties, pages}, pages as LIKE patterns of host and path.
(() => {
  const doc = document, page = location;
  const { fh, run } = window.fhTag;
  const taken = []; // events that the collector accepted from this tab
  let planned = [];
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
    else {
      write(row, "ok", nameOf(event), shown(event.properties || event.traits));
      taken.push(event);
    }
    expect();
  });
  const show = (entry) => (entry.event ? showEvent(entry.event) : showAnswer(entry));

  // What the plan expects of this page and has not seen from this tab with all its properties.
  const matches = (pattern) => RegExp("^" + pattern
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/%/g, ".*").replace(/_/g, ".") + "$")
    .test(page.hostname + page.pathname);
  const nameIn = (plan) => (event) => (PLANNED[event.type] || event.event || "").replace(/[^\p{L}\p{N}]/gu, "").toLowerCase() == plan.replace(/_/g, "");
  const PLANNED = { page: "page_viewed", identify: "identified", group: "grouped", alias: "aliased" };
  const expect = () => {
    const here = planned.filter(({ pages }) => !pages.length || pages.some(matches));
    const missing = here.filter(({ event, properties }) => !taken.some((one) =>
      nameIn(event)(one) && properties.every((name) => (one.properties || one.traits || {})[name] != null)));
    expected.replaceChildren(...missing.map(({ event, properties }) => {
      const row = doc.createElement("li");
      write(row, "wait", event, ["expected here", ...properties].join(" · "));
      return row;
    }));
  };

  fh.log.push = (entry) => show(entry);
  fh.log.forEach(show);
  doc.documentElement.append(host);
  window.fhTag.panel = (expectations) => {
    planned = expectations;
    expect();
  };
})();
