// What the tag sees of itself: calls to action, sections, scroll depth, forms, links, pixels, errors.
// The first part that funnelhouse.js loads on every page.
(() => {
  const win = window, doc = document, page = location;
  const kit = win.fhTag;
  const { data, safe, on, wants, clean, track, store, waiting, marks, starting, leaving, part } = kit;
  const view = () => kit.now().view;
  const now = () => Math.round(performance.now());
  const all = (selector) => [...doc.querySelectorAll(selector)];
  const once = (...key) => !view().seen[key] && (view().seen[key] = 1);

  // ---- A conversion says of the advertisers' pixels whether they are there, and were called beside it ----

  const calls = {};
  const spy = safe((pixel) => {
    const work = win[pixel];
    if (!work?.call || work.fh) return;
    work.fh = 1;
    win[pixel] = new Proxy(work, {
      apply(_, self, given) {
        calls[pixel] = now();
        return work.apply(self, given);
      },
    });
  });
  const spies = () => ["fbq", "gtag"].forEach(spy);
  const unsettled = new Set();
  const convert = (name, properties, options) => {
    if (!wants("pixels")) return track(name, properties, options);
    spies();
    const at = now();
    const stateOf = (pixel) => (win[pixel] ? (calls[pixel] > at - 1e3 ? "called" : "silent") : "absent");
    const pixelsNow = () => ({ fbq: stateOf("fbq"), gtag: stateOf("gtag") });
    const event = track(name, properties, { ...options, context: { ...options?.context, pixels: pixelsNow() } });
    if (!event) return;
    const settle = safe(() => {
      event.context.pixels = pixelsNow();
      if (waiting.has("fhq" + event.messageId)) store(event);
      unsettled.delete(settle);
    });
    unsettled.add(settle);
    setTimeout(settle, 500);
  };

  // Where Temporal does not tell it, the timezone costs the first to ask tens of milliseconds.
  if (!kit.context.timezone) {
    (win.requestIdleCallback || setTimeout)(safe(() => {
      kit.context.timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    }));
  }

  // ---- What goes wrong, sampled ----

  let logs = 5;
  const sampled = Math.random() < (data.sample ?? 0.1);
  const log = (level, message, attributes) => {
    if (wants("errors") && sampled && logs-- > 0) {
      track("log_recorded", { service: page.hostname, level, message: message.replace(/[^\s=@/]+@[^\s@]+\.\w+/g, "…"), attributes });
    }
  };
  // What the collector answered in the end, after how many failures and which last.
  const told = (answer, times, failure) => {
    const inDevelopment = kit.run || /^(localhost|127)|\.test$/.test(page.hostname);
    if (inDevelopment && (answer?.results || answer?.error)) console.warn(data.name || "funnelhouse", answer);
    if (times) log("warn", "Sending failed", { failure, times });
  };
  on(win, "error", ({ message, filename, lineno: line }) => message && log("error", message, { file: clean(filename), line }));
  on(win, "unhandledrejection", ({ reason }) => log("error", String(reason?.message || reason)));

  // ---- What comes into view ----

  const labelOf = (element) => element.textContent.trim().replace(/\s+/g, " ").slice(0, 200) || undefined;
  const ctaOf = (element) => ({ cta_id: element.dataset.cta, label: labelOf(element), ...marks(element.dataset, "cta") });
  const seers = new Map(); // what else to do when an element comes into view, once
  const timers = new Map();
  let sections; // as they stood when last looked for
  const stay = (element, visible_ratio, at) => timers.set(element, setTimeout(safe(() => {
    const { section } = element.dataset;
    if (doc.hidden) return stay(element, visible_ratio, at);
    if (once("section", section)) {
      const { name, ...more } = marks(element.dataset, "section");
      track("section_viewed", {
        section_id: section,
        section_name: name,
        section_index: sections.indexOf(element),
        visible_ratio,
        visible_ms: now() - at,
        ...more,
      });
    }
  }), 1e3));
  const see = ({ target: element, intersectionRatio, intersectionRect, rootBounds }) => {
    const visible_ratio = Math.round(intersectionRatio * 100) / 100;
    // What is taller than the screen is in view when it fills half of that.
    if (visible_ratio < 0.5 && !(intersectionRect.height && intersectionRect.height * 2 >= rootBounds?.height)) {
      clearTimeout(timers.get(element));
      timers.delete(element);
      return;
    }
    const { cta, section } = element.dataset;
    const shown = cta && wants("cta") && ctaOf(element);
    if (shown && once("cta", cta, shown.position, shown.branch)) track("cta_shown", { ...shown, visible_ratio });
    if (section && wants("section") && !timers.has(element)) stay(element, visible_ratio, now());
    seers.get(element)?.();
    seers.delete(element);
  };
  // A screen full of them is taken in slices, each a task of its own, so that none is long.
  const slowly = (work, slice_ms) => {
    const left = [];
    const slice = () => {
      const end = performance.now() + slice_ms;
      while (left[0] && performance.now() < end) safe(work)(left.shift());
      if (left[0]) setTimeout(slice);
    };
    return (items) => left.push(...items) == items.length && setTimeout(slice);
  };
  const eyes = new IntersectionObserver(slowly(see, 0.1), {
    threshold: [...Array(101).keys()].map((percent) => percent / 100),
  });
  // In small slices: what is observed together comes back together.
  const observe = slowly((element) => eyes.observe(element), 0.3);
  const scan = () => {
    sections = all("[data-section]");
    observe(all("[data-cta],[data-section]"));
  };

  // Depth is read where the browser has just laid the page out, never in the handler of a scroll.
  // The first time it is that of a page scrolled before this part came, or opened further down.
  let scrolled = doc;
  const ruler = new IntersectionObserver(safe(() => {
    ruler.disconnect();
    const { scrollTop, scrollHeight, clientHeight } = scrolled == doc ? doc.scrollingElement : scrolled;
    if (!scrollTop || clientHeight * 2 < win.innerHeight) return;
    const depth = Math.min(100, Math.round((scrollTop + clientHeight) / scrollHeight * 100));
    view().depth = Math.max(view().depth, depth);
    for (const mark of [25, 50, 75, 80, 90, 100]) {
      if (depth >= mark && wants("scroll") && once("depth", mark)) {
        track("scroll_depth_reached", {
          depth: mark, page_height: scrollHeight, viewport_height: clientHeight, elapsed_ms: now() - view().at,
        });
      }
    }
  }));
  on(win, "scroll", ({ target: box }) => {
    scrolled = box;
    ruler.observe(doc.documentElement);
  });
  ruler.observe(doc.documentElement);

  // ---- Clicks ----

  on(win, "click auxclick", ({ target: clicked, button }) => {
    const link = clicked.closest("a[href]");
    if (button && (button > 1 || !link)) return; // the middle button opens links alone
    const url = link && new URL(link.getAttribute("href"), doc.baseURI);
    const element = clicked.closest("[data-cta]");
    const target_url = url ? clean(url.href) : undefined;
    if (element && wants("cta")) convert("cta_clicked", { ...ctaOf(element), target_url });
    if (!/^http/.test(url?.protocol) || url.hostname == page.hostname || kit.isFriend?.(url.hostname)) return;
    if (wants("links")) {
      track("outbound_link_clicked", {
        target_url, target_host: url.hostname, label: labelOf(link), new_tab: !!button || link.target == "_blank",
      });
    }
  });

  // ---- Forms: names of fields, never values ----

  const nameOf = (field) => (field.name || field.id || "").slice(0, 100);
  const fieldsOf = (form) => [...form.querySelectorAll("input,select,textarea")]
    .filter((field) => nameOf(field) && !/hidden|submit|button/.test(field.type));
  const isFilled = (field) => (/checkbox|radio/.test(field.type) ? field.checked : !!field.value);
  const filledOf = (form) => [...new Set(fieldsOf(form).filter(isFilled).map(nameOf))];
  const completionOf = (form) => {
    const required = fieldsOf(form).filter((field) => field.required);
    return required[0] && Math.round(required.filter(isFilled).length / required.length * 100) / 100;
  };
  const identityOf = (form) => {
    const { name = form.getAttribute("name") || undefined, ...more } = marks(form.dataset, "form");
    const id = form.dataset.form || form.getAttribute("id") || name || "form-" + all("form").indexOf(form);
    return { form_id: id.slice(0, 100), form_name: name, ...more };
  };
  const forms = new Map();
  const stateOf = (form) => {
    if (!forms.has(form)) forms.set(form, { at: now(), attempts: 0, invalid: new Set() });
    return forms.get(form);
  };
  if (wants("forms")) {
    on(win, "input", ({ target: field }) => {
      const form = field.form;
      if (!form) return;
      const isNew = !forms.has(form), state = stateOf(form);
      state.last = nameOf(field);
      state.sent = 0;
      if (isNew) track("form_started", { ...identityOf(form), first_field: state.last, field_count: fieldsOf(form).length });
    });
    on(win, "invalid", ({ target: field }) => {
      const state = stateOf(field.form);
      state.invalid.add(nameOf(field));
      if (!state.refused) state.attempts++; // the fields of one attempt come in one turn
      state.refused ||= setTimeout(() => { state.refused = 0; });
    });
    on(win, "submit", ({ target: form }) => {
      const state = stateOf(form);
      state.sent = 1;
      state.attempts++;
      convert("form_submitted", {
        ...identityOf(form),
        filled_fields: filledOf(form),
        invalid_fields: [...state.invalid],
        attempts: state.attempts,
        duration_ms: now() - state.at,
      });
    });
  }

  // ---- Views of a page begin and end ----

  starting.push(() => {
    eyes.disconnect();
    timers.forEach(clearTimeout);
    timers.clear();
    scan();
    seers.forEach((_, element) => eyes.observe(element));
  });
  leaving.push((trigger) => {
    if (trigger != "hidden") { // who looks at another tab may come back to the form
      forms.forEach((state, form) => {
        if (!state.sent && state.last) {
          track("form_abandoned", {
            ...identityOf(form),
            last_field: state.last,
            filled_fields: filledOf(form),
            completion: completionOf(form),
            duration_ms: now() - state.at,
          });
        }
      });
      forms.clear();
    }
    kit.settle();
  });
  let soon;
  const lookForBlocks = () => wants("experiments") && doc.querySelector("[data-variant]") && part("experiments");
  new MutationObserver(safe((changes) => {
    changes.forEach(({ attributeName, target: element }) => attributeName && eyes.unobserve(element));
    lookForBlocks();
    kit.dress?.(true);
    soon ||= setTimeout(safe(() => {
      soon = 0;
      scan();
    }), 100);
  })).observe(doc, { subtree: true, childList: true, attributeFilter: ["data-cta", "data-cta-branch", "data-section"] });

  Object.assign(kit, { convert, told, eyes, seers, settle: () => unsettled.forEach((settle) => settle()) });
  lookForBlocks();
  on(win, "load", spies);
  setTimeout(() => spies() || scan());
})();
