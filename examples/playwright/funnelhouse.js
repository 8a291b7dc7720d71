// A fixture for @playwright/test: every test gets a run of its own, whose events stand in no report,
// and waits for events without a sleep. FUNNELHOUSE_URL is the address of the warehouse process.
import { test as base, expect } from "@playwright/test";

const url = process.env.FUNNELHOUSE_URL ?? "http://127.0.0.1:8081";
const key = process.env.FUNNELHOUSE_KEY;

async function ask(path, asked) {
  const headers = { "content-type": "application/json" };
  if (key) headers.authorization = `Bearer ${key}`;
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(asked) });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

export const test = base.extend({
  funnelhouse: async ({ page }, use, info) => {
    const { run } = await ask("/qa/runs", { note: info.title });
    // Whatever the page sends to the collector names the run, whichever tracker it uses: requests by
    // a header, and beacons, which a page sends when it ends and no route sees, by their address.
    await page.route(/\/v1\//, (route) =>
      route.continue({ headers: { ...route.request().headers(), "x-funnelhouse-run": run } }),
    );
    await page.addInitScript((run) => {
      const send = navigator.sendBeacon.bind(navigator);
      navigator.sendBeacon = (address, body) => {
        const url = new URL(address, document.baseURI);
        if (url.pathname.includes("/v1/")) url.searchParams.set("fh_run", run);
        return send(url, body);
      };
    }, run);
    await use({
      run,
      async expect(event, properties = {}, more = {}) {
        const answer = await ask("/qa/expect", { run, event, properties, ...more });
        expect(answer.matched, `${event}: ${(answer.why ?? []).join("; ")}`).toBe(true);
        return answer.events.at(-1);
      },
      async sequence(...events) {
        const answer = await ask("/qa/sequence", { run, events });
        expect(answer.matched, `${answer.missing}: ${(answer.why ?? []).join("; ")}`).toBe(true);
        return answer.events;
      },
    });
    // The run ends by itself, within the hour: what the page sends when it is closed is its own too.
  },
});

export { expect };
