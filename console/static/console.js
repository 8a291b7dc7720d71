// Copy buttons, the shortcut of the editor, and the live tail. Pages work without it but for the tail.
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const text = button.closest("details").querySelector("code").textContent;
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.done;
  });
}

const query = document.getElementById("query");
query?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) query.form.requestSubmit();
});

const list = document.getElementById("live");
if (list) {
  const MOST = 300;
  const pause = document.getElementById("pause");
  const waiting = document.getElementById("waiting");
  let going = true;

  const part = (name, text, kind) => {
    const element = document.createElement(name);
    element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  const show = (event) => {
    const item = document.createElement("li");
    if (event.reason) item.className = "rejected";
    item.append(part("time", event.received_at), " ");
    item.append(part("strong", event.event || "–"), " ");
    item.append(part("span", `${event.source} ${event.release} ${event.page}`), " ");
    if (event.reason) {
      item.append(part("span", event.reason, "state bad"), " ");
      item.append(part("code", event.path, "bad"), " ", part("span", event.detail));
    }
    item.append(part("pre", event.properties));
    list.prepend(item);
    while (list.children.length > MOST) list.lastElementChild.remove();
  };

  const stream = new EventSource(list.dataset.stream);
  stream.onmessage = (message) => {
    if (!going) return;
    waiting.hidden = true;
    show(JSON.parse(message.data));
  };
  pause.addEventListener("click", () => {
    going = !going;
    pause.textContent = going ? pause.dataset.on : pause.dataset.off;
  });
  document.getElementById("only-bad").addEventListener("change", (event) => {
    list.classList.toggle("only-bad", event.target.checked);
  });
}
