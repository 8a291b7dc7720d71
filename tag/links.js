// Visits across domains: links and forms to the hosts of data-link carry the ids, and the tag there
// adopts them. The mark lives for two minutes and names its browser: it is no secret, but a link that
// was passed on is nobody's visit.
(() => {
  const win = window, doc = document, page = location;
  const kit = win.fhTag;
  const { data, run, safe, on, touch, remember, now: state } = kit;
  const MAX_AGE_MS = 12e4;
  const MARK = /[?&]fh_link=([^&#]*)/;

  const friends = data.link.split(/[ ,]+/).filter(Boolean);
  const isFriend = (host) => friends.some((pattern) =>
    (pattern[0] == "*" ? host.endsWith(pattern.slice(1)) : host == pattern));
  const sumOf = (text) => {
    let value = 0x811c9dc5; // FNV-1a
    for (const byte of new TextEncoder().encode(text + navigator.userAgent)) value = Math.imul(value ^ byte, 0x01000193);
    return (value >>> 0).toString(36);
  };
  const markNow = () => {
    touch();
    const text = [Date.now().toString(36), state().me.a, state().me.s].map(encodeURIComponent).join("*");
    return text + "*" + sumOf(text);
  };
  // The address with a mark, or nothing where it leads to no friend.
  const marked = (href) => {
    const url = new URL(href, doc.baseURI);
    if (state().level < 2 || url.hostname == page.hostname || !isFriend(url.hostname) || !/^http/.test(url.protocol)) return undefined;
    const kept = url.search.replace(MARK, "").replace(/[?&]fh_run=[^&]*/, "").replace(/^[?&]/, "");
    url.search = (kept && kept + "&") + "fh_link=" + markNow() + (run ? "&fh_run=" + run : "");
    return url.href;
  };
  const adopt = () => {
    const found = MARK.exec(page.search);
    if (!found) return;
    const kept = page.search.replace(MARK, "").replace(/^&/, "?");
    history.replaceState(history.state, "", page.pathname + kept + page.hash);
    const [time, anonymousId, sessionId, sum] = found[1].split("*");
    const age = Date.now() - parseInt(time, 36);
    if (sumOf([time, anonymousId, sessionId].join("*")) != sum || !(Math.abs(age) < MAX_AGE_MS) || state().level < 2) return;
    touch();
    remember({ a: decodeURIComponent(anonymousId), s: decodeURIComponent(sessionId), e: {} });
  };

  on(win, "click auxclick contextmenu", ({ target }) => {
    const link = target.closest("a[href]");
    const href = link && marked(link.getAttribute("href"));
    if (href) link.href = href;
  });
  on(win, "submit", ({ target: form, submitter }) => {
    const asked = submitter?.getAttribute("formaction") && submitter;
    const action = marked(asked ? asked.getAttribute("formaction") : form.getAttribute("action") || page.href);
    if (!action) return;
    if (form.method == "post") {
      if (asked) asked.setAttribute("formaction", action);
      else form.setAttribute("action", action);
      return;
    }
    // The query of a GET form's action is thrown away: what should arrive must be a field.
    for (const [name, value] of new URL(action).searchParams) {
      if (!/^fh_/.test(name)) continue;
      const field = form.querySelector("[name=" + name + "]") || form.appendChild(doc.createElement("input"));
      Object.assign(field, { type: "hidden", name, value });
    }
  });
  const open = win.open;
  win.open = function (url, ...more) {
    return open.call(this, (url && safe(marked)(url)) || url, ...more);
  };
  kit.isFriend = isFriend;
  safe(adopt)();
})();
