// Experiments: which variant a unit gets, switching the blocks of a page, and who was shown what.
// The collector ends this file with fhTag.experiments([…]), the experiments that run today, each as
// {experiment, unit, seed, variants: [[variant, low, high], …]}, the control first.
(() => {
  const win = window, doc = document;
  const kit = win.fhTag;
  const { data, safe, touch, remember, track, asked, now: state } = kit;
  const me = () => state().me;
  const HIDDEN_MS = 300; // as long as the style of the snippet hides blocks

  const fnv1a = (text) => {
    let value = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
    return value >>> 0;
  };
  // GrowthBook's hash, version 2: a place in [0, 1).
  const placeOf = (seed, unit) => fnv1a(String(fnv1a(seed + unit))) % 1e4 / 1e4;
  const drawn = ({ seed, variants }, unit) => {
    const place = placeOf(seed, unit);
    return variants.find(([, low, high]) => low <= place && place < high)?.[0];
  };

  let known;
  const done = new WeakSet();
  // Without consent nobody is known again, so nobody takes part. Who has a variant keeps it.
  const chosen = (definition) => {
    if (state().level < 2) return undefined;
    touch();
    const { experiment, unit, variants } = definition;
    const id = { device: me().a, user: me().u, session: me().s }[unit];
    if (!id) return undefined;
    const before = me().v?.[experiment];
    if (before?.[1] == id && variants.some(([variant]) => variant == before[0])) return before[0];
    const variant = drawn(definition, id);
    if (variant) remember({ v: { ...me().v, [experiment]: [variant, id] } });
    return variant;
  };
  const expose = (experiment) => {
    touch();
    const [variant, id, told] = me().v[experiment];
    if (told) return;
    remember({ v: { ...me().v, [experiment]: [variant, id, 1] } });
    track("experiment_viewed", { experiment_id: experiment, variation_id: variant });
  };

  // Whether a switch goes unseen: what it replaces is still hidden, or nothing is painted yet.
  const inTime = (blocks, fresh) => {
    const shown = blocks.filter((block) => !block.hidden);
    if (shown[0]) return shown.some((block) => block.getAnimations().length);
    const [paint] = performance.getEntriesByType("paint");
    return fresh || !paint || performance.now() - paint.startTime < HIDDEN_MS;
  };
  const dressOne = (definition, blocks, fresh) => {
    const { experiment, variants } = definition;
    const nameOf = (block) => block.dataset.variant.slice(experiment.length + 1);
    const own = blocks.filter((block) => block.dataset.variant.startsWith(experiment + ":"));
    const variant = own[0] && chosen(definition);
    if (!variant) return;
    if (!inTime(own, fresh)) {
      track("log_recorded", { service: location.hostname, level: "warn", message: "Experiment timed out", attributes: { experiment } });
      return;
    }
    for (const block of own) block.hidden = nameOf(block) != variant;
    const place = own.find((block) => !block.hidden);
    const each = variants.every(([name]) => own.some((block) => nameOf(block) == name));
    if (place && each) watch(place, safe(() => expose(experiment)));
    else expose(experiment); // some variant is nothing to be seen: whoever opens the page was shown theirs
  };
  const watch = (place, tell) => {
    if (!kit.eyes) return void setTimeout(watch, 50, place, tell);
    kit.seers.set(place, tell);
    kit.eyes.unobserve(place);
    kit.eyes.observe(place);
  };
  kit.dress = (fresh) => {
    const blocks = [...doc.querySelectorAll("[data-variant]")].filter((block) => !done.has(block));
    for (const definition of blocks[0] ? known : []) safe(dressOne)(definition, blocks, fresh);
    for (const block of blocks) {
      done.add(block);
      block.style.animation = "none";
    }
  };
  kit.variant = (experiment, answer) => {
    const definition = known.find((one) => one.experiment == experiment);
    const variant = (definition && chosen(definition)) || null;
    if (variant) expose(experiment);
    answer?.(variant);
    return variant;
  };
  kit.experiments = safe((served) => {
    known = safe(JSON.parse)(data.experiments || 0) || served;
    kit.drawn = drawn;
    kit.dress();
    for (const ask of asked) {
      const { experiment, answer } = ask;
      if (answer === null) continue; // it was told that there is none
      ask.answer = null;
      safe(kit.variant)(experiment, answer);
    }
  });
})();
