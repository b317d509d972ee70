// Looks at a page of the readiness report in a real browser, and prints what it saw as JSON.
"use strict";
const fs = require("fs");
const puppeteer = require("puppeteer-core");

async function main(chromium, page_file, pdf_file) {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage();
  const seen = { errors: [], requests: [], overflow: {}, violations: {}, steps: {} };
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith("file:")) seen.requests.push(request.url()); });
  const address = "file://" + page_file;
  const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 800, 390]) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.goto(address);
      seen.overflow[`${scheme} ${width}`] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; one.style.contentVisibility = "visible"; }));
      await page.evaluate(axe);
      const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
      seen.violations[`${scheme} ${width}`] = found.violations.map((one) => one.id);
    }
  }
  // Without smooth scrolling, what is clicked stands still.
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  await page.goto(address);
  const shown = () => page.evaluate(() => document.querySelectorAll("details.item:not([hidden])").length);
  seen.steps.all = await shown();
  await page.keyboard.press("/");
  await page.keyboard.type("cors");
  seen.steps.search = await shown();
  await page.keyboard.press("Escape");
  seen.steps.escape = await shown();
  await page.click('input[name=verdict][value="not met"]');
  seen.steps.without_not_met = await shown();
  await page.select("select[name=category]", "Security");
  seen.steps.security = await shown();
  await page.click("button[type=reset]");
  await page.waitForFunction(() => !document.querySelector("details.item[hidden]"));
  seen.steps.reset = await shown();
  await page.click('a[data-only="not met"]');
  seen.steps.tile = [await shown(), await page.evaluate(() => document.querySelectorAll("details.item.not-met").length)];
  await page.click("button[type=reset]");
  await page.waitForFunction(() => !document.querySelector("details.item[hidden]"));
  await page.focus("details.item summary");
  const open = () => page.evaluate(() => document.activeElement.parentElement.open);
  const before = await open();
  await page.keyboard.press("Enter");
  seen.steps.enter_folds = before !== (await open());
  await page.goto(address + "#backups");
  seen.steps.permalink_opens = await page.evaluate(() => document.getElementById("backups").open);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  seen.steps.permalink_top = await page.evaluate(() => document.getElementById("backups").getBoundingClientRect().top);
  await page.setJavaScriptEnabled(false);
  await page.goto(address);
  seen.steps.without_scripts = await page.evaluate(() => [getComputedStyle(document.getElementById("filters")).display, document.querySelectorAll("details.item").length]);
  await page.setJavaScriptEnabled(true);
  await page.goto(address);
  await page.pdf({ path: pdf_file, format: "A4" });
  seen.title = await page.title();
  await browser.close();
  console.log(JSON.stringify(seen));
}

main(...process.argv.slice(2)).catch((error) => { console.error(error); process.exit(1); });
