package browsertest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Signing out at Microsoft offers to sign out here as well; the next sign-in may be another person's.
func TestSigningOutAtMicrosoftMakesRoomForAnotherPerson(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	signsIn(v, site)
	v.comesTo(documentPage)
	v.presses("Sign out")
	v.comesTo(signedOutPage)
	v.presses("Sign out of your organization as well")
	v.comesTo(goodbyePage)

	v.presses("Sign in again")
	v.comesTo(choicePage)
	v.presses("An employee from the company directory")
	v.comesTo(documentPage)
	require.Equal(t, "employee@contoso.com", v.reads("upn"))
}

// Signing out here offers to sign out at Microsoft as well; without it, Microsoft's session goes on.
func TestSigningOutHereOffersToSignOutAtMicrosoft(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	signsIn(v, site)
	v.comesTo(documentPage)
	v.opens(site.home)
	v.comesTo(homePage)
	v.presses("Sign out")
	v.comesTo(goodbyePage)

	v.opens(site.home)
	v.comesTo(homePage)
	require.NotContains(t, v.readsAll(), "Signed in here")
	v.presses("Open the document")
	v.comesTo(documentPage)

	v.opens(site.home + "/entra/logout")
	v.comesTo(goodbyePage)
	v.presses("Sign out of Microsoft 365 as well")
	v.comesTo(signedOutPage)
	v.opens(site.smartLink(site.document()))
	v.comesTo(choicePage)
}
