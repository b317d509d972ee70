// Looks at a page about a fleet in a real browser, and prints what it saw as JSON. With a folder as the fourth argument: screenshots.
"use strict";
const fs = require("fs");
const puppeteer = require("puppeteer-core");

async function main(chromium, page_file, hostile_file, pictures) {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage();
  const seen = { errors: [], requests: [], overflow: {}, violations: {}, steps: {}, times: {} };
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith("file:")) seen.requests.push(request.url()); });
  const address = "file://" + page_file;
  const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.goto(address);
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
      seen.overflow[`${scheme} ${width}`] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (pictures) await page.screenshot({ path: `${pictures}/${scheme}-${width}.png`, fullPage: true });
      await page.evaluate(axe);
      const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
      seen.violations[`${scheme} ${width}`] = found.violations.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 200)}`);
    }
  }
  await page.setViewport({ width: 1280, height: 900 });
  const began = Date.now();
  await page.goto(address);
  const told = () => page.$eval("#told", (one) => one.textContent);
  seen.steps.all = await told();
  seen.times.load = Date.now() - began;
  seen.steps.rows = await page.$$eval("#table tbody tr", (all) => all.length);
  await page.keyboard.press("/");
  await page.keyboard.type("service-004");
  seen.times.search = await page.evaluate(() => {
    const search = document.querySelector("input[name=search]");
    const start = performance.now();
    search.value += "2";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.getBoundingClientRect();
    return performance.now() - start;
  });
  seen.steps.search = await told();
  await page.keyboard.press("Escape");
  seen.steps.escape = await told();
  await page.select("select[name=level]", "gold");
  seen.steps.level = await told();
  await page.click("button[type=reset]");
  await page.waitForFunction(() => !document.querySelector("select[name=level]").value);
  await page.evaluate(() => new Promise((done) => setTimeout(done, 50)));
  seen.steps.reset = await told();
  await page.click('a[data-level="gold"]');
  seen.steps.tile = await told();
  await page.click("button[type=reset]");
  await page.evaluate(() => new Promise((done) => setTimeout(done, 50)));
  await page.click("#table thead button");
  seen.steps.sorted = await page.$eval("#table tbody th", (one) => one.firstChild.textContent);
  await page.click("#after");
  seen.steps.next = await page.$eval("#page", (one) => one.textContent);
  if (pictures) await page.screenshot({ path: `${pictures}/table.png` });
  await page.goto("file://" + hostile_file);
  seen.evil_title = await page.title();
  await browser.close();
  console.log(JSON.stringify(seen));
}

main(...process.argv.slice(2)).catch((error) => { console.error(error); process.exit(1); });
