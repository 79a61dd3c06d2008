package browsertest

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// violation is a rule of axe-core that a page breaks.
type violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Where []string `json:"where"` // the elements
}

// runAxe checks the success criteria of WCAG 2.0 to 2.2, levels A and AA, that a machine can:
// https://github.com/dequelabs/axe-core/blob/develop/doc/API.md#axe-core-tags.
const runAxe = `axe.run(document, {
	runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
	resultTypes: ["violations"],
}).then(found => ({
	checked: found.passes.length,
	violations: found.violations.map(v => ({id: v.id, help: v.help, where: v.nodes.map(n => n.html + " " + n.failureSummary)})),
}))`

type axeReport struct {
	Checked    int         `json:"checked"`
	Violations []violation `json:"violations"`
}

// isCheckedByAxe returns what axe-core finds wrong with the page.
func (v *visitor) isCheckedByAxe() []violation {
	v.t.Helper()
	source, err := os.ReadFile(npmPackage(v.t, "axe-core", "axe.min.js"))
	require.NoError(v.t, err)
	if !evaluate[bool](v, `"axe" in window`) {
		evaluate[bool](v, string(source)+"; true")
	}
	report, err := chromedp.Run(v.ctx, chromedp.Evaluate[axeReport](runAxe, chromedp.EvalAwaitPromise))
	require.NoError(v.t, err)
	require.Greater(v.t, report.Checked, 5, "axe-core looked at next to nothing")
	return report.Violations
}

// meetsNoBarrier: axe-core finds nothing.
func (v *visitor) meetsNoBarrier(how string) {
	v.t.Helper()
	for _, found := range v.isCheckedByAxe() {
		assert.Fail(v.t, how+": "+found.ID, "%s\n%s", found.Help, strings.Join(found.Where, "\n"))
	}
}

// The check can fail: what is made bad on purpose is found, by the rule that is for it.
func TestAxeReportsWhatIsBad(t *testing.T) {
	t.Parallel()
	site := startShowcase(t)
	for rule, damage := range map[string]string{
		"color-contrast":     `document.querySelector("h1").style.cssText = "color:#999;background:#aaa"`,
		"label":              `document.querySelector("label").remove()`,
		"html-has-lang":      `document.documentElement.removeAttribute("lang")`,
		"document-title":     `document.title = ""`,
		"button-name":        `document.querySelector("button").textContent = ""`,
		"link-name":          `document.querySelector("a").textContent = ""`,
		"aria-allowed-attr":  `document.querySelector("form").setAttribute("aria-checked", "true")`,
		"autocomplete-valid": `document.querySelector("#username").setAttribute("autocomplete", "nonsense")`,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t)
			v.opens(site.scene("plain", "form"))
			v.comesTo(formPage)
			require.Empty(t, v.isCheckedByAxe(), "before")
			evaluate[bool](v, damage+", true")
			var broken []string
			for _, found := range v.isCheckedByAxe() {
				broken = append(broken, found.ID)
			}
			require.Equal(t, []string{rule}, broken)
		})
	}
}
