package browsertest

import (
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// focus is what the keyboard is at.
type focus struct {
	Text     string  `json:"text"`
	Outline  string  `json:"outline"`  // its style
	Width    float64 `json:"width"`    // of the outline, in CSS pixels
	Contrast float64 `json:"contrast"` // of the outline with what it lies on
}

const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) { return {text: ""}; }
	const style = getComputedStyle(e);
	return {
		text: (e.textContent || e.getAttribute("aria-label") || e.id).trim(),
		outline: style.outlineStyle, width: parseFloat(style.outlineWidth),
		contrast: contrast(style.outlineColor, ground(e.parentElement)),
	};
})()`

// tabs presses the tabulator key and returns what the keyboard is at then.
func (v *visitor) tabs() focus {
	v.t.Helper()
	require.NoError(v.t, chromedp.Do(v.ctx, chromedp.KeyEvent(kb.Tab)))
	return evaluate[focus](v, withColours(focused))
}

// tabsTo goes on with the tabulator key to the link or button that begins with a text.
func (v *visitor) tabsTo(text string) {
	v.t.Helper()
	for range v.canPress() {
		if at := v.tabs(); strings.HasPrefix(at.Text, text) {
			v.isVisible(at, "light")
			return
		}
	}
	require.Fail(v.t, "the keyboard does not get to "+text)
}

// seesWhereTheKeyboardIs: everything that can be used is reached, and marked so that it can be told from the rest. The
// mark must have a contrast of 3: https://www.w3.org/TR/WCAG22/#non-text-contrast.
func (v *visitor) seesWhereTheKeyboardIs(scheme string) {
	v.t.Helper()
	for range v.canPress() {
		at := v.tabs()
		if at.Text == "" {
			at = v.tabs() // after the last one comes the browser itself
		}
		require.NotEmpty(v.t, at.Text, "the keyboard is nowhere")
		v.isVisible(at, scheme)
	}
}

func (v *visitor) isVisible(at focus, scheme string) {
	v.t.Helper()
	assert.NotEqual(v.t, "none", at.Outline, "%s: no outline at %q", scheme, at.Text)
	assert.GreaterOrEqual(v.t, at.Width, 2.0, "%s: the outline at %q is too thin", scheme, at.Text)
	assert.GreaterOrEqual(v.t, at.Contrast, 3.0, "%s: the outline at %q cannot be told from the page", scheme, at.Text)
}

// canPress is how many things the keyboard can get to.
func (v *visitor) canPress() int {
	v.t.Helper()
	return evaluate[int](v,
		`document.querySelectorAll("a[href], button, input:not([type=hidden]), summary, [tabindex]").length`)
}
