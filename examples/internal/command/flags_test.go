package command_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
)

// wanted are flags of every kind, of two sub-commands.
type wanted struct {
	file  string
	json  bool
	n     int
	every time.Duration
	more  []string
}

func (w *wanted) list() (all command.Flags) {
	all.Add(&w.file, "out", "FILE", "where to", "plan")
	all.Add(&w.json, "json", "", "print JSON", "plan", "apply")
	all.Add(&w.n, "n", "N", "how many", "apply")
	all.Add(&w.every, "every", "DURATION", "how often", "apply")
	all.Add(func(text string) error { w.more = append(w.more, text); return nil }, "also", "NAME", "again for more", "apply")
	return all
}

func TestFlagsComeBeforeAndAfterTheOtherArguments(t *testing.T) {
	t.Parallel()
	var w wanted
	files, err := command.ParseMixed(w.list().Set("federate", "apply"),
		[]string{"-n", "3", "plan.json", "-json", "-every", "1m", "-also", "a", "more.json", "-also", "b"})
	require.NoError(t, err)
	require.Equal(t, []string{"plan.json", "more.json"}, files)
	require.Equal(t, wanted{json: true, n: 3, every: time.Minute, more: []string{"a", "b"}}, w)
}

func TestASubCommandHasItsOwnFlagsAlone(t *testing.T) {
	t.Parallel()
	var w wanted
	_, err := command.ParseMixed(w.list().Set("federate", "plan"), []string{"-n", "3"})
	require.ErrorContains(t, err, "-n")
	require.NoError(t, w.list().Set("federate", "").Parse([]string{"-n", "3", "-out", "x"}))
}

func TestAFlagThatGoesNowhereIsAMistakeOfTheProgram(t *testing.T) {
	t.Parallel()
	var all command.Flags
	all.Add(1, "n", "", "")
	require.PanicsWithValue(t, "command: -n goes to a int", func() { all.Set("federate", "") })
}

func TestTheExplanationOfFlags(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	new(wanted).list().Print(&b)
	require.Equal(t, strings.TrimLeft(`
  -out FILE        plan         where to
  -json            plan, apply  print JSON
  -n N             apply        how many
  -every DURATION  apply        how often
  -also NAME       apply        again for more
`, "\n"), b.String())
	var all command.Flags
	all.Add(new(bool), "json", "", "print JSON")
	b.Reset()
	all.Print(&b)
	require.Equal(t, "  -json  print JSON\n", b.String())
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	var p command.Problems
	require.NoError(t, p.Err())
	p.If(false, "not this")
	p.If(true, "%q is too much", "x")
	p.If(true, "-yes is missing")
	require.EqualError(t, p.Err(), "\"x\" is too much\n-yes is missing")
	require.NoError(t, errors.Unwrap(p.Err()))
}
