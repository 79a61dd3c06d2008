package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
)

func TestHelpExplainsEveryVariableAndFlag(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-h", "-help", "--help"} {
		code, stdout, stderr := newWorld(t).command("", flag)
		require.Equal(t, command.ExitOK, code)
		require.Empty(t, stderr)
		for _, v := range variables() {
			require.Contains(t, stdout, v.Name+" ")
			require.Contains(t, stdout, v.Meaning)
			require.Contains(t, stdout, v.Example)
		}
		for _, f := range new(flags).list() {
			require.Contains(t, stdout, "-"+f.Name+" ")
			require.Contains(t, stdout, f.Text)
		}
	}
}

func TestEveryFlagOfTheHelpExists(t *testing.T) {
	t.Parallel()
	for _, f := range new(flags).list() {
		args := []string{"-" + f.Name}
		if f.Name == "json" {
			args = append(args, "-check")
		}
		_, err := parseFlags(args)
		require.NoError(t, err)
	}
}

func TestWrongUsageEndsWith2(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"a flag that does not exist": {[]string{"-serve"}, "-serve"},
		"an argument":                {[]string{"serve"}, "environment variables"},
		"two jobs":                   {[]string{"-check", "-print-federation"}, "exclude each other"},
		"json without check":         {[]string{"-json"}, "-check only"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := newWorld(t).command("", test.args...)
			require.Equal(t, command.ExitUsage, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
			require.Contains(t, stderr, "idp -h")
		})
	}
}
