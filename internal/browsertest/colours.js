// Colours as https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio compares them.

// channels reads a computed colour: rgb(r, g, b) or rgba(r, g, b, a).
const channels = colour => {
	const [r, g, b, a = 1] = colour.match(/^rgba?\((.*)\)$/)[1].split(",").map(Number);
	return {r, g, b, a};
};

// over lays one colour on another.
const over = (top, below) => {
	const mix = name => top[name] * top.a + below[name] * (1 - top.a);
	return {r: mix("r"), g: mix("g"), b: mix("b"), a: 1};
};

// ground is the colour on which the element's text lies.
const ground = element => {
	if (!element) { return {r: NaN, g: NaN, b: NaN, a: 1}; } // no page leaves it to the browser
	const own = channels(getComputedStyle(element).backgroundColor);
	return own.a === 1 ? own : over(own, ground(element.parentElement));
};

const luminance = ({r, g, b}) => {
	const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
};

// contrast of a computed colour with the ground, from 1 to 21.
const contrast = (colour, ground) => {
	const one = luminance(over(channels(colour), ground)), other = luminance(ground);
	return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
};
