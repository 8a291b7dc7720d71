import { test } from "./funnelhouse.js";

test("the landing page logs its view and the click on apply", async ({ page, funnelhouse }) => {
  await page.goto(process.env.LANDING_URL ?? "http://127.0.0.1:3000/");
  await page.getByRole("link", { name: "지원하기" }).click();
  await funnelhouse.expect("cta_clicked", { cta_id: "apply", product: "nbcamp" });
  await funnelhouse.sequence("page_viewed", "cta_clicked");
});
