package entratest_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const (
	ssoURL    = "https://id.contoso.com/sso"
	logoutURL = "https://id.contoso.com/logout"
)

// requestVariant is a message that differs in one thing from what Entra sends.
type requestVariant struct {
	name   string
	sent   func(t testing.TB) *http.Request
	rule   int
	code   string // empty: it passes, or warns
	detail string
	warns  bool
}

// entraRequest is what Entra posts, changed.
func entraRequest(change func(string) string, pairs ...string) func(testing.TB) *http.Request {
	return func(t testing.TB) *http.Request {
		r, err := newWorld(t).NewAuthnRequest("contoso.com")
		require.NoError(t, err)
		document := string(documentOf(t, r))
		if change != nil {
			changed := change(document)
			require.NotEqual(t, document, changed)
			document = changed
		}
		form := url.Values{"SAMLRequest": {encode(document)}, "RelayState": {r.RelayState}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return formPost(ssoURL, form)
	}
}

func formPost(address string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func get(address string) func(testing.TB) *http.Request {
	return func(testing.TB) *http.Request { return httptest.NewRequest(http.MethodGet, address, nil) }
}

// added returns a change that adds attributes to the AuthnRequest.
func added(attributes string) func(string) string {
	return replace(` Version="2.0"`, ` Version="2.0" `+attributes)
}

// wsFed is what Entra sends by WS-Federation, changed.
func wsFed(change func(string) string) func(testing.TB) *http.Request {
	return func(t testing.TB) *http.Request {
		w := newWorld(t)
		withFederation(func(f *entratest.Federation) { f.Protocol = entratest.WSFed })(t, w)
		res, err := w.Transport().RoundTrip(newGet(t, smartLink("whr", "contoso.com")))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		address := res.Header.Get("Location")
		if change != nil {
			changed := change(address)
			require.NotEqual(t, address, changed)
			address = changed
		}
		return httptest.NewRequest(http.MethodGet, address, nil)
	}
}

// logout is what Entra sends at a sign-out, changed.
func logout(how entratest.SignOut, change func(string) string) func(testing.TB) *http.Request {
	return func(t testing.TB) *http.Request {
		w := newWorld(t)
		idp := withIdentityProvider(t, w)
		require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: how}))
		b := w.browser()
		b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
		b.open(t, "https://contoso.sharepoint.com/logout")
		address := "https://id.contoso.com" + idp.last().URL.RequestURI()
		if change != nil {
			changed := change(address)
			require.NotEqual(t, address, changed)
			address = changed
		}
		return httptest.NewRequest(http.MethodGet, address, nil)
	}
}

func requestVariants() []requestVariant {
	signed := func(t testing.TB) *http.Request {
		r, err := newSigningWorld(t).NewAuthnRequest("contoso.com")
		require.NoError(t, err)
		return formPost(ssoURL, r.Form())
	}
	changedSigned := func(old, with string) func(testing.TB) *http.Request {
		return func(t testing.TB) *http.Request {
			r, err := newSigningWorld(t).NewAuthnRequest("contoso.com")
			require.NoError(t, err)
			changed := bytes.Replace(documentOf(t, r), []byte(old), []byte(with), 1)
			require.NotEqual(t, string(documentOf(t, r)), string(changed))
			r.SAMLRequest = base64.StdEncoding.EncodeToString(changed)
			return formPost(ssoURL, r.Form())
		}
	}
	query := func(name, value string) func(string) string {
		return func(address string) string {
			u, _ := url.Parse(address)
			q := u.Query()
			q.Set(name, value)
			return ssoURL + "?" + strings.ReplaceAll(q.Encode(), "%3A", "%3a")
		}
	}
	return []requestVariant{
		{name: "as Entra sends it", sent: entraRequest(nil), rule: 41, detail: "an unsigned AuthnRequest"},
		{name: "with the index of 2016", sent: entraRequest(added(`AssertionConsumerServiceIndex="0"`)), rule: 41},
		{name: "signed", sent: signed, rule: 41, detail: "a signed AuthnRequest, verified"},
		{name: "with a Destination", sent: entraRequest(added(`Destination="` + ssoURL + `"`)), rule: 41},
		{name: "with ForceAuthn", sent: entraRequest(added(`ForceAuthn="true"`)), rule: 41, warns: true, detail: "ForceAuthn"},
		{name: "with IsPassive", sent: entraRequest(added(`IsPassive="true"`)), rule: 41, warns: true, detail: "IsPassive"},
		{name: "with a RequestedAuthnContext", rule: 41, warns: true, detail: "RequestedAuthnContext",
			sent: entraRequest(replace("</samlp:AuthnRequest>", "<samlp:RequestedAuthnContext/></samlp:AuthnRequest>"))},
		{name: "with a Subject", rule: 41, warns: true, detail: "Subject", sent: entraRequest(replace("<samlp:NameIDPolicy",
			`<Subject xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/><samlp:NameIDPolicy`))},
		{name: "without RelayState", sent: entraRequest(nil, "RelayState", ""), rule: 41, warns: true, detail: "0 bytes"},
		{name: "signed, and the certificate shown", rule: 41, warns: true, detail: "shows a certificate",
			sent: changedSigned("<ds:X509SKI>", "<X509Certificate xmlns=\"http://www.w3.org/2000/09/xmldsig#\">"+
				base64.StdEncoding.EncodeToString(rogueKey().certificate.Raw)+"</X509Certificate><ds:X509SKI>")},
		{name: "signed, and the key named otherwise", rule: 41, warns: true, detail: "does not name the key",
			sent: changedSigned(">MicrosoftOnline<", ">Other<")},
		{name: "signed, and another key named", rule: 41, warns: true, detail: "is that of none",
			sent: changedSigned("<ds:X509SKI>", "<ds:X509SKI>AAAA")},

		{name: "an address to answer to", rule: 41, code: "AADSTS75005", detail: "AssertionConsumerServiceURL",
			sent: entraRequest(added(`AssertionConsumerServiceURL="https://example.org/"`))},
		{name: "another binding", rule: 41, code: "AADSTS75005", detail: "ProtocolBinding",
			sent: entraRequest(added(`ProtocolBinding="urn:x"`))},
		{name: "another index", rule: 41, code: "AADSTS75005", detail: "AssertionConsumerServiceIndex",
			sent: entraRequest(added(`AssertionConsumerServiceIndex="1"`))},
		{name: "another Issuer", rule: 41, code: "AADSTS75005", detail: "the Issuer is",
			sent: entraRequest(replace("urn:federation:MicrosoftOnline", "urn:federation:microsoftonline"))},
		{name: "two Issuers", rule: 41, code: "AADSTS75005", detail: "2 Issuers",
			sent: entraRequest(replace("<Issuer", `<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">x</Issuer><Issuer`))},
		{name: "another Destination", rule: 41, code: "AADSTS75008", detail: "Destination",
			sent: entraRequest(added(`Destination="https://id.contoso.com/other"`))},
		{name: "a transient NameID", rule: 41, code: "AADSTS75016", detail: "transient",
			sent: entraRequest(replace("nameid-format:persistent", "nameid-format:transient"))},
		{name: "no NameIDPolicy", rule: 41, code: "AADSTS75005", detail: "0 NameIDPolicy",
			sent: entraRequest(func(s string) string {
				return s[:strings.Index(s, "<samlp:NameIDPolicy")] + "</samlp:AuthnRequest>"
			})},
		{name: "version 1.1", rule: 41, code: "AADSTS75005", detail: "Version",
			sent: entraRequest(replace(`Version="2.0"`, `Version="1.1"`))},
		{name: "an ID that begins with a digit", rule: 41, code: "AADSTS7500529", detail: "the ID is",
			sent: entraRequest(replace(`ID="_`, `ID="1`))},
		{name: "no IssueInstant", rule: 41, code: "AADSTS75005", detail: "IssueInstant",
			sent: entraRequest(replace(` IssueInstant=`, ` Instant=`))},
		{name: "not XML", rule: 41, code: "AADSTS75005", detail: "not well-formed",
			sent: entraRequest(func(string) string { return "<" })},
		{name: "not base64", rule: 41, code: "AADSTS75005", detail: "not base64",
			sent: entraRequest(nil, "SAMLRequest", "!")},
		{name: "another message", rule: 41, code: "AADSTS75005", detail: "the document element is",
			sent: entraRequest(func(string) string { return "<a/>" })},
		{name: "a form without a request", rule: 41, code: "AADSTS750054", detail: "no SAMLRequest",
			sent: func(testing.TB) *http.Request { return formPost(ssoURL, url.Values{}) }},
		{name: "a request that occurs twice", rule: 41, code: "AADSTS750054", detail: "more than once",
			sent: func(testing.TB) *http.Request { return formPost(ssoURL, url.Values{"SAMLRequest": {"a", "b"}}) }},
		{name: "by GET", rule: 41, code: "AADSTS75003", detail: "by GET", sent: func(t testing.TB) *http.Request {
			r := entraRequest(nil)(t)
			require.NoError(t, r.ParseForm())
			raw, err := base64.StdEncoding.DecodeString(r.PostForm.Get("SAMLRequest"))
			require.NoError(t, err)
			return httptest.NewRequest(http.MethodGet, ssoURL+"?SAMLRequest="+url.QueryEscape(deflate(raw)), nil)
		}},
		{name: "by GET, not deflated", rule: 41, code: "AADSTS75005", detail: "must be deflated",
			sent: get(ssoURL + "?SAMLRequest=PGEvPg%3D%3D")},
		{name: "at another address", rule: 41, code: "AADSTS75008", detail: "no address of a federated domain",
			sent: func(t testing.TB) *http.Request {
				r := entraRequest(nil)(t)
				r.URL.Path = "/other"
				return r
			}},
		{name: "changed after signing", rule: 41, code: "AADSTS50006", detail: "changed after it was signed",
			sent: changedSigned("IssueInstant=\"2026", "IssueInstant=\"2025")},
		{name: "signed in another way", rule: 41, code: "AADSTS75005", detail: "DigestMethod",
			sent: changedSigned("xmldsig#sha1", "xmldsig#md5")},
		{name: "a second signature", rule: 41, code: "AADSTS75005", detail: "more than one Signature",
			sent: changedSigned("</Signature>", `</Signature><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>`)},
		{name: "a hollow signature", rule: 41, code: "AADSTS75005", detail: "is not made of",
			sent: entraRequest(replace("<samlp:NameIDPolicy",
				`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/><samlp:NameIDPolicy`))},

		{name: "WS-Federation", sent: wsFed(nil), rule: 42, detail: "a sign-in by WS-Federation"},
		{name: "WS-Federation to another realm", rule: 42, code: "AADSTS20012", detail: "wtrealm",
			sent: wsFed(query("wtrealm", "urn:x"))},
		{name: "WS-Federation without state", sent: wsFed(query("wctx", "")), rule: 42, code: "AADSTS20012", detail: "wctx"},
		{name: "WS-Federation without a username", rule: 42, code: "AADSTS20012", detail: "no username",
			sent: wsFed(replace("&username=", ""))},
		{name: "WS-Federation in upper case", rule: 42, code: "AADSTS20012", detail: "upper case",
			sent: wsFed(replace("%3a", "%3A"))},
		{name: "WS-Federation with a repeated parameter", rule: 42, code: "AADSTS20012", detail: "more than once",
			sent: wsFed(func(s string) string { return s + "&username=other" })},
		{name: "WS-Federation with a wreply", rule: 42, warns: true, detail: "wreply",
			sent: wsFed(func(s string) string { return s + "&wreply=https%3a%2f%2fexample.org" })},
		{name: "WS-Federation with a short state", rule: 42, warns: true, detail: "bytes",
			sent: get(ssoURL + "?wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline&username=&wctx=estsrequest%3d1")},
		{name: "WS-Federation by POST", rule: 42, code: "AADSTS20012", detail: "by POST", sent: func(testing.TB) *http.Request {
			return formPost(ssoURL, url.Values{"wa": {"wsignin1.0"}})
		}},

		{name: "a bare sign-out", sent: logout(entratest.SignOutPlain, nil), rule: 43, detail: "bare"},
		{name: "wa=wsignout1.0", sent: logout(entratest.SignOutWSFed, nil), rule: 43, detail: "wsignout1.0"},
		{name: "a LogoutRequest", sent: logout(entratest.SignOutRequest, nil), rule: 43, detail: "an unsigned LogoutRequest"},
		{name: "a LogoutRequest, the query signed", rule: 43, detail: "verified",
			sent: logout(entratest.SignOutSignedRequest, nil)},
		{name: "a LogoutRequest, signed inside", rule: 43, detail: "verified",
			sent: logout(entratest.SignOutEnvelopedRequest, nil)},
		{name: "another sign-out address", sent: get("https://id.contoso.com/bye"), rule: 43, code: "AADSTS75008"},
		{name: "another wa", sent: get(logoutURL + "?wa=wattr1.0"), rule: 43, code: "AADSTS50061", detail: "wattr1.0"},
		{name: "a query that cannot be read", rule: 43, code: "AADSTS50061", detail: "cannot be read",
			sent: get(logoutURL + "?x=%zz")},
		{name: "RelayState changed", rule: 43, code: "AADSTS50006", detail: "fits none of the certificates",
			sent: logout(entratest.SignOutSignedRequest, replace("RelayState=", "RelayState=x"))},
		{name: "another algorithm", rule: 43, code: "AADSTS50006", detail: "SigAlg",
			sent: logout(entratest.SignOutSignedRequest, replace("rsa-sha1", "rsa-md5"))},
		{name: "a signature that is no base64", rule: 43, code: "AADSTS50006", detail: "not base64",
			sent: logout(entratest.SignOutSignedRequest, replace("&Signature=", "&Signature=!"))},
		{name: "a LogoutRequest by POST", rule: 43, code: "AADSTS75003", detail: "by POST", sent: func(t testing.TB) *http.Request {
			return formPost(logoutURL, url.Values{"SAMLRequest": {encode(logoutRequestText)}})
		}},
		{name: "a LogoutRequest for nobody", rule: 43, code: "AADSTS7500530", detail: "0 NameIDs",
			sent: get(logoutURL + "?SAMLRequest=" + url.QueryEscape(deflate([]byte(strings.Replace(logoutRequestText,
				`<NameID xmlns="urn:oasis:names:tc:SAML:2.0:assertion">employee0001</NameID>`, "", 1)))))},
	}
}

const logoutRequestText = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0" ` +
	`IssueInstant="2026-03-02T09:00:00.000Z"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
	`urn:federation:MicrosoftOnline</Issuer><NameID xmlns="urn:oasis:names:tc:SAML:2.0:assertion">employee0001</NameID>` +
	`</samlp:LogoutRequest>`

// knowing is an expectation that knows the tenant's keys: those of all tenants with the Seed 0.
func knowing(t testing.TB) entratest.Expectation {
	x := offline()
	x.RequestCertificates = newWorld(t).RequestCertificates()
	return x
}

func TestWhatReachesTheIdentityProvider(t *testing.T) {
	t.Parallel()
	x := knowing(t)
	for _, v := range requestVariants() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			verdict := x.CheckRequest(v.sent(t))
			finding := findingOf(t, verdict, v.rule)
			require.Contains(t, finding.Detail, v.detail)
			require.Equal(t, v.code, verdict.Code, finding.Detail)
			require.Equal(t, v.code == "", verdict.Accepted)
			want := entratest.Passed
			switch {
			case v.code != "":
				want = entratest.Failed
				require.Equal(t, v.rule, verdict.Rule)
				require.NotEmpty(t, finding.Remedy)
			case v.warns:
				want = entratest.Warned
			}
			require.Equal(t, want, finding.Outcome, finding.Detail)
			require.Len(t, verdict.Findings, 3)
			for _, other := range verdict.Findings {
				require.True(t, other.Rule == v.rule || other.Outcome == entratest.NotChecked)
			}
		})
	}
}

func TestALenientCheckWarnsOfRules42And43(t *testing.T) {
	t.Parallel()
	x := knowing(t)
	x.Lenient = true
	require.Empty(t, x.CheckRequest(wsFed(replace("%3a", "%3A"))(t)).Failures())
	require.Empty(t, x.CheckRequest(get("https://id.contoso.com/bye")(t)).Failures())
	require.NotEmpty(t, x.CheckRequest(entraRequest(added(`ProtocolBinding="urn:x"`))(t)).Failures())
}

func TestADomainThatWantsSignedRequestsGetsAnUnsignedOne(t *testing.T) {
	t.Parallel()
	x := knowing(t)
	x.Realms[0].Federation.SignedAuthnRequests = true
	v := x.CheckRequest(entraRequest(nil)(t))
	require.Equal(t, "AADSTS76021", v.Code)
	require.Equal(t, "contoso.com", v.Realm)
}

func TestARequestOfWhichOnlyTheXMLIsKnown(t *testing.T) {
	t.Parallel()
	w := newSigningWorld(t)
	r, err := w.NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	x := entratest.Expectation{}
	v := x.CheckRequestDocument(documentOf(t, r))
	require.True(t, v.Accepted)
	require.Equal(t, entratest.Passed, findingOf(t, v, 41).Outcome, "nothing is said of RelayState")
	require.Contains(t, findingOf(t, v, 41).Detail, "was not verified")
	require.True(t, x.CheckRequestDocument([]byte(logoutRequestText)).Accepted)
	require.True(t, x.CheckRequestDocument([]byte("<a/>")).Refused())
	require.True(t, x.CheckRequestDocument(nil).Refused())
}

func TestReadMessage(t *testing.T) {
	t.Parallel()
	w := newSigningWorld(t)
	require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{
		AssertionConsumerServiceIndex: true, ForceAuthn: true, AuthnContexts: []string{mfaRef},
	}))
	r, err := w.NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	m, err := entratest.ReadMessage(documentOf(t, r))
	require.NoError(t, err)
	require.Equal(t, entratest.Message{
		Kind: "AuthnRequest", ID: r.ID, Version: "2.0", IssueInstant: "2026-03-02T09:00:00.000Z",
		Issuer: "urn:federation:MicrosoftOnline", Destination: ssoURL, AssertionConsumerServiceIndex: "0", ForceAuthn: "true",
		NameIDFormat: persistent, AuthnContextClassRefs: []string{mfaRef},
		Signatures: []entratest.MessageSignature{{
			Signs: "AuthnRequest", Method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
			Digest:  "http://www.w3.org/2000/09/xmldsig#sha1",
			X509SKI: base64.StdEncoding.EncodeToString(w.RequestCertificates()[0].SubjectKeyId), KeyName: "MicrosoftOnline",
		}},
	}, m)

	m, err = entratest.ReadMessage([]byte(logoutRequestText))
	require.NoError(t, err)
	require.Equal(t, "LogoutRequest", m.Kind)
	require.Equal(t, "employee0001", m.NameID)

	m, err = entratest.ReadMessage([]byte(w.draft(t).xml(t)))
	require.NoError(t, err)
	require.Equal(t, "Response", m.Kind)
	require.Equal(t, 1, m.Assertions)
	require.Equal(t, []string{success}, m.Status)
	require.Equal(t, "employee0001", m.NameID)
	require.Equal(t, "Assertion", m.Signatures[0].Signs)
	require.Contains(t, m.Signatures[0].Certificate, "throw-away contoso")

	for _, wrong := range []string{"", "<", "<a/>", "<!DOCTYPE a><a/>", "text", `<AuthnRequest xmlns="urn:x"/>`} {
		_, err = entratest.ReadMessage([]byte(wrong))
		require.ErrorIs(t, err, entratest.ErrNoMessage, wrong)
	}
}

// FuzzCheckRequest brings anything to an identity provider. Nothing panics, and every verdict is complete.
func FuzzCheckRequest(f *testing.F) {
	w := newSigningWorld(f)
	r, err := w.NewAuthnRequest("contoso.com")
	require.NoError(f, err)
	for _, seed := range []string{string(documentOf(f, r)), logoutRequestText, "", "<", "<a/>"} {
		f.Add([]byte(seed), "SAMLRequest="+url.QueryEscape(deflate([]byte(seed))))
	}
	f.Add([]byte(nil), "wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline&wctx=estsrequest%3d&username=")
	f.Add([]byte(nil), "wa=wsignout1.0")
	f.Add([]byte(nil), "SAMLRequest=PGEvPg&SigAlg=x&Signature=%zz")
	x := knowing(f)
	f.Fuzz(func(t *testing.T, document []byte, query string) {
		posted := formPost(ssoURL, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(document)}})
		redirected := &http.Request{
			Method: http.MethodGet, URL: &url.URL{Host: "id.contoso.com", Path: "/logout", RawQuery: query},
		}
		for _, v := range []entratest.Verdict{
			x.CheckRequest(posted), x.CheckRequest(redirected), x.CheckRequestDocument(document),
		} {
			require.Len(t, v.Findings, 3)
			require.NotEqual(t, v.Accepted, v.Refused())
			require.Zero(t, v.User)
		}
		message, err := entratest.ReadMessage(document)
		require.Equal(t, err == nil, message.Kind != "")
	})
}
