// Everything here makes the page more pleasant; nothing here is needed to use it.

const announcer = document.getElementById("announcer");

function announce(text) {
  announcer.textContent = "";
  setTimeout(() => { announcer.textContent = text; }, 50);
}

async function pageAt(url, options) {
  const response = await fetch(url, { ...options, credentials: "same-origin" });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Puts what another page has under the same id in the place of an element. */
function swap(element, page) {
  const fresh = page.getElementById(element.id);
  if (!fresh || fresh.isEqualNode(element.pristine ?? element)) return null;
  const pristine = fresh.cloneNode(true);
  const node = document.importNode(fresh, true);
  element.replaceWith(node);
  node.pristine = pristine;
  return node;
}

/** Marks what is being fetched, in words where that takes longer; returns what takes it back. */
function working(element, text, place, after) {
  const said = document.createElement("p");
  said.className = "hint";
  said.textContent = text;
  element.setAttribute("aria-busy", "true");
  const timer = setTimeout(() => element[place](said), after);
  return () => { clearTimeout(timer); said.remove(); element.removeAttribute("aria-busy"); };
}

/** Keeps what has data-refresh up to date, for as long as it has it. */
function refresh(element) {
  element.pristine ??= element.cloneNode(true);
  const wait = Number(element.dataset.refresh);
  setTimeout(async () => {
    if (!element.isConnected) return;
    const isUsed = document.hidden || element.contains(document.activeElement);
    const done = isUsed ? null : working(element, "Looking again …", "append", 1000);
    try {
      const page = isUsed ? null : await pageAt(location.href);
      const node = page && swap(element, page);
      if (node) {
        prepare(node);
        if (element.dataset.announce && !node.dataset.announce) announce(element.dataset.announce);
        return;
      }
    } catch { /* The next round tries again. */ }
    done?.();
    refresh(element);
  }, wait);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    getSelection().selectAllChildren(source);
    document.execCommand("copy");
  }
  announce(`Copied ${button.dataset.label}.`);
  const label = button.firstChild;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
}

/** Shows the question of the page that a link leads to in a dialog. */
async function ask(link) {
  let question;
  try {
    question = (await pageAt(link.href)).getElementById("dialog");
  } catch { /* The link itself says what is wrong. */ }
  if (!question) { location.href = link.href; return; }
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  title.id = "question";
  title.append(...question.querySelector("h1").childNodes);
  question.querySelector("h1").replaceWith(title);
  dialog.setAttribute("aria-labelledby", "question");
  dialog.append(...question.childNodes);
  // The answer's links are relative to the page that was fetched.
  for (const form of dialog.querySelectorAll("form")) form.action = new URL(form.getAttribute("action"), link.href);
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) { event.preventDefault(); dialog.close(); }
  });
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  document.body.append(dialog);
  prepare(dialog);
  dialog.showModal();
}

/** Shows what a form would do while somebody types. */
function preview(form) {
  let timer, done, round = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    const mine = ++round;
    timer = setTimeout(async () => {
      const body = new URLSearchParams(new FormData(form));
      body.set("intent", "preview");
      const shown = document.getElementById("preview");
      if (shown) done ??= working(shown, "Working it out …", "prepend", 200);
      try {
        const page = await pageAt(form.action, { method: "POST", body });
        if (mine !== round) return;
        done = done?.();
        for (const element of document.querySelectorAll("[data-live]")) swap(element, page);
      } catch { /* The button works without. */ }
      if (mine === round) done = done?.();
    }, 350);
  });
}

const times = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function prepare(root) {
  const all = (selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  for (const each of all("[data-refresh]")) refresh(each);
  for (const each of all("button[data-copy]")) each.hidden = false;
  for (const each of all("form[data-preview]")) preview(each);
  for (const each of all("time:not([data-day])")) each.textContent = times.format(new Date(each.dateTime));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  const link = event.target.closest("a[data-dialog]");
  if (button) copy(button);
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); ask(link); }
});

// What a double click asks for twice is shown in the first answer, which the second would replace.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("once" in form.dataset)) return;
  if (event.timeStamp - (form.sent ?? -Infinity) < 1000) event.preventDefault();
  else form.sent = event.timeStamp;
});

prepare(document);
document.querySelector("[data-focus]")?.focus();
