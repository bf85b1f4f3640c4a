/** Keep and share: the form that explains who will see the picture, the steps, the link. */

import { openDialog } from "./dialog.js";
import { button, freshId, h, icon, replace } from "./dom.js";
import { notice } from "./notice.js";
import { engineOptions, sizeProblem } from "./output.js";
import { createResult } from "./saved.js";
import { createSaving } from "./saving.js";
import { errors, save as text } from "./strings.js";
import { announce, toast } from "./messages.js";

const MARKS = {
	wait: () => h("span.dot"),
	now: () => h("span.spinner"),
	done: () => icon("check"),
	failed: () => icon("close"),
};

/** → open(): opens the dialog; a save that has begun continues after the dialog is closed. */
export function createSave(store, studio) {
	let dialog = null;
	let content = null;
	let saving = null;
	let shown = null; // the options of the page that are being kept
	let steps = null;
	let after = null;

	window.addEventListener("beforeunload", (event) => saving?.uploading && event.preventDefault());

	function open() {
		if (!store.source) return;
		const isOther = saving?.source !== store.source || (saving.over && shown !== store.options);
		content = h(".save");
		dialog = openDialog(text.heading, content, { kind: "narrow", onclose: () => (dialog = null) });
		if (isOther) showForm();
		else showProgress();
	}

	function showForm() {
		saving = null;
		const problem = sizeProblem(store);
		if (problem) return replace(content, notice(new Error(problem)));
		const { source } = store;
		const lead = h("p.soft", { role: "status" });
		const tell = () => (lead.textContent = !source.uuid ? text.lead : email.value.trim() === source.email ? text.leadAgain : text.leadAnew);
		const id = freshId("email");
		const email = h("input.input", { type: "email", id, autocomplete: "email", placeholder: text.emailPlaceholder, value: source.email, "aria-describedby": `${id}-hint`, oninput: tell });
		const bad = h("p.bad.small", { role: "alert" });
		const form = h(
			"form.save-form",
			{ novalidate: true },
			lead,
			h("p.audience", text.audience[store.catalogue.access] ?? text.audience.owned),
			h(".field", h("label.field-label", { for: id }, text.email), email, bad, h("p.soft.small", { id: `${id}-hint` }, text.emailHint)),
			h("button.button.primary.wide", { type: "submit" }, icon("keep"), text.start),
		);
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			if (email.checkValidity()) return start(email.value.trim());
			bad.textContent = text.emailBad;
			email.setAttribute("aria-invalid", "true");
			email.focus();
		});
		tell();
		replace(content, form);
	}

	function start(email) {
		saving = createSaving(store.source, engineOptions(store.options, store.source), store.catalogue, email);
		shown = store.options;
		const mine = saving;
		mine.onchange = () => saving === mine && dialog && update();
		mine.onend = () => {
			studio.writeAddress();
			const sentence = mine.failure?.message ?? text.finished;
			if (dialog) announce(sentence);
			else toast(sentence, { action: { label: text.show, run: open } });
		};
		showProgress();
		mine.run();
	}

	function showProgress() {
		steps = createSteps(saving);
		after = h(".save-after");
		replace(content, steps.element, after);
		update();
	}

	function update() {
		steps.update();
		if (saving.failure) {
			const retry = () => start(saving.email);
			replace(after, notice(saving.failure, { retry, other: { label: errors.change, run: showForm } }));
		} else if (saving.dither?.status === "done" && !after.querySelector(".result")) {
			replace(after, createResult(saving.image, saving.dither, store.catalogue), button(text.another, showForm, "plain.wide"));
		}
		if (saving.mailNote && !after.querySelector(".mail-note")) after.prepend(h("p.soft.small.mail-note", saving.mailNote));
	}

	return open;
}

function createSteps(saving) {
	const bar = h("progress.progress", { max: "1", "aria-label": text.progress });
	const sent = h("span.soft.small.numbers");
	const upload = h(".upload-progress", bar, sent);
	const items = Object.keys(saving.steps).map((name) => h("li.step", h("span.mark"), h(".grow", h("span"), name === "uploaded" && upload)));

	function update() {
		Object.entries(saving.steps).forEach(([name, state], i) => {
			const item = items[i];
			if (item.dataset.state === state) return;
			item.dataset.state = state;
			replace(item.firstChild, MARKS[state]());
			replace(item.lastChild.firstChild, ({ now: text.doing, failed: text.stepFailed }[state] ?? text.steps)[name], h("span.sr-only", `, ${text.stepState[state]}`));
		});
		upload.hidden = saving.steps.uploaded !== "now";
		bar.value = saving.sent / saving.total;
		sent.textContent = text.sent(saving.sent, saving.total);
	}
	return { element: h("ol.steps", { "aria-live": "polite" }, items), update };
}
