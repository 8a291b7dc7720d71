// The browser tag: sees what a visitor does on a page and hands it to the collector that served it.
// A page gets it minified. What can wait stands in parts beside it, which it loads itself: watch.js
// at once; links.js, experiments.js and panel.js (QA mode) where a page needs them.
(() => {
  const win = window, doc = document, page = location;
  const script = doc.currentScript;
  if (!script || win.fhTag) return; // a second copy leaves everything to the first
  const data = script.dataset;
  const name = data.name || "funnelhouse";
  const stub = win[name] || [];

  // ---- The page goes on, whatever happens here ----

  const safe = (work) => (...given) => {
    try { return work(...given); } catch { /* what cannot be seen is not sent */ }
  };
  const on = (target, types, work) => types.split(" ").forEach((type) =>
    target.addEventListener(type, safe(work), { capture: true, passive: true }));
  const wants = (feature) => !RegExp("\\b" + feature + "\\b").test(data.off);
  const now = () => Math.round(performance.now()); // no page can freeze this clock
  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => (byte + 256).toString(16).slice(1)).join("");
  // No task is long: what a page need not wait for goes in steps, each a task of its own.
  const steps = [];
  const step = safe(() => steps.shift()());
  const inTurn = (...more) => steps.push(...more) && more.forEach(() => setTimeout(step));
  const pause = () => doc.hidden || new Promise((done) => setTimeout(done));
  const part = (file, then) => {
    if (parts[file]) return;
    const element = parts[file] = doc.createElement("script");
    element.onload = element.onerror = then;
    element.src = script.src.replace("/tag.js", "/tag/" + file + ".js");
    element.nonce = script.nonce;
    doc.head.append(element);
  };
  const parts = {};

  // ---- Privacy: what may be kept, and what must not leave the page ----

  const PRIVATE = RegExp([
    /[^\s=@/]+(@|%40)[^\s@]+\.\w+/.source, // e-mail addresses
    /=[ +]*(0|82|\d+[ -])[\d ().-]{7,}$|\d{2,4}[-. )]+\d{3,4}[-. ]\d{4}\b/.source, // phones
    // tokens, but for the click ids of advertisers
    /^(?!utm_|napm|n_ad|li_fat|\w*(cl?k?id|braid)=)(\w*(token|secret|passw|pwd|jwt|api_?key|signature)|(code|state)=.{16}|.*(eyJ\w+\.|=[\w.~+/-]{32,}=*$))/.source,
  ].join("|"), "i");
  const plain = (text) => safe(decodeURIComponent)(text.replace(/\+/g, " ")) ?? text;
  const cleaned = {};
  const clean = (url) => cleaned[url] ??= url.replace(/([?&#])([^?&#]+)/g, (found, mark, pair) =>
    (PRIVATE.test(plain(pair)) ? mark : found)).slice(0, 2048);

  const read = safe((key) => localStorage[key]);
  const keep = safe((key, text) => localStorage[key] = text);
  const drop = safe((key) => delete localStorage[key]);
  const cookie = safe((text, age) => doc.cookie = "fh=" + text + ";path=/;samesite=lax;max-age=" + age
    + (data.domain ? ";domain=" + data.domain : "") + (page.protocol[4] == "s" ? ";secure" : ""));
  const parsed = safe(JSON.parse);

  // 0 sends nothing, 1 keeps nothing, 2 keeps ids and the queue. The strictest of all counts.
  const levelOf = (mode) => ({ denied: 0, anonymous: 1 })[mode] ?? 2;
  const levelNow = () => Math.min(
    levelOf(read("fhc") || data.consent),
    levelOf(navigator.globalPrivacyControl && (data.gpc || "anonymous")),
    levelOf(navigator.doNotTrack == 1 && data.dnt),
  );
  let level;

  // ---- Who is here, in one small object: cookie first, localStorage behind it ----
  // a: anonymous id, u: user id, g: group, s: session, t: last seen, e: entry, v: variants

  let me = {}, recalled;
  const recall = (age = 2e3) => {
    if (level < 2 || now() - recalled < age) return;
    const found = /\bfh=([^;]*)/.exec(safe(() => doc.cookie)());
    // 0 where nothing is kept: an exception takes longer than all the rest of a start.
    me = [found && parsed(plain(found[1])), parsed(read("fh") || 0)]
      .filter((one) => one?.a).sort((one, other) => other.t - one.t)[0] || me;
    recalled = now();
  };
  const remember = (changes) => {
    recall(50);
    Object.assign(me, changes);
    if (level < 2) return;
    const text = JSON.stringify(me);
    keep("fh", text);
    cookie(encodeURIComponent(text), 34e6);
  };
  const forget = () => {
    me = {};
    drop("fh");
    cookie("", 0);
  };
  const campaignNow = () => {
    let found;
    clean(page.search).replace(/utm_(\w+)=([^&]*)/g, (_, field, value) =>
      (found ||= {})[field == "campaign" ? "name" : field] = plain(value));
    return found;
  };
  const touch = (anew) => {
    recall();
    const t = Date.now();
    if (!(t - me.t < 18e5)) { // half an hour without anything ends a session
      remember({ t, a: me.a || newId(), s: newId(), e: { campaign: campaignNow(), referrer: referrer.slice(0, 200) } });
    } else if (anew) remember({ t });
    else if (Math.abs(t - me.t) > 5e3) {
      me.t = t;
      inTurn(() => touch(1)); // writing it takes longer than the event does
    }
  };

  // ---- Delivery: an event is an entry of the store until the collector has answered for it ----

  const waiting = new Map(); // this page's events without an answer
  const stored = new Set(), beaconed = new Set();
  let target, timer, failures = 0, failure, heldUp;
  let run, watched; // what the panel shows

  const kept = () => safe(() => Object.keys(localStorage).filter((key) => /^fhq/.test(key)))() || [];
  const store = (event) => {
    const key = "fhq" + event.messageId, text = JSON.stringify(event);
    waiting.set(key, text);
    if (level > 1 && keep(key, text)) stored.add(key);
  };
  const gone = (key) => {
    waiting.delete(key);
    stored.delete(key);
    drop(key);
  };
  const schedule = (delay) => timer ||= setTimeout(deliver, delay);
  const batchOf = (entries) => {
    kit.settle?.();
    const keys = [], texts = [];
    let room = 2e4; // characters: browsers let 64 KiB be under way when a page ends
    for (const [key, text] of entries) {
      if (stored.has(key) && !read(key)) gone(key); // it has had its answer in another tab
      else if ((room -= text.length) < 0 && keys[0]) break;
      else keys.push(key), texts.push(text);
    }
    return keys[0] && [keys, JSON.stringify({ sentAt: new Date().toISOString(), context }).replace(/}$/, ',"batch":[' + texts + "]}")];
  };
  const post = async () => {
    for (let next; next = batchOf(waiting);) {
      await pause();
      if (heldUp > 0 || !level) return; // a pause was asked for meanwhile
      let status, answer, after;
      try {
        const response = await fetch(target, { method: "POST", body: next[1], keepalive: true });
        status = response.status;
        after = response.headers.get("retry-after");
        answer = await response.json();
      } catch (error) {
        status = error;
      }
      // What is refused for good goes, all else is sent again.
      if (!(status < 500) || /40[138]|429/.test(status)) {
        failure = String(status);
        heldUp = +after * 1e3 || Date.parse(after) - Date.now();
        const delay = heldUp > 0 ? heldUp : Math.min(2 ** failures++ * 1e3, 3e5) * (1 - Math.random() / 2);
        keep("fhw", Date.now() + delay);
        clearTimeout(timer);
        timer = setTimeout(deliver, delay);
        return;
      }
      for (const key of next[0]) gone(key), waiting.size % 8 || await pause();
      watched?.push({ keys: next[0], answer, status });
      kit.told?.(answer, failures, failure);
      failures = 0;
    }
  };
  const deliver = () => {
    timer = heldUp = 0;
    navigator.locks?.request("fh", post).catch(post) || post(); // one tab at a time
  };
  const beacon = () => {
    for (let next; !(heldUp > 0) && level; next[0].forEach((key) => beaconed.add(key))) {
      next = batchOf([...waiting].reverse().filter(([key]) => !beaconed.has(key)));
      if (!next || !navigator.sendBeacon(target, next[1])) return;
    }
  };

  // ---- Events ----

  // As JSON without cycles, functions, elements and megabytes.
  const tidy = (value) => {
    const above = [];
    const text = safe(JSON.stringify)(value, function (key, item) {
      while (above[0] && above[0] !== this) above.shift();
      if (typeof item == "bigint") return item + "";
      if (typeof item == "string") return item.slice(0, 8e3).toWellFormed?.() ?? item.slice(0, 8e3);
      if (Object(item) === item) {
        if (above.includes(item) || above[20] || item.nodeType) return;
        above.unshift(item);
      }
      return item;
    });
    return text?.length < 9e3 ? parsed(text) : value && { unsent: text ? text.length : "unreadable" };
  };
  // data-cta-card-holder="true" is {card_holder: true}
  const marks = (dataset, prefix) => {
    const found = {};
    for (const key in dataset) {
      const field = key.startsWith(prefix) && key.slice(prefix.length);
      const value = dataset[key];
      if (/^[A-Z]/.test(field)) found[field.replace(/\B[A-Z]/g, "_$&").toLowerCase()] = value == "true" || (value != "false" && value);
    }
    return found;
  };
  const context = {
    library: { name: "funnelhouse.js", version: "1.0.0" },
  };
  const here = () => ({ url: clean(page.href), path: page.pathname, referrer, title: doc.title.slice(0, 500) });
  const send = (type, fields, options) => {
    if (!level) return;
    touch();
    const event = {
      type,
      messageId: newId(),
      timestamp: new Date().toISOString(),
      anonymousId: me.a,
      userId: me.u,
      ...fields,
      context: {
        page: here(),
        sessionId: me.s,
        groupId: me.g,
        campaign: campaignNow() || me.e?.campaign,
        entry: me.e,
        run,
        ...tidy(options?.context),
      },
    };
    store(event);
    watched?.push({ event });
    schedule(run ? 9 : 1e3);
    return event;
  };
  const track = (event, properties, options) =>
    send("track", { event, properties: { ...everywhere, ...tidy(properties) } }, options);

  // ---- One view of a page ----

  let everywhere, referrer, view, lastActive, address, visible = !doc.hidden, byHand = stub.some?.(([call]) => call == "page");
  const starting = [], leaving = []; // what parts do when a view begins and ends
  const addressNow = () => page.pathname + page.search + (/^#[/!]/.test(page.hash) ? page.hash : "");
  const first = () => !byHand && wants("page") && {};
  const begin = (fields, properties, options) => {
    view = { at: lastActive = now(), engaged: 0, told: 0, depth: 0, seen: {} };
    address = addressNow();
    if (fields) send("page", { ...fields, properties: { ...here(), ...everywhere, ...tidy(properties) } }, options);
    starting.forEach((work) => work());
  };
  const active = () => {
    const at = now();
    if (visible) view.engaged += Math.min(at - lastActive, 3e4); // longer than this nobody sits still
    lastActive = at;
    if (view.engaged - view.told >= 3e4) tellEngaged();
  };
  const tellEngaged = () => {
    const engaged_ms = view.engaged - view.told;
    view.told = view.engaged;
    if (engaged_ms && wants("engaged")) track("engaged_time", { engaged_ms, total_ms: now() - view.at, max_scroll: view.depth });
  };
  const leave = (trigger) => {
    while (steps[0]) step(); // what was said by now is kept
    if (!view.left) {
      active();
      tellEngaged();
      if (wants("left")) track("page_left", { engaged_ms: view.engaged, max_scroll: view.depth, trigger });
      view.left = 1;
    }
    leaving.forEach((work) => work(trigger));
    if (trigger == "navigation") return;
    visible = false;
    beacon();
  };
  const comeBack = () => {
    visible = true;
    view.left = 0;
    lastActive = now();
    beaconed.clear();
    if (waiting.size) schedule(1e3);
  };
  const moved = (replaced) => {
    if (byHand || addressNow() == address) return;
    if (replaced && page.pathname == address.split(/[?#]/)[0]) return void (address = addressNow());
    turn();
    setTimeout(safe(begin), 0, {}); // routers set the title a moment later
  };
  const turn = () => {
    leave("navigation");
    if (address != addressNow()) referrer = clean(page.origin + address);
    address = addressNow();
  };

  // ---- By hand: the calls of analytics.js ----

  const isId = (value) => value && Object(value) !== value; // text or number
  const tell = (changes, ...call) => {
    touch();
    remember(changes);
    send(...call);
  };
  const asked = []; // calls of variant(), until the experiments are there
  const fh = {
    track: (...given) => (kit.convert || track)(...given),
    page(...given) {
      const [category, title] = given.filter(isId);
      const [properties, options] = given.filter((one) => typeof one == "object");
      if (view.named) turn();
      begin(title ? { category, name: title } : { name: category }, properties, options);
      view.named = 1;
    },
    identify: (id, ...rest) => (isId(id)
      ? tell({ u: String(id) }, "identify", { traits: tidy(rest[0]) }, rest[1])
      : tell({}, "identify", { traits: tidy(id) }, rest[0])),
    group: (groupId, traits, options) => tell({ g: groupId }, "group", { groupId, traits: tidy(traits) }, options),
    alias: (userId, previousId, options) => tell({}, "alias", { userId, previousId: previousId || me.u || me.a }, options),
    reset: forget,
    consent(chosen) {
      const before = level;
      drop("fhc");
      if (chosen) keep("fhc", chosen);
      level = levelNow();
      if (level < 2) {
        forget();
        kept().forEach(drop);
        stored.clear();
      } else {
        touch(1);
        waiting.forEach((text, key) => keep(key, text) && stored.add(key));
      }
      if (!level) waiting.clear();
      if (!before && level) begin(first());
    },
    variant(experiment, answer) {
      if (kit.variant) return kit.variant(experiment, answer);
      const ask = { experiment, answer };
      part("experiments");
      asked.push(ask);
      setTimeout(safe(() => ask.answer && ask.answer(ask.answer = null)), 300);
    },
    ready: (work) => setTimeout(work),
    user: () => (touch(), { id: () => me.u, anonymousId: () => me.a }),
  };
  const kit = win.fhTag = { fh, data, context, safe, on, wants, part, clean, touch, remember, now: () => ({ me, level, view }), track, store, waiting, marks, starting, leaving, asked };

  // ---- Start ----

  const start = () => inTurn(
    () => doc.querySelector("[data-variant]") && wants("experiments") && part("experiments"),
    () => part("watch"),
    () => run && part("panel"),
    recall,
    () => touch(1),
    () => begin(first()),
    listen,
  );
  const listen = () => {
    on(win, "pointermove pointerdown keydown touchstart scroll click", active);
    on(doc, "visibilitychange", () => (doc.hidden ? leave("hidden") : comeBack()));
    on(win, "pageshow", ({ persisted }) => {
      if (persisted) comeBack(), begin(first());
    });
    on(win, "online", () => heldUp > 0 || (clearTimeout(timer), deliver()));
    if (wants("page")) {
      for (const method of ["pushState", "replaceState"]) {
        const original = history[method];
        history[method] = function (...given) {
          const result = original.apply(this, given);
          safe(moved)(method[0] == "r");
          return result;
        };
      }
      on(win, "popstate", () => moved());
    }
    for (const call in fh) if (fh[call]?.call) fh[call] = safe(fh[call]);
    win[name] = win.funnelhouse = fh;
    stub.forEach?.(([call, ...given]) => fh[call]?.(...given));
    if (level > 1) {
      for (const key of kept()) {
        if (/^{"type.*}$/.test(read(key))) waiting.set(key, read(key)) && stored.add(key);
      }
      if (stored.size) schedule(Math.min(read("fhw") - Date.now(), 3e5) || 200);
    }
  };
  const wake = () => {
    const marked = data.link && /[?&]fh_link=/.test(page.search); // the ids are to be adopted first
    inTurn(
      kept, // the first use of a thing takes long: localStorage here, an expression there
      () => PRIVATE.test(),
      () => level = levelNow(),
      () => {
        referrer = clean(doc.referrer);
        target = script.src.replace(/tag\.js.*/, "v1/batch?writeKey=") + data.key;
        context.locale = navigator.language;
        context.timezone = win.Temporal?.Now.timeZoneId();
      },
      () => {
        everywhere = marks(data, "prop");
        const asked = /[?&]fh_run=([\w-]+)/.exec(page.search);
        if (asked) sessionStorage.fhr = asked[1];
        run = kit.run = sessionStorage.fhr;
        watched = fh.log = run && [];
      },
      () => data.link && part("links", marked && start),
      () => marked || start(),
    );
  };
  on(win, "pagehide", () => leave("pagehide"));
  inTurn(() => (doc.prerendering ? on(doc, "prerenderingchange", wake) : wake()));
})();
