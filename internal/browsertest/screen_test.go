package browsertest

import "github.com/stretchr/testify/assert"

// beyond lists what reaches out of the page to the right, innermost first.
const beyond = `[...document.body.querySelectorAll("*")].reverse()
	.filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth && !e.closest(".table *"))
	.map(e => e.outerHTML.slice(0, 80))`

// scrollsDownOnly: nothing is wider than the screen.
func (v *visitor) scrollsDownOnly() {
	v.t.Helper()
	v.waits("the small screen", func() bool { return evaluate[int](v, `innerWidth`) == 320 })
	if evaluate[int](v, `document.documentElement.scrollWidth - document.documentElement.clientWidth`) > 0 {
		assert.Fail(v.t, "the page is wider than the screen", "%v", evaluate[[]string](v, beyond))
	}
}
