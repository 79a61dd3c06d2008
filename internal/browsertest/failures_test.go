package browsertest

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// What cannot be continued ends on a page that says so, with a number to quote and one thing to do.
func TestWhatCannotBeContinuedSaysSo(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	for name, c := range map[string]struct {
		path string
		page page
	}{
		"the sign-in's address opened by itself":     {"/entra/sso", noRequestPage},
		"a sign-in that is not of this browser":      {"/entra/signin/00112233445566778899aabbccddeeff", overPage},
		"an address that leads nowhere":              {"/entra/nowhere", nowherePage},
		"a start link that leads out of Microsoft's": {"/entra/start?to=https%3A%2F%2Fexample.net%2F", noStartPage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t)
			v.opens(site.home + c.path)
			v.comesTo(c.page)
			require.Regexp(t, `^[0-9a-f]{8}$`, v.reads("quote"), "a number to quote")
			require.Equal(t, []string{"Start again"}, v.actions(), "one thing to do")

			v.presses("Start again")
			v.comesTo(choicePage)
		})
	}
}

// Going back does not sign in a second time: the page that held the response is not kept, and its request is answered.
func TestGoingBackAfterSigningInEndsOnAPageThatSaysItIsOver(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	v.runsNoScripts() // else there is no page to go back to
	v.opens(site.smartLink(site.document()))
	v.comesTo(requestPage)
	v.presses("Continue")
	v.comesTo(choicePage)
	v.presses("A contractor who was here before")
	v.comesTo(responsePage)
	v.presses("Continue")
	v.comesTo(documentPage)

	v.goesBack()
	v.comesTo(overPage)
	v.presses("Start again")
	v.comesTo(documentPage)
}

// Whoever gets hold of a response that was used gets nowhere with it.
func TestAResponseThatIsPostedAgainIsRefused(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	v.opens(site.smartLink(site.document()))
	v.comesTo(choicePage)
	v.presses("A contractor who was here before")
	v.comesTo(documentPage)

	v.postsTheResponseAgain(site)
	v.comesTo(verdictPage)
	require.Contains(t, v.readsAll(), "was answered before")
}

// The simulated tenant explains a refusal by the code that Entra shows.
func TestTheSimulatedTenantExplainsARefusal(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	t.Run("a reply address outside Microsoft 365", func(t *testing.T) {
		t.Parallel()
		v := newVisitor(t)
		v.opens(site.tenant + "/login.srf?whr=contoso.com&wreply=" + url.QueryEscape("https://example.net/"))
		v.comesTo(troublePage)
		require.Contains(t, v.readsAll(), "AADSTS90023")
	})
	t.Run("an address in no domain of the tenant", func(t *testing.T) {
		t.Parallel()
		v := newVisitor(t)
		v.opens(site.tenant + "/login.srf?login_hint=somebody@example.net")
		v.comesTo(addressPage)
		require.Contains(t, v.readsAll(), "AADSTS50128")
	})
}
