package federation_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

func TestRequestsOfTheOperations(t *testing.T) {
	t.Parallel()
	const guests = "/directory/federationConfigurations"
	const ofGuests = "/microsoft.graph.samlOrWsFedExternalDomainFederation"
	for operation, want := range map[federation.Operation]string{
		federation.CreateConfiguration: "POST /domains/contoso.com/federationConfiguration",
		federation.ChangeConfiguration: "PATCH /domains/contoso.com/federationConfiguration/an-id",
		federation.DeleteConfiguration: "DELETE /domains/contoso.com/federationConfiguration/an-id",
		federation.ChangeDomain:        "PATCH /domains/contoso.com",
		federation.PromoteDomain:       "POST /domains/contoso.com/promote",
		federation.CreateGuests:        "POST " + guests + ofGuests,
		federation.ChangeGuests:        "PATCH " + guests + ofGuests + "/an-id",
		federation.DeleteGuests:        "DELETE " + guests + "/an-id",
		federation.AddGuestDomain:      "POST " + guests + "/an-id" + ofGuests + "/domains",
		federation.RemoveGuestDomain:   "DELETE " + guests + "/an-id" + ofGuests + "/domains/contoso.com",
		"something else":               " ",
	} {
		method, path := federation.Write{Operation: operation, Domain: "contoso.com", ID: "an-id"}.Request()
		require.Equal(t, want, method+" "+path)
	}
	_, path := federation.Write{Operation: federation.ChangeDomain, Domain: "a/../b"}.Request()
	require.Equal(t, "/domains/a%2F..%2Fb", path)
}

func TestAPlanShowsCertificatesAndNoBase64(t *testing.T) {
	t.Parallel()
	text := newScene(t, planScenes()["foreign"]).plan().String()
	require.NotContains(t, text, bare(signing())[:20])
	require.Contains(t, text, "- signingCertificate: CN=other, SHA-256 ")
	require.Contains(t, text, "+ signingCertificate: CN=signing, SHA-256 ")
	require.Contains(t, text, "valid from 2026-03-01 to 2028-03-01")
}

// A tenant, or a file, may hold anything: a plan must not be able to hide its own lines.
func TestAPlanPrintsNothingThatATerminalActsOn(t *testing.T) {
	t.Parallel()
	const trick = "a\x1b[2J\n   + issuerUri: \"harmless\"\u202e\x07"
	plan := newScene(t, func(s *scene) {
		live(s)
		s.change(func(c *federation.Configuration) { c.DisplayName = trick })
		s.users = []federation.User{{UserPrincipalName: trick + "@contoso.com", Enabled: true}}
	}).plan()
	plan.Writes[0].Reason, plan.Findings[0].Rule, plan.Findings[0].Severity = trick, trick, trick
	plan.Writes[0].Changes[0].Property = trick
	text := plan.String()
	require.Contains(t, text, `a?[2J?`)
	for _, line := range strings.Split(text, "\n") {
		require.NotRegexp(t, `^   \+ issuerUri`, line)
		require.False(t, strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
	}
}

func TestAStyleMarksTheParts(t *testing.T) {
	t.Parallel()
	plan := newScene(t, func(s *scene) {
		live(s)
		s.DisplayName, s.Protocol, s.Domain = "Contoso", federation.WSFed, "contoso.com"
		s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
		s.users = []federation.User{{UserPrincipalName: "a@contoso.com", Synced: true}}
	}).plan()
	mark := func(name string) func(string) string {
		return func(text string) string { return "<" + name + ">" + text + "</" + name + ">" }
	}
	var b strings.Builder
	require.NoError(t, plan.Print(&b, federation.Style{
		Heading: mark("h"), Removed: mark("r"), Added: mark("a"), Error: mark("e"), Warning: mark("w"), Notice: mark("n"),
	}))
	for _, want := range []string{
		"<h>1. PATCH /domains/contoso.com/federationConfiguration/ours</h>\n",
		"<r>   - displayName: \"contoso.com\"</r>\n", "<a>   + displayName: \"Contoso\"</a>\n",
		"\n<e>error</e> certificate-foreign: ", "\n<w>warning</w> protocol-changes: ", "\n<n>notice</n> users-synced: ",
	} {
		require.Contains(t, b.String(), want)
	}
}

// full takes nothing more.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestPrintTellsOfAWriterThatFails(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, (&federation.Plan{}).Print(full{}, federation.Style{}), "no space left")
}
