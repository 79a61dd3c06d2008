package browsertest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSigningInWorksWithoutScripts(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "fast")
	v := newVisitor(t)
	v.runsNoScripts()

	v.opens(site.home)
	v.comesTo(homePage)
	v.presses("Open the document")
	v.comesTo(requestPage)
	v.presses("Continue")
	v.comesTo(choicePage)
	v.presses("A contractor with a Google account")
	v.comesTo(progressPage)
	before := len(v.did.pagesShown())
	v.comesTo(responsePage)
	require.Greater(t, len(v.did.pagesShown()), before+1, "the page with the steps refreshes itself until it can go on")
	v.presses("Continue")
	v.comesTo(documentPage)
	require.Equal(t, "google.contractor@contoso.com", v.reads("upn"))
}
