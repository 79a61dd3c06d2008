package browsertest

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The pages open in the embedded browsers of old Office applications, which know ECMAScript 5 and no more.
func TestTheScriptsAreES5(t *testing.T) {
	t.Parallel()
	acorn := npmPackage(t, "acorn", "bin", "acorn")
	isES5 := func(script string) error {
		check := exec.Command("node", acorn, "--ecma5", "--silent")
		check.Stdin = strings.NewReader(script)
		return check.Run()
	}
	require.NoError(t, isES5(`var f = function (a) { return a.b; };`))
	require.Error(t, isES5(`const f = a => a?.b;`), "the check can fail")

	site := startShowcase(t)
	for address, shows := range map[string]page{
		site.scene("plain", "progress"): stepsPage, site.scene("plain", "long"): waitingPage,
		site.address("plain", "/ask?login_hint=signed-in"): leavingPage,
	} {
		v := newVisitor(t)
		v.sendsNoForms()
		v.opens(address)
		v.comesTo(shows)
		scripts := evaluate[[]string](v, `[...document.scripts].map(s => s.textContent)`)
		require.Len(t, scripts, 1)
		require.NoError(t, isES5(scripts[0]), scripts[0])
	}
}
