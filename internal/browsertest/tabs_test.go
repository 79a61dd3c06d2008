package browsertest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// One browser keeps any number of sign-ins apart.
func TestOnePersonSignsInWithTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "fast")
	first := newVisitor(t)
	first.opens(site.smartLink(site.document()))
	first.comesTo(choicePage)
	second := first.opensAnotherTab()
	second.opens(site.startLink(site.document()))
	second.comesTo(choicePage)

	first.presses("A contractor with a Google account")
	second.presses("A contractor with a Google account")

	for _, tab := range []*visitor{first, second} {
		tab.comesTo(documentPage)
		require.Equal(t, "google.contractor@contoso.com", tab.reads("upn"))
	}
}

// Two people at one browser: each tab answers for the person who was chosen there. Microsoft's session is that of the
// last one, as in any browser.
func TestTwoPeopleSignInWithTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "fast")
	first := newVisitor(t)
	first.opens(site.smartLink(site.document()))
	first.comesTo(choicePage)
	second := first.opensAnotherTab()
	second.opens(site.smartLink(site.document()))
	second.comesTo(choicePage)

	// The host has one session for the browser, that of the last choice: the first tab's sign-in must have taken over its
	// person before the second tab's choice replaces the session.
	first.presses("A contractor with a Google account")
	first.comesTo(progressPage)
	second.presses("A partner with a LinkedIn account")

	first.comesTo(documentPage)
	second.comesTo(documentPage)
	require.Contains(t, first.answered(site), "google.contractor@contoso.com")
	require.Contains(t, second.answered(site), "linkedin.partner@contoso.com")
}
