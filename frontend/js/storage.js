/** `kind`: "localStorage" or "sessionStorage". → what `use(storage)` returns; undefined where the browser blocks storage. */
export function stored(kind, use) {
	try {
		return use(window[kind]);
	} catch {
		return undefined;
	}
}
