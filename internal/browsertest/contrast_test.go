package browsertest

import (
	_ "embed" // the script

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed colours.js
var colours string

// withColours lets an expression call the functions of colours.js.
func withColours(expression string) string {
	return "(() => {" + colours + "return " + expression + "})()"
}

// text is some text on the page.
type text struct {
	Text     string  `json:"text"`
	Contrast float64 `json:"contrast"`
	Colours  string  `json:"colours"`
}

// texts lists every text that can be seen, and what is written in fields. Text for screen readers alone is left out.
const texts = `(() => {
	const seen = [];
	const note = (element, text) => {
		const box = element.getBoundingClientRect(), style = getComputedStyle(element);
		if (!text || box.width < 2 || box.height < 2 || !element.checkVisibility()) { return; }
		const under = ground(element);
		seen.push({text, contrast: contrast(style.color, under), colours: style.color + " on " + JSON.stringify(under)});
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) { note(walker.currentNode.parentElement, walker.currentNode.data.trim()); }
	document.querySelectorAll("input").forEach(e => note(e, e.value));
	return seen;
})()`

// canReadEverything: text has a contrast of 4.5, https://www.w3.org/TR/WCAG22/#contrast-minimum.
func (v *visitor) canReadEverything(scheme string) {
	v.t.Helper()
	seen := evaluate[[]text](v, withColours(texts))
	require.NotEmpty(v.t, seen)
	for _, s := range seen {
		assert.GreaterOrEqual(v.t, s.Contrast, 4.5, "%s: %q is %s", scheme, s.Text, s.Colours)
	}
}
