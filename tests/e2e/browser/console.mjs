// Does in a real browser what a person does in the console. Words: what to do, then name=value.
import { createRequire } from "node:module";
import { join } from "node:path";

const [task, ...words] = process.argv.slice(2);
const given = Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
const { chromium } = createRequire(join(process.env.BROWSER_FOLDER, "package.json"))("playwright-core");
const patience = 15000;

const check = (holds, words) => {
  if (!holds) throw new Error(words);
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// A window of its own; whatever its pages complain of is a fault, a broken content policy too.
const complaints = [];
const open = async (options) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("422")) complaints.push(message.text());
  });
  return page;
};

const signIn = async (page) => {
  await page.goto(given.console);
  check(new URL(page.url()).pathname === "/sign-in", `a stranger is at ${page.url()}`);
  await page.getByRole("link", { name: "Sign in with demo" }).click();
  if (given.person) await page.getByRole("button", { name: given.person }).click();
  await page.waitForURL((url) => url.href.startsWith(given.console) && !url.pathname.startsWith("/sign-in"));
};

const cookies = async (page) => (await page.context().cookies()).filter((cookie) => cookie.name.startsWith("gatewright"));

const shoot = async (page, name) => {
  if (!given.shots) return;
  for (const [width, height, size] of [[1280, 900, "desktop"], [390, 844, "phone"]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      check(sideways <= 0, `${name} scrolls sideways on a ${size} by ${sideways}`);
      await page.screenshot({ path: join(given.shots, `${name}-${size}-${colorScheme}.png`) });
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
};

// Labels, names and contrast of everything on a page that somebody can use.
const usable = async (page) => {
  const faults = await page.evaluate(() => {
    const faults = [];
    for (const field of document.querySelectorAll("input:not([type=hidden]), textarea, select")) {
      if (field.labels.length === 0) faults.push(`no label: ${field.outerHTML}`);
    }
    for (const control of document.querySelectorAll("a, button")) {
      if (!(control.getAttribute("aria-label") ?? control.textContent).trim()) faults.push(`no name: ${control.outerHTML}`);
    }
    const channels = (text) => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
      const part = (value) => { const share = value / 255; return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4; };
      return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = channels(getComputedStyle(at).backgroundColor);
        if (colour.length < 4 || colour[3] > 0.99) return colour;
      }
      return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || element.closest("script, .skip, .hidden, noscript") || element.getClientRects().length === 0) continue;
      const [one, other] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(1)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
    }
    if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
    return faults;
  });
  check(faults.length === 0, `${page.url()}: ${faults.join("; ")}`);
};

const look = async (page, name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await usable(page);
  }
  await shoot(page, name);
};

// Approves one and denies another.
const decide = async (javaScriptEnabled) => {
  const page = await open({ javaScriptEnabled });
  await signIn(page);
  // Without script a page cannot be asked about itself.
  const seen = javaScriptEnabled ? look : async () => {};
  await seen(page, "home");
  await page.getByRole("link", { name: "Approvals" }).first().click();
  await seen(page, "approvals");
  const other = javaScriptEnabled ? await page.context().newPage() : undefined;
  if (other) {
    await other.goto(`${given.console}/approvals`);
    await other.locator(`#to-${given.approve}`).waitFor();
    await page.bringToFront();
  }

  await page.locator(`#to-${given.approve}`).click();
  await page.getByRole("heading", { level: 1, name: given.who }).waitFor();
  check((await page.locator(".runs mark").first().textContent()) === given.marked, "what was matched is not marked");
  await seen(page, "approval");
  if (given.tokens) {
    await page.locator("summary").click();
    await page.getByLabel("At most so many tokens").fill(given.tokens);
  }
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Approved. The caller").waitFor();
  await seen(page, "approved");

  await page.goto(`${given.console}/approvals/${given.deny}`);
  await page.getByRole("button", { name: "Deny" }).click();
  if (javaScriptEnabled) {
    check(await page.evaluate(() => document.activeElement.id === "reason"), "the reason is not asked for");
  } else {
    await page.getByRole("alert").waitFor();
  }
  await page.getByLabel("Reason").fill(given.reason);
  // By keyboard alone, as somebody without a mouse does.
  for (let tries = 0; tries < 8; tries += 1) {
    await page.keyboard.press("Tab");
    if ((await page.locator("button[value=deny]:focus").count()) === 1) break;
  }
  await page.keyboard.press("Enter");
  await page.getByText("Denied. The caller").waitFor();
  await seen(page, "denied");

  if (other) {
    await other.bringToFront();
    await other.locator("li.card", { has: other.locator(`#to-${given.approve}`) }).waitFor({ state: "detached", timeout: 25000 });
  }
  await page.bringToFront();
  const access = page.getByRole("link", { name: "Access" });
  await access.click();
  await seen(page, "access");
};

// Asks for a role for a time.
const ask = async (javaScriptEnabled) => {
  const page = await open({ javaScriptEnabled });
  await signIn(page);
  await page.getByRole("link", { name: "Access", exact: true }).click();
  await page.getByLabel("Role", { exact: true }).selectOption(given.role);
  await page.getByLabel("For how many minutes").fill("20");
  await page.getByLabel("Why").fill(given.reason);
  if (javaScriptEnabled) await look(page, "access-ask");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByText("Asked. Those who decide").waitFor();
  check((await page.getByRole("button", { name: "Approve", exact: true }).count()) === 0, "one could approve one's own wish");
};

// Lends a role that is asked for, sees it, and takes it back.
const lend = async (javaScriptEnabled) => {
  const page = await open({ javaScriptEnabled });
  await signIn(page);
  const seen = javaScriptEnabled ? look : async () => {};
  const places = async () => page.getByRole("link", { name: "Access", exact: true }).click();
  await seen(page, "home-glass");
  await places();
  await seen(page, "access-asked");
  check((await page.locator("#grants li").first().textContent()).includes("Break glass"), "what nobody approved is not first");
  await page.locator(`#to-${given.approve}`).click();
  await seen(page, "access-wish");
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Approved. The role counts").waitFor();
  await places();
  await seen(page, "access-lent");
  const end = page.getByRole("button", { name: `End ${given.role} for alice now` });
  await end.click();
  await page.getByText("Ended. What depended on it was cut.").waitFor();
  check((await end.count()) === 0, "it can be ended twice");
  await seen(page, "access-ended");
};

// Refuses one.
const refuse = async (javaScriptEnabled) => {
  const page = await open({ javaScriptEnabled });
  await signIn(page);
  await page.goto(`${given.console}/approvals/${given.deny}`);
  await page.getByLabel("Reason").fill(given.reason);
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("Denied. Whoever asked").waitFor();
};

// Signs in and out again at the real provider.
const session = async (javaScriptEnabled) => {
  const page = await open({ javaScriptEnabled });
  await page.goto(given.console);
  if (javaScriptEnabled) await look(page, "sign-in");
  await signIn(page);
  await page.getByRole("heading", { level: 1, name: given.name }).waitFor();
  const kept = await cookies(page);
  check(kept.length >= 1 && kept.every((cookie) => cookie.httpOnly && cookie.sameSite === "Lax"), JSON.stringify(kept));
  check(javaScriptEnabled === false || (await page.evaluate(() => document.cookie)) === "", "a script can read the session");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  check((await cookies(page)).length === 0, "something is left of the session");
  await page.context().addCookies(kept);
  await page.goto(given.console);
  check(new URL(page.url()).pathname === "/sign-in", "a copy of the session's cookie still counts");
};

try {
  const tasks = { ask, decide, lend, refuse, session };
  await tasks[task](given.script !== "off");
  check(complaints.length === 0, complaints.join("; "));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
