/* The campaign form, beyond what htmx and app.js do: asking the server about a field when it is
   left, the variables, the counter, the filter, and a draft that survives an accident.
   The form works without any of it. */
"use strict";

const FORM = "#campaigns-form";

/* A field is left when the focus goes elsewhere in the form; not when the window is left, nor on
   the way to a button: what would move under the pointer would make the click miss it. */
document.addEventListener("focusout", (event) => {
  const field = event.target.closest(`${FORM} .checked`);
  const next = event.relatedTarget;
  if (!field || field.contains(next) || !document.hasFocus()) return;
  if (next?.closest("button, .form-actions, .dialog-header")) return;
  htmx.trigger(field, "left");
});

/* What the server said of a field is also said to the control, for eyes and screen readers. */
document.addEventListener("htmx:load", () => {
  for (const errors of document.querySelectorAll(`${FORM} .errors`)) {
    const control = document.getElementById(errors.dataset.control);
    if (errors.childElementCount) control?.setAttribute("aria-invalid", "true");
    else control?.removeAttribute("aria-invalid");
  }
});

/* These come before app.js looks whether the form is complete. */
document.addEventListener("change", (event) => {
  const form = event.target.closest(FORM);
  if (!form) return;
  event.target.closest("fieldset[aria-invalid]")?.removeAttribute("aria-invalid");
  if (event.target.name === "when") showTime(form);
}, true);

function showTime(form) {
  const now = form.querySelector("[name=when]:checked")?.value === "now";
  const time = form.elements.scheduled_at;
  time.required = !now;
  if (now) time.removeAttribute("aria-invalid");
}

/* A template stands in the place of the message. */
function showMessage(form) {
  const replaced = form.querySelector("[data-replaces-message]") !== null;
  form.querySelector("[data-message-part]").hidden = replaced;
  form.elements.message.required = !replaced;
  form.querySelectorAll("[data-message-tools]").forEach((part) => { part.hidden = false; });
}

/* The message, or a value of the template: variables at the cursor, and how long it is. */
let lastValue = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches(`${FORM} .template-values input`)) lastValue = event.target;
});

function writtenIn(button) {
  const values = button.closest(".template-values");
  if (!values) return button.form.elements.message;
  return values.contains(lastValue) ? lastValue : values.querySelector("input");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(`${FORM} [data-insert]`);
  if (!button) return;
  const message = writtenIn(button);
  message.focus();
  message.setRangeText(button.dataset.insert, message.selectionStart, message.selectionEnd, "end");
  message.dispatchEvent(new Event("input", { bubbles: true }));
});

function count(form) {
  const counter = form.querySelector("[data-counter-of]");
  const length = [...form.elements[counter.dataset.counterOf].value].length;
  const longest = Number(counter.dataset.longest);
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  counter.value = `${numbers.format(length)} / ${numbers.format(longest)}`;
  counter.classList.toggle("counter-full", length >= longest);
}

/* The audience: only the labels that hold the text. Chosen ones stay to be seen. */
function filter(box) {
  const text = box.value.trim().toLowerCase();
  for (const choice of document.getElementById(box.dataset.filter).children) {
    choice.hidden = !choice.dataset.text.includes(text) && !choice.querySelector(":checked");
  }
}

/* A draft is kept in this tab until the form is sent or given up, and no longer than the login. */
const DRAFT = "campaign-draft/";

function valuesOf(form) {
  const fields = [...new FormData(form)];
  return fields.filter(([name]) => name !== "csrf_token" && name !== "submission");
}

function keepDraft(form) {
  if (!form.dataset.draft) return;
  sessionStorage.setItem(DRAFT + form.dataset.draft, JSON.stringify(valuesOf(form)));
}

function dropDraft(form) {
  sessionStorage.removeItem(DRAFT + form.dataset.draft);
}

function restoreDraft(form) {
  if (!form.dataset.draft) return;
  const kept = sessionStorage.getItem(DRAFT + form.dataset.draft);
  // What the server sent back with errors is newer.
  if (!kept || kept === JSON.stringify(valuesOf(form)) || form.querySelector(".error")) return;
  const fields = JSON.parse(kept);
  for (const control of form.elements) {
    const values = fields.filter(([name]) => name === control.name).map(([, value]) => value);
    if (control.type === "checkbox" || control.type === "radio") {
      control.checked = values.includes(control.value);
    } else if (values.length) {
      control.value = values[0];
    }
  }
  form.querySelector("[data-draft-notice]").hidden = false;
  restoreTemplate(form, fields);
  tellChange(form);
}

/* Which fields a template has, only the server knows: it is told the draft's values with it. */
function restoreTemplate(form, fields) {
  const part = form.querySelector("[data-template-of]");
  if (!part || !form.elements.inbox_id.value) return;
  const told = fields.filter(([name]) => name === "inbox_id" || name.startsWith("template"));
  htmx.ajax("POST", part.getAttribute("hx-post"), {
    source: part, target: "#campaign-template", swap: "outerHTML", values: Object.fromEntries(told),
  });
}

/* Whatever watches the fields, such as the count of the audience, looks again. */
function tellChange(form) {
  form.querySelector("#audience")?.dispatchEvent(new Event("change", { bubbles: true }));
  showTime(form);
  count(form);
}

document.addEventListener("click", (event) => {
  const dropper = event.target.closest(`${FORM} [data-draft-drop]`);
  if (!dropper) return;
  const form = dropper.closest(FORM);
  dropDraft(form);
  if (dropper.type !== "button") return;
  form.reset();
  form.elements.inbox_id?.dispatchEvent(new Event("change", { bubbles: true }));
  form.querySelector("[data-draft-notice]").hidden = true;
  form.elements.title.focus();
  tellChange(form);
});

for (const saved of ["campaign-created", "campaign-updated"]) {
  document.addEventListener(saved, () => document.querySelectorAll(FORM).forEach(dropDraft));
}

document.addEventListener("input", (event) => {
  if (event.target.matches(`${FORM} [data-filter]`)) {
    filter(event.target);
    return;
  }
  const form = event.target.closest(FORM);
  if (!form) return;
  keepDraft(form);
  count(form);
});

/* A form that has just come: what needs a script is shown, and the first mistake gets the focus. */
function prepare(form) {
  if (form.dataset.ready) return;
  form.dataset.ready = "true";
  form.querySelectorAll("[data-filter]").forEach((part) => { part.hidden = false; });
  restoreDraft(form);
  showTime(form);
  count(form);
  const refused = form.querySelector(".error")?.parentElement.dataset.control;
  const control = refused && document.getElementById(refused);
  (control?.querySelector("[type=checkbox]") ?? control)?.focus();
}

function look() {
  document.querySelectorAll(FORM).forEach(prepare);
  document.querySelectorAll(FORM).forEach(showMessage);
}

document.addEventListener("htmx:load", look);
look();
