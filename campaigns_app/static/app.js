/* What the page does beyond htmx: dialogs, toasts, forms that wait, the browser's time zone.
   Everything works without it. Texts come from the server, in attributes. */
"use strict";

const TOAST_MILLISECONDS = 6000;

/* Toasts: told by the server with the event "toast", or there when the page came. */

function showToast(message, kind) {
  const corner = document.getElementById("toasts");
  // What goes wrong at every turn of a page that refreshes itself is told once.
  for (const other of [...corner.children]) {
    if (other.firstElementChild.textContent === message) other.remove();
  }
  const toast = document.createElement("div");
  const text = document.createElement("span");
  toast.className = `toast toast-${kind}`;
  text.textContent = message;
  toast.append(text);
  corner.append(toast);
  keepToast(toast);
  raiseToasts();
}

function keepToast(toast) {
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button button-ghost button-small button-icon";
  close.setAttribute("aria-label", toast.parentElement.dataset.closeLabel);
  close.textContent = "×";
  close.addEventListener("click", () => toast.remove());
  toast.append(close);
  // Errors stay until they are closed: they may have to be read twice.
  if (!toast.matches(".toast-error, .toast-danger")) {
    setTimeout(() => toast.remove(), TOAST_MILLISECONDS);
  }
}

/* An open dialog covers everything but what was raised after it. */
function raiseToasts() {
  const corner = document.getElementById("toasts");
  if (!corner.showPopover || !corner.childElementCount) return;
  corner.popover = "manual";
  corner.hidePopover();
  corner.showPopover();
}

document.addEventListener("toast", (event) => showToast(event.detail.message, event.detail.kind));

document.addEventListener("htmx:responseError", (event) => {
  // The server's own words come as a toast; a proxy's error page brings none.
  if (!event.detail.xhr.getResponseHeader("HX-Trigger")) {
    showToast(document.getElementById("toasts").dataset.failure, "error");
  }
});

document.addEventListener("htmx:sendError", () => {
  showToast(document.getElementById("toasts").dataset.offline, "error");
});

/* Dialogs: opened when they arrive in #dialogs, or by data-dialog-open; see macros/ui.html. */

const openers = new WeakMap();

function openDialog(dialog) {
  if (dialog.open) return;
  openers.set(dialog, document.activeElement);
  dialog.showModal();
  const closed = new AbortController();
  for (const name of (dialog.dataset.closeOn ?? "").split(" ").filter(Boolean)) {
    document.addEventListener(name, () => dialog.close(), { signal: closed.signal });
  }
  dialog.addEventListener("close", () => {
    closed.abort();
    afterClosing(dialog);
  }, { once: true });
  raiseToasts();
}

function afterClosing(dialog) {
  const opener = openers.get(dialog);
  if (dialog.parentElement?.id === "dialogs") dialog.remove();
  // The list may have been drawn anew meanwhile: then its new button has the old one's id.
  const target = opener?.isConnected ? opener : document.getElementById(opener?.id ?? "");
  (target ?? document.getElementById("main"))?.focus();
}

function pressedBeside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right
    || event.clientY < box.top || event.clientY > box.bottom;
}

let pressedBackdrop = false;

document.addEventListener("pointerdown", (event) => {
  pressedBackdrop = event.target.matches("dialog") && pressedBeside(event.target, event);
});

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-dialog-close]");
  const dialog = event.target.closest("dialog");
  if (dialog && closer) {
    event.preventDefault();
    dialog.close();
  } else if (dialog && event.target === dialog && pressedBackdrop && pressedBeside(dialog, event)) {
    dialog.close();
  }
  const opener = event.target.closest("[data-dialog-open]");
  const wanted = opener && document.getElementById(opener.dataset.dialogOpen);
  if (wanted) {
    event.preventDefault();
    openDialog(wanted);
  }
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier);
});

document.addEventListener("htmx:afterSettle", () => {
  document.querySelectorAll("#dialogs > dialog:not([open])").forEach(openDialog);
  document.querySelectorAll("form[data-wait]").forEach(waitUntilComplete);
  document.querySelectorAll(".tabs").forEach(showCurrentTab);
});

/* Where there is no room for all tabs, the current one is among those that are seen. */
function showCurrentTab(tabs) {
  const current = tabs.querySelector("[aria-current]");
  if (current) tabs.scrollLeft = current.offsetLeft + current.offsetWidth / 2 - tabs.offsetLeft - tabs.clientWidth / 2;
}

/* Forms. One with data-wait cannot be sent while something is missing or refused. */

function waitUntilComplete(form) {
  const incomplete = [...form.querySelectorAll("[required]")].some(isEmpty)
    || [...form.querySelectorAll("[data-required-group]")].some((group) => !group.querySelector(":checked"))
    || form.querySelector("[aria-invalid=true]") !== null;
  form.querySelectorAll("[type=submit]").forEach((button) => { button.disabled = incomplete; });
}

function isEmpty(control) {
  if (control.type === "checkbox" || control.type === "radio") {
    return !control.form.querySelector(`[name="${CSS.escape(control.name)}"]:checked`);
  }
  return control.value.trim() === "";
}

for (const change of ["input", "change"]) {
  document.addEventListener(change, (event) => {
    const control = event.target;
    // What was refused is being mended: the server is asked again when the form is sent.
    if (control.getAttribute("aria-invalid")) control.removeAttribute("aria-invalid");
    const form = control.closest("form[data-wait]");
    if (form) waitUntilComplete(form);
  });
}

/* No form is sent twice by a double click. */

function setBusy(form, busy) {
  form.dataset.busy = busy ? "true" : "";
  form.querySelectorAll("[type=submit]").forEach((button) => button.setAttribute("aria-busy", busy));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.busy) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (!event.defaultPrevented) {
    setBusy(form, true);
  }
}, true);

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.matches?.("form")) setBusy(event.target, false);
});

window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-busy]").forEach((form) => setBusy(form, false));
});

/* Requests the page makes by itself must not keep a session alive. */
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.triggeringEvent) event.detail.headers["X-Background"] = "true";
});

/* Seconds run down in the page; what it fetches meanwhile sets them right. */
setInterval(() => {
  for (const seconds of document.querySelectorAll("[data-countdown]")) {
    seconds.textContent = Math.max(0, Number(seconds.textContent) - 1);
  }
}, 1000);

/* The rest. */

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  await navigator.clipboard.writeText(field.value);
  showToast(button.dataset.copied, "success");
}

/* The server writes times in the person's zone, and learns it from here: with the login, or when
   it has changed since. */
function tellTimeZone() {
  const { zoneUrl, zone } = document.body.dataset;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const field = document.querySelector("input[type=hidden][name=time_zone]");
  if (field) field.value = here;
  if (!zoneUrl || !here || here === zone) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  fetch(zoneUrl, { method: "POST", headers, body: new URLSearchParams({ time_zone: here }) });
}

document.querySelectorAll(".toast").forEach(keepToast);
document.querySelectorAll(".tabs").forEach(showCurrentTab);
document.querySelectorAll("form[data-wait]").forEach(waitUntilComplete);
tellTimeZone();
