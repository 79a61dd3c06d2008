package browsertest

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The examples that put a host of somebody's behind the Bridge: each is walked from a smart link to the document.
func TestThePeopleOfAHostAreSignedIn(t *testing.T) {
	t.Parallel()
	needChromium(t)
	for name, test := range map[string]struct {
		heading, user, button string // of the host's own sign-in page
	}{
		"scs":     {"Sign in to the application", "username", "Sign in"},
		"gorilla": {"Sign in to the application", "username", "Sign in"},
		"crewjam": {"Sign in", "user", "Sign in"},
		"oidc":    {"Sign in at the provider", "username", "Sign in"},
		"ldap":    {"Sign in to go on to Microsoft 365", "username", "Sign in"}, // the Bridge's page
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := buildProgram(t.TempDir(), "./examples/"+name)
			require.NoError(t, err)
			line, err := startProgram(t, program, "-addr", "127.0.0.1:0").ReadString('\n')
			require.NoError(t, err, "it ended before it said where it is")
			link := regexp.MustCompile(`http://\S+`).FindString(line)
			require.NotEmpty(t, link, line)

			v := newVisitor(t)
			strip := v.keepsStrip()
			v.opens(link)
			v.comesTo(page{Heading: test.heading, Plain: true})
			strip.add()
			v.writes(test.user, "contractor")
			v.writes("password", "open sesame")
			v.presses(test.button)
			v.comesTo(progressPage)
			strip.add()
			v.comesTo(documentPage)
			strip.add()
			strip.write("host-" + name)
			require.Equal(t, "contractor@contoso.com", v.reads("upn"))
		})
	}
}
