package browsertest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPersonWhoIsKnownContinuesAtOnce(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t)
	v := newVisitor(t)
	v.watchesProgress()
	v.opens(site.smartLink(site.document()))
	v.comesTo(choicePage)
	v.presses("A contractor who was here before")
	v.comesTo(documentPage)
	require.Equal(t, "returning.contractor@contoso.com", v.reads("upn"))
	require.Equal(t, "O365_BUSINESS_PREMIUM", v.reads("licences"))
	for _, seen := range v.progressSeen() {
		require.False(t, seen.has(creating+" (under way)") || seen.has(settling+" (under way)"), "nothing is made anew")
	}
}

func TestASecondVisitAsksNobody(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	v.opens(site.smartLink(site.document()))
	v.comesTo(choicePage)
	v.presses("A contractor who was here before")
	v.comesTo(documentPage)

	v.opens(site.home)
	v.comesTo(homePage)
	require.Contains(t, v.readsAll(), "Signed in here: A contractor who was here before.")
	v.presses("Open the document")
	v.comesTo(documentPage)
	require.Len(t, v.did.requestsOf(site.home+"/entra/sso"), 1, "Microsoft's session is enough the second time")
}

// A directory sync owns the employee's account: the pipeline leaves it alone, and the sign-in works all the same.
func TestAnEmployeeOfTheDirectoryIsLeftAloneAndSignedIn(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t)
	v := newVisitor(t)
	v.watchesProgress()
	v.opens(site.smartLink(site.document()))
	v.comesTo(choicePage)
	v.presses("An employee from the company directory")
	v.comesTo(documentPage)
	require.Equal(t, "employee@contoso.com", v.reads("upn"))
	require.Equal(t, "STANDARDPACK", v.reads("licences"), "what the sync gave, and nothing more")
	for _, seen := range v.progressSeen() {
		require.False(t, seen.has(creating+" (under way)") || seen.has(licensing+" (under way)"), "nothing is made")
	}
}

func TestAPersonForWhomNoLicenceIsLeftIsToldSo(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "fast")
	v := newVisitor(t)
	v.opens(site.smartLink(site.document()))
	v.comesTo(choicePage)
	v.presses("An agency worker for whom no licence is left")

	v.comesTo(noLicencePage)
	v.takesPicture("failure")
	first := v.reads("quote")
	require.Regexp(t, `^[0-9a-f]{8}$`, first, "a number to quote")
	require.Equal(t, []string{"Try again"}, v.actions(), "one thing to do")

	v.presses("Try again")
	v.waits("another answer", func() bool { return v.reads("quote") != "" && v.reads("quote") != first })
	v.comesTo(noLicencePage)
	require.Empty(t, v.did.requestsOf(site.document()), "nobody is signed in")
}
