import assert from "node:assert/strict";
import test from "node:test";

import { readFragment, writeFragment } from "../../frontend/js/fragment.js";

const FIELDS = {
	algorithm: { type: "string" },
	palette: { type: "string|array" },
	scale: { type: "integer", min: 1, max: 32 },
	across: { type: "integer", min: 8, max: 4000 },
	format: { type: "string", values: ["png", "gif"] },
};

test("options come back from an address as they went", () => {
	const options = { algorithm: "bayer-8", palette: ["#000000", "#ffcc00"], scale: 3, across: 160 };
	const address = writeFragment({ sample: "cat" }, options);
	assert.equal(address, "#sample=cat&algorithm=bayer-8&palette=000000,ffcc00&scale=3&across=160");
	assert.deepEqual(readFragment(address, FIELDS), { view: "studio", picture: { sample: "cat" }, options });
});

test("what is not allowed is left out or limited", () => {
	assert.deepEqual(readFragment("#scale=99&format=exe&nonsense=1&across=x", FIELDS).options, { scale: 32 });
	assert.equal(readFragment("#gallery", FIELDS).view, "gallery");
});

test("the link in a mail opens the picture with its options", () => {
	// As tests/unit/notification/test_notification_links.py has it.
	const link =
		"#image=00000000-0000-0000-0000-000000000001&palette=ff0000,000000&algorithm=bayer-8" +
		"&channels=%5B5,%206,%205%5D&serpentine=true&background=ffffff";
	const fields = {
		palette: { type: "string array" },
		algorithm: { type: "string" },
		channels: { type: "integer array" },
		serpentine: { type: "boolean" },
		background: { type: "string" },
	};
	assert.deepEqual(readFragment(link, fields), {
		view: "studio",
		picture: { image: "00000000-0000-0000-0000-000000000001" },
		options: {
			palette: ["#ff0000", "#000000"],
			algorithm: "bayer-8",
			channels: [5, 6, 5],
			serpentine: true,
			background: "#ffffff",
		},
	});
});
