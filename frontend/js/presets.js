/**
 * Looks: sets of options, by their titles, in looks.json. `across` is the number of pattern dots along
 * the longer side, so that a look is the same on every picture; looks of devices have the device's
 * width. A look whose algorithm or palette the engine does not offer is not shown.
 */

const COMPUTED = /^(gray|channels|adaptive:.*)$/;

/** → [{title, options}, …] */
export function presetsOf(catalogue) {
	return Object.entries(catalogue.looks)
		.filter(([, { algorithm, palette }]) => catalogue.algorithm(algorithm) && (Array.isArray(palette) || COMPUTED.test(palette) || catalogue.palette(palette)))
		.map(([title, options]) => ({ title, options: catalogue.sparse(options) }));
}

/** The name for a set of options: the title of a look, else the name of the method. */
export function lookOf(catalogue, options) {
	const drawn = ({ format: _, ...others }) => JSON.stringify(others);
	const preset = presetsOf(catalogue).find((entry) => drawn(entry.options) === drawn(options));
	return preset?.title ?? catalogue.panelOf(options)?.name ?? catalogue.value(options, "algorithm");
}
