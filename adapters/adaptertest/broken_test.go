package adaptertest_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/adaptertest"
)

// brokenHost names the fault of the host that this process checks.
const brokenHost = "ADAPTERTEST_BROKEN_HOST"

// TestBrokenHost is run by the test below, in a process of its own, because it fails.
func TestBrokenHost(t *testing.T) {
	fault := slices.IndexFunc(faults(), func(b broken) bool { return b.fault == os.Getenv(brokenHost) })
	if fault < 0 {
		t.Skip("run by TestTheSuiteNoticesWhatIsBroken")
	}
	adaptertest.Run(t, func(_ *testing.T, env adaptertest.Environment) adaptertest.Host {
		return faults()[fault].describe(env)
	})
}

var failedRule = regexp.MustCompile(`(?m)^    --- FAIL: TestBrokenHost/(\S+)`)

func TestTheSuiteNoticesWhatIsBroken(t *testing.T) {
	t.Parallel()
	for _, b := range faults() {
		t.Run(b.fault, func(t *testing.T) {
			t.Parallel()
			command := exec.Command(os.Args[0], "-test.run=^TestBrokenHost$", "-test.v")
			command.Env = append(os.Environ(), brokenHost+"="+b.fault)
			output, err := command.CombinedOutput()
			require.Error(t, err)
			require.NotContains(t, string(output), "panic:")
			var failed []string
			for _, match := range failedRule.FindAllStringSubmatch(string(output), -1) {
				failed = append(failed, strings.ReplaceAll(match[1], "_", " "))
			}
			require.ElementsMatch(t, b.rules, failed, "%s", output)
		})
	}
}

// Every rule has a fault that it notices.
func TestEveryRuleCanFail(t *testing.T) {
	t.Parallel()
	for _, rule := range adaptertest.Rules() {
		noticed := slices.ContainsFunc(faults(), func(b broken) bool { return slices.Contains(b.rules, rule.Name) })
		require.True(t, noticed, rule.Name)
	}
}
