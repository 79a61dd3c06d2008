package adaptertest

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// answer is what the Bridge sends to Entra.
type answer struct {
	relayState string
	document   string
	claims     entratest.Claims // of a verified assertion; zero where there is none
}

// observe takes note of a page, and of the answer that it carries.
func (t *tab) observe(page entratest.Page) {
	t.seen = append(t.seen, page)
	if !t.browser.w.isBridge(page.URL) {
		return
	}
	for _, form := range page.Forms {
		values := map[string]string{}
		for _, field := range form.Fields {
			values[field.Name] = field.Value
		}
		if encoded := values["SAMLResponse"]; encoded != "" {
			t.answers = append(t.answers, t.browser.w.read(encoded, values["RelayState"]))
		}
	}
}

func (w *world) read(encoded, relayState string) answer {
	document, _ := base64.StdEncoding.DecodeString(encoded) // what cannot be read has no claims
	verdict := entratest.Expectation{
		Realms: []entratest.Realm{{Domain: domain, Federation: *w.federation()}}, Now: w.clock.Now,
	}.Check(encoded, relayState)
	return answer{relayState: relayState, document: string(document), claims: verdict.Claims}
}

// federation is the domain's in the tenant.
func (w *world) federation() *entratest.Federation {
	for _, d := range w.tenant.Config().Domains {
		if d.Name == domain {
			return d.Federation
		}
	}
	return nil
}

// assertions are the answers that say that somebody signed in.
func (t *tab) assertions() []answer {
	var found []answer
	for _, a := range t.answers {
		if a.claims.AssertionID != "" || strings.Contains(a.document, ":assertion\" ") {
			found = append(found, a)
		}
	}
	return found
}

// requireSignedIn requires that the walk ended at Entra, that Entra let the person in, and returns what it was told.
func (t *tab) requireSignedIn(who Person) entratest.Claims {
	w := t.browser.w
	w.t.Helper()
	require.NoError(w.t, t.err)
	require.Len(w.t, t.answers, 1, "Entra gets one answer; the walk ended at %s", describePage(t.page))
	require.Equal(w.t, t.request.RelayState, t.answers[0].relayState, "the answer belongs to this tab")
	claims := t.answers[0].claims
	require.Equal(w.t, t.request.ID, claims.InResponseTo, "the answer belongs to this tab")
	account, err := accountOf(who.Is)
	require.NoError(w.t, err)
	require.Equal(w.t, account.ImmutableID, claims.NameID, "who signed in")
	require.Equal(w.t, account.UPN, claims.UPN, "who signed in")
	require.Equal(w.t, http.StatusOK, t.page.Status, "Entra lets the person in: %s", describePage(t.page))
	require.True(w.t, strings.HasPrefix(t.page.URL, "https://login.microsoftonline.com/"), t.page.URL)
	return claims
}

// requireNotSignedIn requires that Entra was told of nobody.
func (t *tab) requireNotSignedIn() {
	t.browser.w.t.Helper()
	require.Empty(t.browser.w.t, t.assertions(), "nobody may be signed in")
}

// requireFailure requires that the walk ended at a page of the Bridge that says that something went wrong.
func (t *tab) requireFailure() {
	w := t.browser.w
	w.t.Helper()
	require.NoError(w.t, t.err)
	require.True(w.t, w.isBridge(t.page.URL) && isFailure(t.page),
		"the Bridge says what went wrong: %s", describePage(t.page))
	require.GreaterOrEqual(w.t, t.page.Status, 400)
	t.requireNotSignedIn()
}

// provedMFA reports whether Entra was told of a second factor.
func provedMFA(claims entratest.Claims) bool {
	return claims.AuthnContextClassRef == saml.MultipleAuthn
}

// requireProvisioned requires that the pipeline was asked for that person and nobody else, with all that the host
// knows.
func (w *world) requireProvisioned(want provision.Person) {
	w.t.Helper()
	all := w.people.all()
	require.NotEmpty(w.t, all, "the person is provisioned")
	for _, got := range all {
		require.Equal(w.t, want.Key(), got.Key(), "who is provisioned")
		for field, values := range map[string][2]string{
			"Email": {want.Email, got.Email}, "DisplayName": {want.DisplayName, got.DisplayName},
			"GivenName": {want.GivenName, got.GivenName}, "Surname": {want.Surname, got.Surname},
			"UPN": {want.UPN, got.UPN}, "ImmutableID": {want.ImmutableID, got.ImmutableID},
		} {
			if values[0] != "" {
				require.Equal(w.t, values[0], values[1], "%s of the person who is provisioned", field)
			}
		}
	}
}

// describePage is a page in a message of a test.
func describePage(page entratest.Page) string {
	text := page.Body
	if len(text) > 2000 {
		text = text[:2000] + "…"
	}
	return page.URL + "\n" + text
}
