package main

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
)

// TestVectors feeds every vector of package entratest through the command line.
func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(vectorFolder, "*.txt"))
	require.NoError(t, err)
	require.Greater(t, len(files), 100)
	for _, file := range files {
		v := readVector(t, file)
		if v.header.Get("guests-from") != "" {
			continue // the command line checks responses of members
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			args := v.arguments(t)
			ran := inspect(t, v.body, append([]string{"-json"}, args...)...)
			require.Empty(t, ran.Stderr)
			var got struct {
				What, Outcome string
				Verdict       struct {
					Code string
					Rule int
				}
			}
			require.NoError(t, json.Unmarshal([]byte(ran.Stdout), &got))
			if v.header.Get("expect") == "accepted" || v.isBeyond() {
				require.Equal(t, command.ExitOK, ran.Code, ran.Stdout)
				require.NotEqual(t, "refused", got.Outcome)
			} else {
				require.Equal(t, command.ExitFailed, ran.Code, ran.Stdout)
				require.Equal(t, "refused", got.Outcome)
				require.Equal(t, v.header.Get("rule"), strconv.Itoa(got.Verdict.Rule))
				require.Equal(t, v.header.Get("expect"), got.Verdict.Code)
			}
			text := inspect(t, v.body, args...)
			require.Equal(t, ran.Code, text.Code)
			require.Empty(t, text.Stderr)
			require.NotContains(t, text.Stdout, "\x1b")
		})
	}
}

// isBeyond: the vector is about what the command line cannot say: two domains of one issuer, an account that is disabled,
// and what was accepted before.
func (v vector) isBeyond() bool {
	return v.header.Get("rule") == "11" || v.header.Get("seen") != "" || strings.HasSuffix(v.header.Get("user"), " disabled")
}

// arguments are the flags that say what the header says.
func (v vector) arguments(t testing.TB) []string {
	t.Helper()
	var args []string
	add := func(name, value string) {
		if value != "" {
			args = append(args, "-"+name, value)
		}
	}
	if v.header.Get("mode") == "lenient" {
		args = append(args, "-lenient")
	}
	if v.header.Get("request-certificate") != "" {
		add("cert", filepath.Join(vectorFolder, v.header.Get("request-certificate")))
		add("decode", "-")
		return args
	}
	for _, file := range v.header.Values("certificate") {
		add("cert", filepath.Join(vectorFolder, file))
	}
	for _, name := range []string{"issuer", "domain"} {
		add(name, v.header.Get(name))
	}
	add("at", v.header.Get("now"))
	if user := strings.Fields(v.header.Get("user")); len(user) == 2 { // it is taken for enabled
		add("immutable-id", user[0])
		add("user", user[1])
	}
	add("mfa", v.header.Get("require-mfa"))
	if seconds := v.header.Get("sign-in-frequency"); seconds != "" {
		add("sign-in-frequency", seconds+"s")
	}
	add("request", keep(t, v.asked()))
	return append(args, "-")
}

// asked is the form that Entra posted before.
func (v vector) asked() string {
	request := `<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="` + v.header.Get("request-id") + `"/>`
	return "SAMLRequest=" + escape(encode(request)) + "&RelayState=" + escape(v.header.Get("relay-state"))
}

func escape(s string) string {
	return strings.NewReplacer("%", "%25", "+", "%2B", "/", "%2F", "=", "%3D", "&", "%26").Replace(s)
}
