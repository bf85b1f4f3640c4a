/** Every text of the page. */

const FORMATS = "PNG, JPEG, GIF, WebP, AVIF, HEIC, BMP and TIFF";
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
	until: (iso) => iso && `kept until ${new Date(iso).toLocaleDateString("en-GB")}`,
	when: (iso) => new Date(iso).toLocaleString("en-GB", { dateStyle: "medium" }),
};

/** "error-diffusion" → "Error diffusion". */
export function titleOf(name, exceptions) {
	return exceptions[name] ?? name[0].toUpperCase() + name.slice(1).replaceAll("-", " ");
}

export const name = "Dither";
export const skip = "Skip to the picture";

export const nav = { label: "Pages", studio: "Studio", gallery: "Gallery", api: "API" };

export const welcome = {
	heading: "Any picture, in a few good colours",
	lead: "Newsprint, Game Boy, e‑paper or your own palette. What you see is what you save, and nothing is stored unless you ask for it.",
	drop: "Drop pictures or folders here",
	choose: "Choose pictures",
	camera: "Camera",
	paste: "You can also paste a picture.",
	dropNow: "Drop to open",
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
export const camera = { heading: "Camera", take: "Take a picture", refused: "The camera is not available. Allow it, or choose a file.", fileName: "Camera.jpg" };

export const stage = {
	label: "Picture. Arrow keys move it, plus and minus zoom, 0 fits it, 1 shows it at full size.",
	tools: "View",
	zoomIn: "Zoom in",
	zoomOut: "Zoom out",
	fit: "Fit to the window",
	zoom: (times) => (times >= 1 ? `${Number(times.toFixed(1))}×` : `${Math.round(times * 100)} %`),
	view: "What is shown",
	original: "Original",
	split: "Split",
	dithered: "Dithered",
	side: "Side by side",
	difference: "Difference",
	sending: (percent) => (percent < 100 ? `Sending the picture, once: ${percent} %` : "Working on it …"),
	divider: "Divider between original and dithered",
	dividerValue: (percent) => `${percent} % original`,
	updated: (colours) => `Picture updated: ${format.whole(colours)} colours`,
	sheet: "See this picture in all looks",
	change: "Open another picture",
	other: "Open",
	undo: "Undo",
	redo: "Redo",
	reset: "Reset all settings",
	share: "Copy a link to these settings",
	undone: "Undone",
	redone: "Redone",
};

export const shortcuts = {
	heading: "Keyboard shortcuts",
	use: "Use these shortcuts",
	keys: {
		"+ −": "Zoom in, zoom out",
		0: "Fit to the window",
		1: "Show at full size",
		"← ↑ → ↓": "Move the picture",
		c: "Next way to compare",
		l: "Magnifier with colour values",
		s: "This picture in all looks",
		d: "Download",
		k: "Keep and share",
		o: "Open pictures",
		"Ctrl Z, Ctrl Y": "Undo, redo",
		"?": "This list",
	},
};

export const loupe = { pixel: ({ x, y }, hex, original) => `${x}, ${y}  ${hex}${original ? `\noriginal ${original}` : ""}` };
export const sheet = { heading: "All looks", download: "Download the sheet", print: "Print" };

export const batch = {
	label: "All pictures",
	fileName: "dithered.zip",
	progress: "Pictures done",
	opened: (count) => `${count} pictures opened. The settings apply to all of them.`,
	start: (count) => `Download all ${count} (ZIP)`,
	stop: "Stop",
	resume: "Continue",
	again: "Download the ZIP again",
	own: "Own settings",
	close: "Close all pictures",
	status: (done, total, failed) => `${done} of ${total} done${failed ? `, ${failed} failed` : ""}`,
	states: { waiting: "", working: "…", done: "✓", failed: "!" },
	zipped: (count, failed) => `${count} pictures are in the ZIP file.${failed ? ` ${failed} failed and are not in it.` : ""}`,
	leftOut: (count) => (count === 1 ? "One file is not a picture and was left out." : `${count} files are not pictures and were left out.`),
};

export const facts = {
	label: "About the result",
	size: "Size",
	colours: "Colours",
	frames: "Frames",
	file: "File",
	palette: "Colours in the picture",
	share: (colour, percent) => `${colour}, ${percent} % of the picture`,
	edit: "Edit as palette",
	manyColours: (count) => `${format.whole(count)} colours; the most common are shown`,
};

export const panel = {
	label: "Settings",
	toggleOpen: "Show the settings",
	toggleClose: "Hide the settings",
	tabs: { looks: "Looks", method: "Method", colours: "Colours", adjust: "Adjust", size: "Size", panels: "E-paper" },
	keep: "Keep and share …",
};

export const panels = {
	lead: "Choose your e-paper or small display: the picture gets its size and colours, and the download is the file that it takes.",
	search: "Find your display",
	none: "No display matches. Try fewer letters.",
	about: (size, inks) => `${size} pixels, ${inks} colours`,
	another: "Another display",
	remove: "No display",
	colours: "Colours shown",
	inks: { measured: "As on the panel", device: "As in the file" },
	frame: "The part that is shown. Arrow keys move it.",
	zoom: "Zoom",
	turn: "Turn",
};

export const method = {
	search: "Find a method",
	none: "No method matches. Try fewer letters.",
};

export const colours = {
	kind: "Where the colours come from",
	kinds: { channels: "Levels", gray: "Greys", adaptive: "Picture", colours: "Palette" },
	hints: {
		colours: () => "The palette of a device, an old computer, or your own",
		channels: (levels) => `${levels} levels of red, green and blue each: ${format.whole(levels ** 3)} colours`,
		gray: (levels) => `${levels} greys from black to white`,
		adaptive: (count) => `The ${count} colours that fit this picture best`,
	},
	levels: "Levels per channel",
	count: "Number of colours",
	palettes: "Palettes",
	editor: "Edit the colours",
	edited: (count) => `${count} colours`,
	colour: (number, hex, locked) => `Colour ${number}: ${hex}${locked ? ", locked" : ""}`,
	lock: "Keep this colour when others come from the picture",
	keep: "Keep this palette",
	fromPicture: "From this picture",
	read: "Open a file",
	write: "Save as a file",
	fileName: "palette",
	files: { hex: "Hex list (.hex)", gpl: "GIMP (.gpl)", pal: "JASC (.pal)", txt: "Paint.NET (.txt)", ase: "Adobe (.ase)" },
	own: "Your own palette",
	lospec: (title) => `“${title}” is an address at Lospec. This page opens no other sites: download its .hex file and open it here.`,
	hex: "Hex code of this colour",
	add: "Add a colour",
	remove: "Remove this colour",
	earlier: "Move this colour earlier",
	later: "Move this colour later",
	paste: "Paste a list",
	pasteLabel: "Paste hex colours, rgb() or a palette file",
	pastePlaceholder: "#1a1c2c, #5d275d …",
	use: "Use these colours",
	pasteFound(count, fewest, most) {
		if (count === 0) return "No colours found. Write them like this: #ff8800";
		if (count < fewest || count > most) return `${count} colours found. A palette needs ${fewest} to ${most}.`;
		return `${count} colours found`;
	},
	added: "Colour added",
	removed: "Colour removed",
	moved: (place, total) => `Now colour ${place} of ${total}`,
	greyLevels: (levels) => `${levels} greys`,
	channelLevels: (levels) => `${levels} levels`,
};

export const library = {
	name: "Name",
	keep: "Keep",
	kept: (name) => `“${name}” is kept in this browser.`,
	cannotKeep: "This browser does not let pages keep anything.",
	keepLook: "Keep this look",
	forget: (title) => `Remove ${title}`,
};

export const size = {
	pattern: "Pattern size",
	page: "Page",
	patternNote(size, across) {
		const dots = `${format.whole(across)} dots along the longer side.`;
		return size === 1 ? `Each dot is one pixel: ${dots}` : `Each dot is ${size} × ${size} pixels: ${dots}`;
	},
	asOriginal: "as the original",
};

export const histogram = { label: "Dark to light", mean: (title, percent) => `${title}: ${percent} % light` };

export const values = { srgb: "sRGB", ciede2000: "CIEDE2000", flatten: "Fill" };
export const units = { angle: "°", cell: " px", width: "px", height: "px", scale: "×" };
export const field = {
	reset: (label) => `Reset ${label}`,
	auto: "Auto",
	rowsBad: {
		kernel: "Write rows of numbers. Every row needs the same, odd number of them.",
		exclude: "Write four numbers in each line: left, top, width and height.",
	},
};

export const save = {
	heading: "Keep and share",
	lead: "This stores the original and the dithered picture on this service and gives you a link to share.",
	audience: {
		open: "Everyone who uses this service can see it in the gallery, and delete it.",
		owned: "It is in your gallery only. Anyone with the link can see it.",
	},
	leadAgain: "This adds the version on the screen to the picture you kept before.",
	leadAnew: "This stores the picture a second time, because each stored picture has one email address.",
	email: "Send the link by email (optional)",
	emailHint: "We use the address for this mail only and delete it later.",
	emailBad: "Please enter a valid email address, such as you@example.org.",
	emailPlaceholder: "you@example.org",
	start: "Keep it and get a link",
	another: "Keep another version",
	steps: { uploaded: "Uploaded", queued: "In the queue", dithered: "Dithered", mailed: "Mail sent" },
	doing: { uploaded: "Uploading", queued: "Waiting for its turn", dithered: "Dithering", mailed: "Sending the mail" },
	stepState: { wait: "to do", now: "in progress", done: "done", failed: "failed" },
	stepFailed: { uploaded: "Not uploaded", queued: "Not in the queue", dithered: "Not dithered", mailed: "Mail not sent" },
	progress: "Upload",
	sent: (sent, total) => `${format.bytes(sent)} of ${format.bytes(total)}`,
	link: "Link to the picture",
	copyLink: "Copy link",
	copiedLink: "Link copied",
	copyPicture: "Copy picture",
	copiedPicture: "Picture copied",
	cannotCopy: "Your browser does not allow this. Please copy the text yourself.",
	download: (format) => `Download ${format}`,
	panelFile: "file",
	downloads: "Download",
	format: "File format",
	downloaded: (name) => `Downloaded ${name}`,
	making: (format) => `Making the ${format} …`,
	failed: "This picture could not be dithered.",
	mailNotes: {
		unconfirmed: "Please confirm your address first: we have sent you a mail for that.",
		failed: "The mail could not be sent. You can still use the link below.",
		null: "The mail is on its way. You can close this window.",
	},
	goneMeanwhile: "This picture has been deleted.",
	finished: "Your picture is kept, and its link is ready.",
	show: "Show",
};

export const gallery = {
	heading: "Gallery",
	empty: "Nothing here yet.",
	emptyHint: "Pictures that you keep appear here.",
	start: "Dither a picture",
	loading: "Loading the gallery …",
	more: "Show more",
	dithers: (count) => (count === 1 ? "1 version" : `${count} versions`),
	working: "Dithering …",
	failed: "This one failed",
	remove: "Delete",
	removed: (name) => `Deleted ${name}`,
	undo: "Undo",
	restored: (name) => `${name} is back.`,
	newDither: "Make a new version",
	edit: "Edit",
	original: "Original",
	shown: (count) => `${count} pictures shown`,
};

export const offline = { text: "You are offline. Your picture and settings are safe.", back: "Back online" };

export const key = {
	heading: "API key",
	lead: "This service needs a key. The page keeps it until you close this tab.",
	label: "Key",
	wrong: "This key is not valid.",
	use: "Use this key",
};

export const dialog = { close: "Close", dismiss: "Dismiss", messages: "Messages" };

export const errors = {
	retry: "Try again",
	change: "Change",
	retryIn: (seconds) => `Trying again in ${seconds} s`,
	offline: "The service cannot be reached. Please check your connection.",
	limited: "Too many requests.",
	busy: "The service is busy right now. Please try again in a moment.",
	large: "This file is too large.",
	gone: "This no longer exists.",
	refused: "The service did not accept this.",
	failed: "Something went wrong on our side.",
	emptyFile: (name) => `“${name}” is empty.`,
	notAPicture: (name) => `“${name}” is not a picture. You can open ${FORMATS} files.`,
	tooLarge: (bytes, limit) => `This file is ${format.bytes(bytes)}. The limit is ${format.bytes(limit)}.`,
	tooManyPixels: (size, limit) => `${format.dimensions(size)} pixels are too many. The limit is ${format.whole(limit / 1e6)} million.`,
	noImagePasted: "There is no picture in the clipboard.",
};
