/** Every text of the page. */

const FORMATS = "PNG, JPEG, GIF, WebP, AVIF, BMP and TIFF";
const whole = new Intl.NumberFormat("en-GB");

export const format = {
	whole: (value) => whole.format(value),
	dimensions: ({ width, height }) => `${width} × ${height}`,
	bytes(bytes) {
		if (bytes < 1024) return `${bytes} B`;
		if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
		const megabytes = bytes / (1024 * 1024);
		return `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`;
	},
	when(iso) {
		const date = new Date(iso);
		const minutes = (Date.now() - date) / 60_000;
		if (minutes < 1) return "just now";
		if (minutes < 60) return `${Math.floor(minutes)} min ago`;
		if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
		return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
	},
};

/** "error-diffusion" is "Error diffusion". */
export function titleOf(name, exceptions) {
	return exceptions[name] ?? name[0].toUpperCase() + name.slice(1).replaceAll("-", " ");
}

export const name = "Dither";
export const title = "Dither: any picture in a few good colours";
export const skip = "Skip to the picture";

export const nav = { label: "Pages", studio: "Studio", gallery: "Gallery", api: "API" };

export const welcome = {
	heading: "Any picture, in a few good colours",
	lead: "Newsprint, Game Boy, e‑paper or a palette of your own. See it as you choose it; nothing is stored until you save.",
	drop: "Drop a picture here",
	choose: "Choose a picture",
	camera: "Camera",
	paste: "or paste one from the clipboard",
	dropNow: "Let go to open it",
	samples: "Or try one of these",
	formats: (bytes) => `${FORMATS}${bytes ? `, up to ${format.bytes(bytes)}` : ""}`,
};
export const samples = {
	dunes: "Dunes at dusk",
	astronaut: "Astronaut",
	cat: "Chelsea the cat",
	orbs: "Four balls",
	rocket: "Rocket at night",
	coffee: "Coffee",
};
export const camera = { heading: "Camera", take: "Take the picture", refused: "The camera is not available. Allow it in the browser, or choose a file.", fileName: "Camera.jpg" };

export const stage = {
	label: "Picture. Arrow keys move it, plus and minus zoom, 0 fits it.",
	tools: "View",
	zoomIn: "Zoom in",
	zoomOut: "Zoom out",
	fit: "Fit to the window",
	zoom: (times) => (times >= 1 ? `${Number(times.toFixed(1))}×` : `${Math.round(times * 100)} %`),
	view: "What is shown",
	original: "Original",
	split: "Both",
	dithered: "Dithered",
	divider: "Divider between original and dithered",
	dividerValue: (percent) => `${percent} % original`,
	updated: (colours) => (colours ? `Preview updated: ${colours} colours` : "Preview updated"),
	change: "Open another picture",
	other: "Open",
	undo: "Undo",
	redo: "Redo",
	reset: "Back to the defaults",
	share: "Copy a link to these settings",
	undone: "Undone",
	redone: "Redone",
};

export const facts = {
	label: "About the result",
	size: "Size",
	colours: "Colours",
	bytes: "File",
	originalHas: (bytes) => `The original has ${format.bytes(bytes)}`,
	about: "about",
	psnr: "PSNR",
	decibels: (db) => (db === Infinity ? "identical" : `${db.toFixed(1)} dB`),
	psnrHint: "Signal-to-noise ratio, pixel by pixel",
	seen: "as seen",
	seenHint: "PSNR of the light from each 4 × 4 pixels, as from a distance",
	palette: "Colours in the result",
	share: (colour, percent) => `${colour}, ${percent} % of the picture`,
	edit: "Edit as palette",
	manyColours: (count) => `${format.whole(count)} colours; the most frequent are shown`,
};

export const panel = {
	label: "Settings",
	toggleOpen: "Show the settings",
	toggleClose: "Hide the settings",
	tabs: { looks: "Looks", method: "Method", colours: "Colours", adjust: "Adjust", size: "Size" },
	save: "Save picture",
};

export const presets = {
	newspaper: "Newspaper",
	gameboy: "Game Boy",
	mac: "1-bit Mac",
	spectra: "E-ink Spectra 6",
	eink: "E-ink grey",
	badge: "Red e-ink tag",
	pico: "Pico-8",
	c64: "Commodore 64",
	cga: "CGA",
	zx: "ZX Spectrum",
	teletext: "Teletext",
	web: "Web 1996",
	riso: "Two-ink print",
	blueprint: "Blueprint",
	sepia: "Sepia engraving",
	gif: "Small GIF",
	rgb: "Eight colours",
	poster: "Poster",
};

export const method = {
	search: "Find a method",
	none: "No method is called that.",
	custom: "Kernel of your own",
	families: {
		"halftone-screen": "Halftone screens",
		"threshold-map": "Threshold maps",
		"palette-pattern": "Palette patterns",
		curve: "Along a curve",
		cell: "Dot diffusion",
		nearest: "No dithering",
		custom: "Your own",
	},
};

export const colours = {
	kind: "Where the colours come from",
	kinds: { channels: "Levels", gray: "Greys", adaptive: "Picture", colours: "Palette" },
	hints: {
		colours: () => "A palette for a device, an old machine, or one of your own",
		channels: (levels) => `${levels} levels of red, green and blue each: ${format.whole(levels ** 3)} colours`,
		gray: (levels) => `${levels} greys from black to white`,
		adaptive: (count) => `The ${count} colours that suit this picture best`,
	},
	levels: "Levels per channel",
	count: "Number of colours",
	palettes: "Palettes",
	editor: "Edit the colours",
	edited: (count) => `${count} colours`,
	colour: (number, hex) => `Colour ${number}: ${hex}`,
	hex: "Hex code of this colour",
	add: "Add a colour",
	remove: "Remove this colour",
	earlier: "Move this colour earlier",
	later: "Move this colour later",
	paste: "Paste a list",
	pasteLabel: "Hex colours, any separators, or a GIMP palette",
	pastePlaceholder: "#1a1c2c, #5d275d, #b13e53 …",
	use: "Use these colours",
	pasteFound(count, fewest, most) {
		if (count === 0) return "No colours were found. Write them as #rrggbb.";
		if (count < fewest || count > most) return `A palette has ${fewest} to ${most} colours; these are ${count}.`;
		return `${count} colours found`;
	},
	added: "Colour added",
	removed: "Colour removed",
	moved: (place, total) => `Now colour ${place} of ${total}`,
	greyLevels: (levels) => `${levels} greys`,
	channelLevels: (levels) => `${levels} levels`,
};

export const size = {
	chunky: "Chunky pixels",
	chunkyHint: "Makes the picture smaller, then enlarges each pixel; its size stays about the same.",
	chunkyValue: (times) => (times === 1 ? "Off" : `${times}×`),
	result: (size) => `The saved picture will be ${format.dimensions(size)} pixels.`,
	asOriginal: "as the original",
};

/** Where the engine's own name would not do. */
export const fields = {
	serpentine: "Serpentine scan",
	distance: "Nearest colour by",
	scale: "Pixel scale",
	angle: "Screen angle",
	cell: "Screen cell",
	alpha: "Transparency",
	format: "File format",
};
export const values = { srgb: "sRGB", ciede2000: "CIEDE2000", flatten: "Fill", png: "PNG", gif: "GIF", webp: "WebP" };
export const units = { angle: "°", cell: " px", width: "px", height: "px", scale: "×" };
export const field = {
	reset: (label) => `Reset ${label}`,
	kernelBad: "Write rows of numbers, all of one odd length.",
};

export const save = {
	heading: "Save",
	lead: "Stores the original and the dithered picture, and gives you a link.",
	leadAgain: "Adds this version to the stored picture.",
	leadAnew: "Stores the picture once more, by itself: each stored picture has one address.",
	email: "Email (if you like)",
	emailHint: "We send the link there, use it for nothing else and forget it later.",
	emailBad: "This is no email address.",
	emailPlaceholder: "you@example.org",
	start: "Save picture",
	another: "Save another version",
	steps: { uploaded: "Uploaded", queued: "Queued", dithered: "Dithered", mailed: "Mailed" },
	doing: { uploaded: "Uploading", queued: "Waiting for its turn", dithered: "Dithering", mailed: "Sending the mail" },
	stepState: { wait: "to do", now: "in progress", done: "done", failed: "failed" },
	progress: "Upload",
	sent: (sent, total) => `${format.bytes(sent)} of ${format.bytes(total)}`,
	link: "Link to the picture",
	copyLink: "Copy link",
	copiedLink: "Link copied",
	copyPicture: "Copy picture",
	copiedPicture: "Picture copied",
	cannotCopy: "The browser does not allow copying here.",
	download: (format) => `Download ${format}`,
	downloads: "Download",
	making: (format) => `Making the ${format} …`,
	failed: "The picture could not be dithered.",
	mailNotes: {
		suppressed: "Not mailed: this address had many mails in the last hour.",
		failed: "The mail could not be sent. The link below works all the same.",
		null: "The mail is still on its way; you need not wait for it.",
	},
	goneMeanwhile: "This picture has been deleted.",
	finished: "Your picture is saved.",
	show: "Show",
};

export const gallery = {
	heading: "Gallery",
	empty: "Nothing is saved yet.",
	emptyHint: "Pictures you save are kept here, newest first.",
	start: "Dither a picture",
	loading: "Loading the gallery …",
	more: "Show more",
	dithers: (count) => (count === 1 ? "1 version" : `${count} versions`),
	working: "Being dithered …",
	failed: "Could not be dithered",
	remove: "Delete",
	removed: (name) => `${name} will be deleted.`,
	undo: "Undo",
	restored: (name) => `${name} is kept.`,
	newDither: "New version of this picture",
	edit: "Edit",
	original: "Original",
	shown: (count) => `${count} pictures shown`,
};

export const offline = { text: "You are offline. Your picture and settings stay; the page goes on as soon as you are back.", back: "Back online" };

export const key = {
	heading: "API key",
	lead: "This service is open to those who have a key for it. It is kept until you close this tab.",
	label: "Key",
	wrong: "The service does not know this key.",
	use: "Use this key",
};

export const dialog = { close: "Close", dismiss: "Dismiss", messages: "Messages" };

export const errors = {
	retry: "Try again",
	reset: "Back to the defaults",
	change: "Change",
	retryIn: (seconds) => `Trying again in ${seconds} s`,
	offline: "The service cannot be reached. Is the connection up?",
	limited: "Too many requests at once.",
	busy: "The service is busy right now. Please try again in a moment.",
	large: "The file is too large.",
	gone: "It is not there any more.",
	refused: "The service did not accept this.",
	failed: "Something went wrong on our side.",
	emptyFile: "This file is empty.",
	notAPicture: (name) => `“${name}” is no picture. ${FORMATS} can be opened.`,
	tooLarge: (bytes, limit) => `The file has ${format.bytes(bytes)}; at most ${format.bytes(limit)} are allowed.`,
	tooManyPixels: (size, limit) => `${format.dimensions(size)} pixels are too many: at most ${format.whole(limit / 1e6)} million are allowed.`,
	noImagePasted: "There is no picture in the clipboard.",
};
