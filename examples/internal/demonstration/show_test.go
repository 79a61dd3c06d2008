package demonstration_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
)

// host is one without anything of its own.
func host(_ context.Context, _ *demonstration.Demonstration) (http.Handler, error) {
	return http.NotFoundHandler(), nil
}

func run(ctx context.Context, s demonstration.Show, args ...string) commandtest.Result {
	p := commandtest.New("host")
	s.Name, s.Adapter, s.Is = "host", "session", "host is an example."
	return commandtest.Run(&p, args, func() int { return s.Run(ctx, p) })
}

func TestTheHelpSaysWhatIsShownAndWhereItStands(t *testing.T) {
	t.Parallel()
	s := demonstration.Show{Host: host}
	s.Flags.Add(new(string), "issuer", "URL", "where people sign in")
	got := run(t.Context(), s, "-h")
	require.Equal(t, command.ExitOK, got.Code)
	require.Empty(t, got.Stderr)
	for _, says := range []string{
		"host is an example.\n", "go run ./examples/host\n", "examples/host/main.go", "adapters/session/README.md", "-addr ADDRESS", "-issuer URL", "Exit codes:",
	} {
		require.Contains(t, got.Stdout, says)
	}
}

func TestACommandLineThatIsWrongStartsNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"an unknown flag", []string{"-adr", "127.0.0.1:0"}, "-adr"},
		{"no flag", []string{"127.0.0.1:0"}, `"127.0.0.1:0" is not a flag`},
		{"flags that do not go together", []string{"-addr", "127.0.0.1:0"}, "one thing without the other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := run(t.Context(), demonstration.Show{Check: func() error { return errors.New("one thing without the other") }}, c.args...)
			require.Equal(t, command.ExitUsage, got.Code)
			require.Contains(t, got.Stderr, c.want)
			require.Contains(t, got.Stderr, "Try host -h.")
			require.Empty(t, got.Stdout)
		})
	}
}

func TestAHostSaysWhereItIsAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	ended := 0
	got := run(ctx, demonstration.Show{Host: func(ctx context.Context, demo *demonstration.Demonstration) (http.Handler, error) {
		demo.AtEnd(func(context.Context) error { ended++; return nil })
		return host(ctx, demo)
	}}, "-addr", "127.0.0.1:0")
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Regexp(t, `^Open http://127\.0\.0\.1:\d+/entra/go and sign in as contractor, with the password "open sesame"\. `+
		`Ctrl-C ends it\.\n$`, got.Stdout)
	require.Equal(t, 1, ended)
}

func TestAHostThatCannotGoOnSaysWhy(t *testing.T) {
	t.Parallel()
	ended := 0
	got := run(t.Context(), demonstration.Show{Host: func(_ context.Context, demo *demonstration.Demonstration) (http.Handler, error) {
		demo.AtEnd(func(context.Context) error { ended++; return nil })
		return nil, errors.New("the provider is not there")
	}}, "-addr", "127.0.0.1:0")
	require.Equal(t, command.ExitFailed, got.Code)
	require.Equal(t, "host: the provider is not there\n", got.Stderr)
	require.Equal(t, 1, ended, "what was begun is ended")

	got = run(t.Context(), demonstration.Show{Host: host}, "-addr", "0.0.0.0:0")
	require.Equal(t, command.ExitFailed, got.Code)
	require.Contains(t, got.Stderr, "is not an address of this machine")
}
