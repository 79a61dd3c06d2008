package entratest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// Rule 43: a sign-out, begun wherever people begin it, ends the session everywhere and reaches the identity provider.
func TestSignOut(t *testing.T) {
	t.Parallel()
	const (
		atLogin        = "https://login.microsoftonline.com/login.srf?wa=wsignout1.0"
		atLogout       = "https://login.microsoftonline.com/logout"
		atApp          = "https://contoso.sharepoint.com/logout"
		atWSFederation = "https://login.microsoftonline.com/common/wsfederation?wa=wsignout1.0"
	)
	for _, tt := range []struct {
		how       entratest.SignOut
		at        string
		arrivesAs string
		has       []string // parameters
	}{
		{entratest.SignOutPage, atLogin, "", nil},
		{entratest.SignOutPage, atApp, "", nil},
		{entratest.SignOutPlain, atApp, "/logout", nil},
		{entratest.SignOutPlain, atWSFederation, "/logout", nil},
		{entratest.SignOutWSFed, atLogout, "/logout?wa=wsignout1.0", nil},
		{entratest.SignOutRequest, atLogin, "/logout?SAMLRequest=", []string{"SAMLRequest", "RelayState"}},
		{entratest.SignOutRequest, "https://login.microsoftonline.com/contoso.com/wsfederation?wa=wsignout1.0",
			"/logout?SAMLRequest=", []string{"SAMLRequest", "RelayState"}},
		{entratest.SignOutSignedRequest, atWSFederation, "/logout?SAMLRequest=",
			[]string{"SAMLRequest", "RelayState", "SigAlg", "Signature"}},
		{entratest.SignOutEnvelopedRequest, atLogin, "/logout?SAMLRequest=", []string{"SAMLRequest", "RelayState"}},
	} {
		t.Run(string(tt.how)+" at "+tt.at, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			idp := withIdentityProvider(t, w)
			require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: tt.how}))
			b := w.browser()
			b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))

			page := b.open(t, tt.at)
			if tt.arrivesAs == "" {
				require.Equal(t, "You are signed out", page.Title)
				_, err := page.Click("Sign out of your organization as well")
				require.NoError(t, err)
			} else {
				require.Equal(t, "Signed out there", page.Title)
				require.True(t, strings.HasPrefix(idp.last().URL.RequestURI(), tt.arrivesAs), idp.last().URL.RequestURI())
			}
			if tt.has != nil {
				require.ElementsMatch(t, tt.has, keysOf(idp.last().URL.Query()))
				requireLogoutRequest(t, idp.seen()[1], tt.how == entratest.SignOutEnvelopedRequest)
			}
			require.Equal(t, "Sign in", b.open(t, hrSite).Title, "the session is over everywhere")
		})
	}
}

func keysOf(q url.Values) (keys []string) {
	for k := range q {
		keys = append(keys, k)
	}
	return keys
}

func requireLogoutRequest(t testing.TB, message *etree.Element, enveloped bool) {
	t.Helper()
	require.Equal(t, "LogoutRequest", message.Tag)
	require.Equal(t, "https://id.contoso.com/logout", message.SelectAttrValue("Destination", ""))
	require.Equal(t, "urn:federation:MicrosoftOnline", message.FindElement("./Issuer").Text())
	require.Equal(t, "employee0001", message.FindElement("./NameID").Text())
	require.Equal(t, persistent, message.FindElement("./NameID").SelectAttrValue("Format", ""))
	require.True(t, strings.HasPrefix(message.FindElement("./SessionIndex").Text(), "_a"), "that of the assertion")
	require.Equal(t, enveloped, message.FindElement("./Signature") != nil)
}

// The simulation's own check agrees with what the simulation sends.
func TestEverySignOutIsWhatRule43Says(t *testing.T) {
	t.Parallel()
	for _, how := range []entratest.SignOut{
		entratest.SignOutPlain, entratest.SignOutWSFed, entratest.SignOutRequest, entratest.SignOutSignedRequest,
		entratest.SignOutEnvelopedRequest,
	} {
		for _, sha256 := range []bool{false, true} {
			w := newWorld(t)
			idp := withIdentityProvider(t, w)
			require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: how, SHA256: sha256, NextKey: sha256}))
			b := w.browser()
			b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
			b.open(t, "https://contoso.sharepoint.com/logout")
			x := offline()
			x.RequestCertificates = w.RequestCertificates()
			v := x.CheckRequest(idp.last())
			require.NoError(t, v.Err(), "%s", how)
			require.True(t, v.Accepted)
			require.Equal(t, entratest.Passed, findingOf(t, v, 43).Outcome, findingOf(t, v, 43).Detail)

			x.RequestCertificates = certificatesOf(rogueKey())
			signed := how == entratest.SignOutSignedRequest || how == entratest.SignOutEnvelopedRequest
			require.Equal(t, signed, x.CheckRequest(idp.last()).Refused(), "%s", how)
		}
	}
}

func TestASignOutWithoutASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := withIdentityProvider(t, w)
	require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: entratest.SignOutRequest}))
	page := w.browser().open(t, "https://login.microsoftonline.com/common/wsfederation?wa=wsignout1.0")
	require.Equal(t, "You are signed out", page.Title)
	require.Empty(t, idp.seen(), "there is nobody to sign out")
}

// An identity provider that signs a person out everywhere has Entra's session ended in a frame: telling it again would
// go round in circles.
func TestACleanupTellsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := withIdentityProvider(t, w)
	require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: entratest.SignOutRequest}))
	b := w.browser()
	b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	page := b.open(t, "https://login.microsoftonline.com/login.srf?wa=wsignoutcleanup1.0")
	require.Equal(t, "You are signed out", page.Title)
	require.Len(t, idp.seen(), 1)
	require.Equal(t, "Sign in", b.open(t, hrSite).Title)
}

func TestADomainWithoutASignOutURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withFederation(func(f *entratest.Federation) { f.SignOutURL = "" })(t, w)
	withIdentityProvider(t, w)
	require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: entratest.SignOutRequest}))
	b := w.browser()
	b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	page := b.open(t, "https://contoso.sharepoint.com/logout")
	require.Equal(t, "You are signed out", page.Title)
	require.Empty(t, page.Links)
}

// logoutAnswer is a LogoutResponse before it is signed.
type logoutAnswer struct {
	*etree.Element
	signer     signingKey
	unsigned   bool
	after      func(*etree.Element) // after signing
	relayState string
}

// signedOut signs in and out, and returns the answer that the identity provider would give: one that rule 43 accepts.
func signedOut(t testing.TB, w *world) *logoutAnswer {
	t.Helper()
	idp := withIdentityProvider(t, w)
	require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: entratest.SignOutRequest}))
	b := w.browser()
	b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	b.open(t, "https://contoso.sharepoint.com/logout")
	id := idp.seen()[len(idp.seen())-1].SelectAttrValue("ID", "")
	return newLogoutAnswer(id, idp.last().URL.Query().Get("RelayState"), w.clock.Now())
}

func newLogoutAnswer(requestID, relayState string, now time.Time) *logoutAnswer {
	e := etree.NewElement("samlp:LogoutResponse")
	attributes(e, "xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol", "ID", "_l"+requestID[1:], "Version", "2.0",
		"IssueInstant", when(now), "Destination", loginSRF, "InResponseTo", requestID)
	issuer := e.CreateElement("saml:Issuer")
	attributes(issuer, "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	issuer.SetText(contosoIssuer)
	attributes(e.CreateElement("samlp:Status").CreateElement("samlp:StatusCode"), "Value", success)
	return &logoutAnswer{Element: e, signer: contosoKey(), relayState: relayState}
}

func (a *logoutAnswer) form(t testing.TB) url.Values {
	t.Helper()
	return url.Values{"SAMLResponse": {encode(a.xml(t))}, "RelayState": {a.relayState}}
}

func (a *logoutAnswer) xml(t testing.TB) string {
	t.Helper()
	if !a.unsigned {
		d := newDraft(entratest.AuthnRequest{ID: "_"}, morning())
		d.signer = a.signer
		d.sign(t, a.Element)
	}
	if a.after != nil {
		a.after(a.Element)
	}
	doc := etree.NewDocument()
	doc.SetRoot(a.Element)
	text, err := doc.WriteToString()
	require.NoError(t, err)
	return text
}

// logoutVariant is a LogoutResponse that differs in one thing from a good one.
type logoutVariant struct {
	name   string
	change func(t testing.TB, a *logoutAnswer)
	code   string // empty: it is accepted
	detail string
}

func logoutVariants() []logoutVariant {
	set := func(name, value string) func(testing.TB, *logoutAnswer) {
		return func(_ testing.TB, a *logoutAnswer) { a.CreateAttr(name, value) }
	}
	drop := func(name string) func(testing.TB, *logoutAnswer) {
		return func(_ testing.TB, a *logoutAnswer) { a.RemoveAttr(name) }
	}
	return []logoutVariant{
		{"as it should be", nil, "", "the LogoutResponse is signed"},
		{"not signed", func(_ testing.TB, a *logoutAnswer) { a.unsigned = true }, "", "is not signed, which SAML asks"},
		{"another Destination", set("Destination", loginSRF+"/"), "AADSTS50061", "Destination is"},
		{"no Destination", drop("Destination"), "AADSTS50061", "no Destination"},
		{"another InResponseTo", set("InResponseTo", "_other"), "AADSTS50061", "no LogoutRequest of this tenant"},
		{"no InResponseTo", drop("InResponseTo"), "AADSTS50061", `InResponseTo is ""`},
		{"version 1.1", set("Version", "1.1"), "AADSTS50061", "Version"},
		{"an ID that begins with a digit", set("ID", "1"), "AADSTS7500529", "the ID is"},
		{"another Issuer", func(t testing.TB, a *logoutAnswer) { find(t, a.Element, "./Issuer").SetText(contosoIssuer + "/") },
			"AADSTS50107", "that of contoso.com is"},
		{"the Issuer of another domain", func(t testing.TB, a *logoutAnswer) {
			find(t, a.Element, "./Issuer").SetText(fabrikamIssuer)
			a.signer = fabrikamKey()
		}, "AADSTS50068", "fabrikam.com answers, and contoso.com was asked"},
		{"no Issuer", func(t testing.TB, a *logoutAnswer) { remove(t, a.Element, "./Issuer"); a.unsigned = true },
			"AADSTS50061", "0 Issuers"},
		{"status Requester", func(t testing.TB, a *logoutAnswer) {
			code := find(t, a.Element, ".//StatusCode")
			code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Requester")
		}, "AADSTS50061", "status:Requester"},
		{"no status", func(t testing.TB, a *logoutAnswer) { remove(t, a.Element, "./Status") }, "AADSTS50061", "0 Status"},
		{"another RelayState", func(_ testing.TB, a *logoutAnswer) { a.relayState += "x" }, "AADSTS90013", "RelayState"},
		{"a key that is not registered", func(_ testing.TB, a *logoutAnswer) { a.signer = rogueKey() }, "AADSTS5000811", "rogue"},
		{"changed after signing", func(_ testing.TB, a *logoutAnswer) {
			a.after = func(e *etree.Element) { e.CreateAttr("Consent", "urn:x") }
		}, "AADSTS50006", "changed after it was signed"},
		{"two signatures", func(t testing.TB, a *logoutAnswer) {
			a.after = func(e *etree.Element) { e.AddChild(find(t, e, "./Signature").Copy()) }
		}, "AADSTS50061", "more than one Signature"},
		{"a signature elsewhere", func(t testing.TB, a *logoutAnswer) {
			a.after = func(e *etree.Element) { find(t, e, "./Status").AddChild(find(t, e, "./Signature")) }
		}, "AADSTS50061", "not directly inside"},
	}
}

func TestTheLogoutResponseIsChecked(t *testing.T) {
	t.Parallel()
	for _, tt := range logoutVariants() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := signedOut(t, w)
			if tt.change != nil {
				tt.change(t, a)
			}
			form := a.form(t)
			v := verdictIn(t, w.post(t, loginSRF, form, asJSON))
			require.Equal(t, tt.code, v.Code, v.Detail)
			require.Equal(t, tt.code == "", v.Accepted)
			require.Len(t, v.Findings, 1)
			require.Equal(t, 43, v.Findings[0].Rule)
			require.Contains(t, v.Findings[0].Detail, tt.detail)
			require.Nil(t, v.User)

			res := w.post(t, loginSRF, form)
			page := bodyOf(t, res)
			if tt.code == "" {
				require.Contains(t, page, "was answered before", "a LogoutRequest has one answer")
				return
			}
			require.Equal(t, http.StatusForbidden, res.StatusCode)
			require.Contains(t, page, "Sorry, but we’re having trouble signing you out.")
			require.Contains(t, page, tt.code)
		})
	}
}

func TestThePageSaysWhatBecameOfTheSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.post(t, loginSRF, signedOut(t, w).form(t))
	require.Equal(t, http.StatusOK, res.StatusCode)
	page := bodyOf(t, res)
	require.Contains(t, page, "You are signed out")
	require.Contains(t, page, "contoso.com has ended its session; the LogoutResponse is signed.")
}

func TestALogoutResponseAfterAnHourIsTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := signedOut(t, w)
	w.clock.Advance(time.Hour)
	require.Contains(t, verdictIn(t, w.post(t, loginSRF, a.form(t), asJSON)).Detail, "no LogoutRequest of this tenant")
}

func TestALenientTenantWarnsOfALogoutResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	a := signedOut(t, w)
	a.RemoveAttr("Destination")
	v := verdictIn(t, w.post(t, loginSRF, a.form(t), asJSON))
	require.True(t, v.Accepted)
	require.Equal(t, entratest.Warned, v.Findings[0].Outcome)
}

func TestALogoutResponseWithoutATenant(t *testing.T) {
	t.Parallel()
	x := offline()
	good := newLogoutAnswer("_1", "state", morning())
	message := encode(good.xml(t))
	require.True(t, x.CheckLogoutResponse(message, "state").Accepted)
	x.RequestID, x.RelayState = "_1", "state"
	require.True(t, x.CheckLogoutResponse(message, "state").Accepted)
	require.Equal(t, "AADSTS90013", x.CheckLogoutResponse(message, "other").Code)
	x.RequestID = "_2"
	require.Contains(t, x.CheckLogoutResponse(message, "state").Detail, "the request was")

	for name, tt := range map[string]struct{ message, code string }{
		"nothing":         {"", "AADSTS900144"},
		"not base64":      {"!", "AADSTS75005"},
		"not XML":         {encode("<"), "AADSTS90107"},
		"a document type": {encode("<!DOCTYPE a><a/>"), "AADSTS50008"},
		"another message": {encode("<a/>"), "AADSTS75005"},
		"an ID that is used twice": {encode(strings.Replace(good.xml(t), "<samlp:Status>", `<samlp:Status ID="_l1">`, 1)),
			"AADSTS50061"},
	} {
		v := x.CheckLogoutResponse(tt.message, "")
		require.Equal(t, tt.code, v.Code, name)
		require.False(t, v.Accepted, name)
	}
}
