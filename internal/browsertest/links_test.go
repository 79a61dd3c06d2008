package browsertest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Wherever a person begins, the way ends at the document.
func TestEveryKindOfLinkEndsAtTheDocument(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	for name, link := range map[string]string{
		"a smart link": site.smartLink(site.document()),
		"a link to the application itself, which names the domain": site.document() + "?whr=contoso.com",
		"a smart link that names no document":                      site.home + "/entra/go",
		"a start link":                                             site.startLink(site.document()),
		"a start link that names no document":                      site.home + "/entra/start",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t)
			v.opens(link)
			v.comesTo(choicePage)
			v.presses("A contractor who was here before")
			require.Contains(t, v.comesTo(documentPage).Address, site.document())
			require.Equal(t, "returning.contractor@contoso.com", v.reads("upn"))
		})
	}
}

func TestAStartLinkAsksTheIdentityProviderFirst(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	v.opens(site.startLink(site.document()))
	v.comesTo(choicePage)
	require.Empty(t, v.did.requestsOf(site.tenant+"/login.srf"), "Microsoft's sign-in was asked before")
	v.presses("A contractor who was here before")
	v.comesTo(documentPage)
}

// A link to the application that names no domain leads to Microsoft's question for the address, and from there on.
func TestTheAddressOfAPersonLeadsToTheIdentityProvider(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	v.opens(site.document())
	v.comesTo(addressPage)
	v.writes("login_hint", "returning.contractor@contoso.com")
	v.presses("Next")
	v.comesTo(choicePage)
	v.presses("A contractor who was here before")
	require.Equal(t, site.document(), v.comesTo(documentPage).Address)
}

func TestASmartLinkThatLeadsElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	v.opens(site.home)
	v.comesTo(homePage)
	v.presses("A link that leads elsewhere")
	refused := v.comesTo(refusedPage)
	require.Contains(t, refused.Address, site.home+"/entra/go?to=", "the browser stays here")
	require.Contains(t, v.readsAll(), "example.net", "the page names the host, so that the person can judge")
	require.Equal(t, []string{"Continue to Microsoft 365"}, v.actions())
	for _, sent := range v.did.everyRequest() {
		require.Contains(t, sent.URL, site.home, "nothing else was asked")
	}

	v.presses("Continue to Microsoft 365")
	v.comesTo(choicePage)
}

func TestAStartLinkThatLeadsElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	v := newVisitor(t)
	v.opens(site.startLink("https://example.net/"))
	refused := v.comesTo(noStartPage)
	require.Contains(t, refused.Address, site.home+"/entra/start?to=")
	require.Equal(t, []string{"Start again"}, v.actions())
}
