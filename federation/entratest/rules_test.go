package entratest_test

import (
	"bytes"
	"compress/flate"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

// world is a tenant with two federated root domains, a child domain and a managed one.
type world struct {
	*entratest.Tenant
	clock *entratest.Clock
}

func newWorld(t testing.TB, change ...func(*entratest.Config)) *world {
	t.Helper()
	clock := entratest.NewClock(morning())
	cfg := entratest.Config{
		Clock: clock, Lag: entratest.LagNone, SignInLag: 10 * time.Second,
		Domains: []entratest.Domain{
			{Name: "contoso.com", Federation: contosoFederation()},
			{Name: "hr.contoso.com"},
			{Name: "fabrikam.com", Federation: &entratest.Federation{
				Issuer: fabrikamIssuer, SignInURL: "https://id.fabrikam.com/sso",
				Certificates: certificatesOf(fabrikamKey()),
			}},
			{Name: "managed.example.net"},
		},
		Users: []entratest.User{
			{UPN: "employee@contoso.com", ImmutableID: "employee0001", DisplayName: "Employee", Enabled: true,
				SKUIDs: []string{businessPremium}},
			{UPN: "contractor@contoso.com", ImmutableID: "employee0001x", Enabled: true},
			{UPN: "manager@hr.contoso.com", ImmutableID: "manager0001", Enabled: true},
			{UPN: "former@contoso.com", ImmutableID: "former0001", Enabled: false},
			{UPN: "partner@fabrikam.com", ImmutableID: "partner0001", Enabled: true},
			{UPN: "operator@managed.example.net", ImmutableID: "operator0001", Enabled: true},
			{UPN: "encoded@contoso.com", ImmutableID: "a+b/c==", Enabled: true},
			{UPN: "umlaut@contoso.com", ImmutableID: strings.Repeat("ü", 64), Enabled: true},
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	return &world{entratest.Start(t, cfg), clock}
}

const businessPremium = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"

func contosoFederation() *entratest.Federation {
	return &entratest.Federation{
		Issuer: contosoIssuer, SignInURL: "https://id.contoso.com/sso", SignOutURL: "https://id.contoso.com/logout",
		Certificates: certificatesOf(contosoKey(), nextKey()),
	}
}

func certificatesOf(pairs ...signingKey) (out []*x509.Certificate) {
	for _, p := range pairs {
		out = append(out, p.certificate)
	}
	return out
}

func lenient(c *entratest.Config) { c.Lenient = true }

// draft starts a sign-in and returns the answer that is to be changed.
func (w *world) draft(t testing.TB) *draft {
	t.Helper()
	request, err := w.NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	return newDraft(request, w.clock.Now())
}

func (w *world) check(t testing.TB, d *draft) entratest.Verdict {
	t.Helper()
	samlResponse, relayState := d.post(t)
	return w.CheckResponse(samlResponse, relayState)
}

func numbersOf(findings []entratest.Finding) []int {
	numbers := []int{}
	for _, f := range findings {
		numbers = append(numbers, f.Rule)
	}
	return numbers
}

func findingOf(t testing.TB, v entratest.Verdict, rule int) entratest.Finding {
	t.Helper()
	for _, f := range v.Findings {
		if f.Rule == rule {
			return f
		}
	}
	t.Fatalf("there is no finding for rule %d", rule)
	return entratest.Finding{}
}

func TestTheTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for _, r := range entratest.Rules() {
		require.False(t, seen[r.Number], "rule %d is there twice", r.Number)
		seen[r.Number] = true
		require.Contains(t, []entratest.Level{entratest.Must, entratest.Should}, r.Level, "rule %d", r.Number)
		require.Regexp(t, `^AADSTS[0-9]{5,7}$`, r.Code, "rule %d", r.Number)
		for _, text := range []string{r.Title, r.Remedy} {
			require.True(t, strings.HasSuffix(text, "."), "rule %d: %q is no sentence", r.Number, text)
		}
		require.NotEmpty(t, r.Source, "rule %d", r.Number)
	}
	for n := 1; n <= 35; n++ {
		require.True(t, seen[n], "rule %d is missing", n)
	}
	require.Len(t, seen, 35)
}

func TestAGoodResponsePassesEveryRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.check(t, w.draft(t))
	require.NoError(t, v.Err())
	require.True(t, v.Accepted)
	require.Equal(t, "employee@contoso.com", v.User.UPN)
	require.Equal(t, "contoso.com", v.Realm)
	require.Equal(t, "employee0001", v.Claims.NameID)
	require.Equal(t, "employee@contoso.com", v.Claims.UPN)
	require.Equal(t, []string{"urn:federation:MicrosoftOnline"}, v.Claims.Audiences)
	require.Equal(t, morning().Add(time.Hour), v.Claims.NotOnOrAfter)
	require.Len(t, v.Findings, 35)
	for _, f := range v.Findings {
		require.Equal(t, entratest.Passed, f.Outcome, "rule %d: %s", f.Rule, f.Detail)
	}
}

// variant is a response that differs in one thing from a good one.
type variant struct {
	name   string
	change func(t testing.TB, d *draft)
	rule   int
	code   string // of the failure; empty: the rule passes, or warns
	detail string // part of what was found
	warns  bool
	also   []int // rules that cannot but fail too
	world  func(*entratest.Config)
	tenant func(t testing.TB, w *world)
}

func prepare(f func(t testing.TB, response, assertion *etree.Element)) func(testing.TB, *draft) {
	return func(t testing.TB, d *draft) {
		d.prepare = func(response, assertion *etree.Element) { f(t, response, assertion) }
	}
}

func text(f func(string) string) func(testing.TB, *draft) {
	return func(_ testing.TB, d *draft) { d.tamperWithText = f }
}

func relay(f func(string) string) func(testing.TB, *draft) {
	return func(_ testing.TB, d *draft) { d.relayState = f }
}

func withPolicy(p entratest.SignInPolicy) func(testing.TB, *world) {
	return func(t testing.TB, w *world) { require.NoError(t, w.SetSignInPolicy(p)) }
}

func withFederation(change func(*entratest.Federation)) func(testing.TB, *world) {
	return func(t testing.TB, w *world) {
		f := contosoFederation()
		change(f)
		require.NoError(t, w.Federate("contoso.com", *f))
	}
}

func variants() []variant {
	return flatten(messageVariants(), realmVariants(), signatureVariants(), subjectVariants(), conditionVariants(),
		statementVariants(), accountVariants())
}

func flatten(lists ...[]variant) (all []variant) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func messageVariants() []variant {
	return []variant{
		{name: "no SAMLResponse", rule: 1, code: "AADSTS900144", detail: "no SAMLResponse",
			change: func(_ testing.TB, d *draft) { d.tamperWithBase64 = func(string) string { return "" } }},

		{name: "line breaks in base64", rule: 2,
			change: func(_ testing.TB, d *draft) {
				d.tamperWithBase64 = func(s string) string { return s[:76] + "\r\n" + s[76:] + "\n" }
			}},
		{name: "an XML declaration", rule: 2, change: text(func(s string) string {
			return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + s
		})},
		{name: "not base64", rule: 2, code: "AADSTS75005", detail: "not base64",
			change: func(_ testing.TB, d *draft) {
				d.tamperWithBase64 = func(s string) string { return s[:40] + "!" + s[40:] }
			}},
		{name: "URL-safe base64", rule: 2, code: "AADSTS75005", detail: "URL-safe",
			change: func(_ testing.TB, d *draft) {
				d.tamperWithBase64 = func(s string) string { return strings.ReplaceAll(s, "P", "-") }
			}},
		{name: "plus signs became spaces", rule: 2, code: "AADSTS75005", detail: "'+' was not escaped",
			change: func(_ testing.TB, d *draft) {
				d.tamperWithBase64 = func(s string) string { return s[:40] + " " + s[41:] }
			}},
		{name: "deflated", rule: 2, code: "AADSTS75005", detail: "deflated", change: text(func(s string) string {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, 6)
			_, _ = w.Write([]byte(s))
			_ = w.Close()
			return b.String()
		})},
		{name: "a tag is not closed", rule: 2, code: "AADSTS90107", detail: "not well-formed",
			change: text(replace("</saml:Subject>", ""))},
		{name: "an undeclared prefix", rule: 2, code: "AADSTS90107", detail: "not declared",
			change: text(replace("<samlp:Status>", "<samlp:Status x:y=\"1\">"))},
		{name: "an element with an undeclared prefix", rule: 2, code: "AADSTS90107", detail: "not declared",
			change: text(replace("</samlp:Status>", "<x:y></x:y></samlp:Status>"))},
		{name: "a repeated attribute", rule: 2, code: "AADSTS90107", detail: "repeated",
			change: text(replace(` Version="2.0"`, ` Version="2.0" Version="2.0"`))},
		{name: "an entity nobody declared", rule: 2, code: "AADSTS90107", detail: "not well-formed",
			change: text(replace("employee0001<", "&other;<"))},
		{name: "not UTF-8", rule: 2, code: "AADSTS90107", detail: "not UTF-8",
			change: text(replace("employee0001<", "\xe9<"))},
		{name: "another encoding", rule: 2, code: "AADSTS90107", change: text(func(s string) string {
			return `<?xml version="1.0" encoding="ISO-8859-1"?>` + s
		})},
		{name: "text after the end", rule: 2, code: "AADSTS90107", detail: "outside the root",
			change: text(func(s string) string { return s + "x" })},
		{name: "two documents", rule: 2, code: "AADSTS90107", detail: "2 root elements",
			change: text(func(s string) string { return s + "<a></a>" })},

		{name: "no RelayState", rule: 3, code: "AADSTS90013", change: relay(func(string) string { return "" })},
		{name: "RelayState cut off at 80 bytes", rule: 3, code: "AADSTS90013", detail: "the first 80 of them alike",
			change: relay(func(s string) string { return s[:80] })},
		{name: "RelayState decoded once too often", rule: 3, code: "AADSTS90013", detail: "came back changed",
			change: relay(func(s string) string { return strings.ReplaceAll(s, "+", " ") })},
		{name: "RelayState of somebody else", rule: 3, code: "AADSTS90013", detail: "sent no such RelayState",
			change: relay(func(string) string { return "https://contoso.sharepoint.com" })},
		{name: "answered after two hours", rule: 3, code: "AADSTS50089", detail: "began 2h0m0s ago",
			tenant: func(_ testing.TB, w *world) { w.clock.Advance(2 * time.Hour) },
			change: func(_ testing.TB, d *draft) { d.now = d.now.Add(2 * time.Hour); d.authnInstant = d.now }},
		{name: "answered after 59 minutes", rule: 3,
			tenant: func(_ testing.TB, w *world) { w.clock.Advance(59 * time.Minute) },
			change: func(_ testing.TB, d *draft) { d.now = d.now.Add(59 * time.Minute); d.authnInstant = d.now }},

		{name: "another document element", rule: 4, code: "AADSTS7500514", change: text(func(s string) string {
			return strings.ReplaceAll(s, "samlp:Response", "samlp:ArtifactResponse")
		})},
		{name: "version 1.1", rule: 4, code: "AADSTS7500514", change: text(replace(` Version="2.0"`, ` Version="1.1"`))},
		{name: "an assertion of version 1.1", rule: 4, code: "AADSTS7500514", detail: "Version of the Assertion",
			change: prepare(func(_ testing.TB, _, a *etree.Element) { a.CreateAttr("Version", "1.1") })},
		{name: "an ID that begins with a digit", rule: 4, code: "AADSTS7500529",
			change: func(_ testing.TB, d *draft) { d.responseID = "1" + d.responseID }},
		{name: "no ID", rule: 4, code: "AADSTS7500529",
			change: prepare(func(_ testing.TB, r, _ *etree.Element) { r.RemoveAttr("ID") })},
		{name: "an ID in a namespace", rule: 4, code: "AADSTS7500529",
			change: prepare(func(_ testing.TB, r, _ *etree.Element) {
				r.RemoveAttr("ID")
				attributes(r, "xmlns:x", "urn:x", "x:ID", "_1")
			})},

		{name: "a document type", rule: 5, code: "AADSTS50008", detail: "document type",
			change: text(func(s string) string { return "<!DOCTYPE r>" + s })},
		{name: "entities", rule: 5, code: "AADSTS50008", detail: "document type", change: text(func(s string) string {
			return `<!DOCTYPE r [<!ENTITY a "employee0001">]>` + strings.Replace(s, "employee0001", "&a;", 1)
		})},
		{name: "an ID twice", rule: 5, code: "AADSTS50008", detail: "occurs twice",
			change: func(_ testing.TB, d *draft) { d.responseID = d.assertionID }},
		{name: "an ID twice, spelled otherwise", rule: 5, code: "AADSTS50008", detail: "occurs twice",
			change: prepare(func(t testing.TB, r, a *etree.Element) {
				set(t, r, "./Status", "Id", a.SelectAttrValue("ID", ""))
			})},
		{name: "an element with two IDs", rule: 5, code: "AADSTS50008", detail: "two IDs",
			change: prepare(func(t testing.TB, r, _ *etree.Element) { attributes(r, "xml:id", "_other") })},
		{name: "too many elements", rule: 5, code: "AADSTS50008", detail: "700 elements",
			change: text(replace("</samlp:Response>", strings.Repeat("<a></a>", 700)+"</samlp:Response>"))},
		{name: "nested too deep", rule: 5, code: "AADSTS50008", detail: "40 levels",
			change: text(replace("</samlp:Response>", strings.Repeat("<a>", 50)+strings.Repeat("</a>", 50)+"</samlp:Response>"))},
		{name: "too many attributes", rule: 5, code: "AADSTS50008", detail: "64 attributes",
			change: text(func(s string) string {
				var b strings.Builder
				for i := range 65 {
					fmt.Fprintf(&b, ` a%d="1"`, i)
				}
				return strings.Replace(s, "<samlp:Status>", "<samlp:Status"+b.String()+">", 1)
			})},
		{name: "too large", rule: 5, code: "AADSTS50008", detail: "larger than any",
			change: text(replace("</samlp:Status>", strings.Repeat(" ", 300_000)+"</samlp:Status>"))},

		{name: "status Responder", rule: 6, code: "AADSTS500082", detail: "AuthnFailed",
			change: prepare(func(t testing.TB, r, _ *etree.Element) {
				code := find(t, r, "./Status/StatusCode")
				code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
				attributes(code.CreateElement("samlp:StatusCode"), "Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")
			})},
		{name: "no status", rule: 6, code: "AADSTS500082", detail: "0 Status",
			change: prepare(func(t testing.TB, r, _ *etree.Element) { remove(t, r, "./Status") })},
		{name: "no assertion", rule: 6, code: "AADSTS500082", detail: "no Assertion",
			change: func(_ testing.TB, d *draft) { d.tamper = func(r, a *etree.Element) { r.RemoveChild(a) } }},
		{name: "the assertion inside an extension", rule: 6, code: "AADSTS500082",
			detail: "no Assertion is directly inside",
			change: func(_ testing.TB, d *draft) {
				d.tamper = func(r, a *etree.Element) { r.CreateElement("samlp:Extensions").AddChild(a) }
			}},

		{name: "another Destination", rule: 7, code: "AADSTS500089",
			change: prepare(func(_ testing.TB, r, _ *etree.Element) {
				r.CreateAttr("Destination", "https://login.microsoftonline.us/login.srf")
			})},
		{name: "no Destination", rule: 7, code: "AADSTS500089",
			change: prepare(func(_ testing.TB, r, _ *etree.Element) { r.RemoveAttr("Destination") })},
		{name: "another Destination, lenient", rule: 7, warns: true, world: lenient,
			change: prepare(func(_ testing.TB, r, _ *etree.Element) { r.RemoveAttr("Destination") })},

		{name: "no InResponseTo", rule: 8, code: "AADSTS500089", detail: "nobody asked",
			change: prepare(func(t testing.TB, r, a *etree.Element) {
				r.RemoveAttr("InResponseTo")
				find(t, a, ".//SubjectConfirmationData").RemoveAttr("InResponseTo")
			})},
		{name: "an invented InResponseTo", rule: 8, code: "AADSTS500089", detail: "no request of this tenant",
			change: func(_ testing.TB, d *draft) { d.request.ID = "_invented" }},
		{name: "unsolicited, lenient", rule: 8, warns: true, world: lenient,
			change: prepare(func(t testing.TB, r, a *etree.Element) {
				r.RemoveAttr("InResponseTo")
				find(t, a, ".//SubjectConfirmationData").RemoveAttr("InResponseTo")
			})},

		{name: "the Response has another Issuer", rule: 9, code: "AADSTS50107",
			change: prepare(func(t testing.TB, r, _ *etree.Element) { find(t, r, "./Issuer").SetText("https://id.contoso.com") })},
		{name: "the Response has no Issuer", rule: 9,
			change: prepare(func(t testing.TB, r, _ *etree.Element) { remove(t, r, "./Issuer") })},

		{name: "an encrypted assertion", rule: 34, code: "AADSTS500082", detail: "EncryptedAssertion",
			change: func(_ testing.TB, d *draft) {
				d.tamper = func(r, a *etree.Element) {
					r.RemoveChild(a)
					attributes(r.CreateElement("saml:EncryptedAssertion"), "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
				}
			}},
		{name: "an encrypted NameID", rule: 34, code: "AADSTS500082", detail: "EncryptedID",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				find(t, a, "./Subject").InsertChildAt(1, etree.NewElement("saml:EncryptedID"))
			})},
		{name: "an encrypted attribute", rule: 34, code: "AADSTS500082", detail: "EncryptedAttribute",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				find(t, a, "./AttributeStatement").CreateElement("saml:EncryptedAttribute")
			})},
	}
}

func realmVariants() []variant {
	issuer := func(s string) func(testing.TB, *draft) { return func(_ testing.TB, d *draft) { d.issuer = s } }
	return []variant{
		{name: "a slash too many", rule: 10, code: "AADSTS50107", detail: "that of contoso.com is",
			change: issuer(contosoIssuer + "/")},
		{name: "http for https", rule: 10, code: "AADSTS50107", detail: "that of contoso.com is",
			change: issuer("http://id.contoso.com/entra")},
		{name: "another case", rule: 10, code: "AADSTS50107", detail: "that of contoso.com is",
			change: issuer("https://id.contoso.com/Entra")},
		{name: "white space around the Issuer", rule: 10, code: "AADSTS50107", detail: "that of contoso.com is",
			change: issuer(contosoIssuer + " ")},
		{name: "an Issuer from elsewhere", rule: 10, code: "AADSTS50107", detail: "no federated domain has",
			change: issuer("https://id.example.org")},
		{name: "an Issuer for a child domain", rule: 10, code: "AADSTS50107",
			change: issuer("https://id.hr.contoso.com/entra")},
		{name: "two Issuers", rule: 10, code: "AADSTS50107", detail: "2 Issuers",
			change: prepare(func(t testing.TB, _, a *etree.Element) { a.CreateElement("saml:Issuer").SetText(contosoIssuer) })},
		{name: "the domain speaks WS-Federation", rule: 10, code: "AADSTS50107", detail: "wsFed",
			tenant: withFederation(func(f *entratest.Federation) { f.Protocol = entratest.WSFed })},
		{name: "the domain is federated no more", rule: 10, code: "AADSTS50107",
			tenant: withFederation(func(f *entratest.Federation) { f.Issuer = "https://new.contoso.com" })},
	}
}

func signatureVariants() []variant {
	tamper := func(f func(t testing.TB, r, a *etree.Element)) func(testing.TB, *draft) {
		return func(t testing.TB, d *draft) { d.tamper = func(r, a *etree.Element) { f(t, r, a) } }
	}
	signer := func(k signingKey) func(testing.TB, *draft) { return func(_ testing.TB, d *draft) { d.signer = k } }
	method := func(m string) func(testing.TB, *draft) { return func(_ testing.TB, d *draft) { d.signatureMethod = m } }
	canonicalizer := func(c dsig.Canonicalizer) func(testing.TB, *draft) {
		return func(_ testing.TB, d *draft) { d.canonicalizer = c }
	}
	certified := func(from, until time.Duration) func(testing.TB, *world) {
		return withFederation(func(f *entratest.Federation) {
			c := certtest.SelfSigned(contosoKey().key, "contoso signing", morning().Add(from), morning().Add(until))
			f.Certificates = []*x509.Certificate{c}
		})
	}
	const day = 24 * time.Hour
	return []variant{
		{name: "not signed", rule: 13, code: "AADSTS50008", detail: "not signed",
			change: func(_ testing.TB, d *draft) { d.unsigned = true }},
		{name: "only the Response is signed", rule: 13, code: "AADSTS50008",
			detail: "the Response is signed and the Assertion is not",
			change: func(_ testing.TB, d *draft) { d.unsigned, d.signResponse = true, true }},
		{name: "only the Response is signed, lenient", rule: 13, warns: true, world: lenient,
			change: func(_ testing.TB, d *draft) { d.unsigned, d.signResponse = true, true }},
		{name: "the Signature at the end", rule: 13, code: "AADSTS50008", detail: "right after the Issuer",
			change: func(_ testing.TB, d *draft) { d.signatureLast = true }},
		{name: "the Signature at the end, lenient", rule: 13, warns: true, world: lenient,
			change: func(_ testing.TB, d *draft) { d.signatureLast = true }},
		{name: "two signatures", rule: 13, code: "AADSTS50008", detail: "two signatures",
			change: tamper(func(t testing.TB, _, a *etree.Element) { a.AddChild(find(t, a, "./Signature").Copy()) })},
		{name: "the Signature one level down", rule: 13, code: "AADSTS50008", detail: "neither",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				find(t, a, "./Subject").AddChild(find(t, a, "./Signature"))
			})},
		{name: "a Reference to nothing in particular", rule: 13, code: "AADSTS50008", detail: `to ""`,
			change: tamper(func(t testing.TB, _, a *etree.Element) { set(t, a, ".//Reference", "URI", "") })},
		{name: "a Reference to the Response", rule: 13, code: "AADSTS50008", detail: "the Reference is to",
			change: tamper(func(t testing.TB, r, a *etree.Element) {
				set(t, a, ".//Reference", "URI", "#"+r.SelectAttrValue("ID", ""))
			})},
		{name: "two References", rule: 13, code: "AADSTS50008", detail: "2 References",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				reference := find(t, a, ".//Reference")
				reference.Parent().AddChild(reference.Copy())
			})},
		{name: "two SignedInfo", rule: 13, code: "AADSTS50008", detail: "is not made of SignedInfo",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				info := find(t, a, ".//SignedInfo")
				info.Parent().AddChild(info.Copy())
			})},
		{name: "an Object in the Signature", rule: 13, code: "AADSTS50008", detail: "is not made of SignedInfo",
			change: tamper(func(t testing.TB, _, a *etree.Element) { find(t, a, "./Signature").CreateElement("ds:Object") })},
		{name: "a comment in the digest", rule: 13, code: "AADSTS50008", detail: "comment",
			change: tamper(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//DigestValue").CreateComment("x") })},
		{name: "a processing instruction in the digest", rule: 13, code: "AADSTS50008", detail: "processing instruction",
			change: tamper(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//DigestValue").CreateProcInst("x", "y") })},
		{name: "no DigestMethod", rule: 13, code: "AADSTS50008", detail: "the Reference is not made of",
			change: tamper(func(t testing.TB, _, a *etree.Element) { remove(t, a, ".//DigestMethod") })},
		{name: "no SignatureMethod", rule: 13, code: "AADSTS50008", detail: "SignedInfo is not made of",
			change: tamper(func(t testing.TB, _, a *etree.Element) { remove(t, a, ".//SignatureMethod") })},

		{name: "the next certificate", rule: 14, change: signer(nextKey())},
		{name: "no KeyInfo", rule: 14, change: func(_ testing.TB, d *draft) { d.withoutKeyInfo = true }},
		{name: "white space in the SignatureValue", rule: 14,
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				v := find(t, a, ".//SignatureValue")
				v.SetText("\n  " + v.Text()[:64] + "\n  " + v.Text()[64:] + "\n")
			})},
		{name: "an unregistered key", rule: 14, code: "AADSTS5000811", detail: "CN=throw-away rogue", change: signer(rogueKey())},
		{name: "an unregistered key without KeyInfo", rule: 14, code: "AADSTS50006",
			detail: "does not fit any registered certificate",
			change: func(_ testing.TB, d *draft) { d.signer, d.withoutKeyInfo = rogueKey(), true }},
		{name: "changed after signing", rule: 14, code: "AADSTS50006", detail: "changed after it was signed",
			change: text(replace("SessionIndex=\"_a", "SessionIndex=\"_b"))},
		{name: "the signature value of another response", rule: 14, code: "AADSTS50006",
			detail: "does not fit any registered certificate",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				v := find(t, a, ".//SignatureValue")
				v.SetText(base64.StdEncoding.EncodeToString(make([]byte, 256)))
			})},
		{name: "a signature value that is no base64", rule: 14, code: "AADSTS50006", detail: "cannot be verified",
			change: tamper(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//SignatureValue").SetText("!") })},
		{name: "the certificate of another domain", rule: 14, code: "AADSTS5000811", change: signer(fabrikamKey())},
		{name: "the certificate has expired", rule: 14, code: "AADSTS5000811", detail: "is valid from",
			tenant: certified(-9*day, -day)},
		{name: "the certificate is not valid yet", rule: 14, code: "AADSTS5000811", detail: "is valid from",
			tenant: certified(day, 9*day)},
		{name: "the certificate has expired, lenient", rule: 14, warns: true, world: lenient,
			tenant: certified(-9*day, -day)},
		{name: "KeyInfo shows another certificate", rule: 14, warns: true,
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				find(t, a, ".//X509Certificate").SetText(base64.StdEncoding.EncodeToString(rogueKey().certificate.Raw))
			})},

		{name: "an inclusive prefix list", rule: 15,
			change: func(_ testing.TB, d *draft) { d.prefixList = "xsd" }},
		{name: "inclusive canonicalisation", rule: 15, code: "AADSTS50008", detail: "xml-c14n11",
			change: canonicalizer(dsig.MakeC14N11Canonicalizer())},
		{name: "canonicalisation with comments", rule: 15, code: "AADSTS50008", detail: "WithComments",
			change: canonicalizer(dsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList(""))},
		{name: "transform identifiers that begin with https", rule: 15, code: "AADSTS50008", detail: "https://www.w3.org",
			change: text(func(s string) string {
				return strings.ReplaceAll(s, `Algorithm="http://www.w3.org/2001/10`, `Algorithm="https://www.w3.org/2001/10`)
			})},
		{name: "the transforms in another order", rule: 15, code: "AADSTS50008",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				transforms := find(t, a, ".//Transforms")
				transforms.AddChild(transforms.ChildElements()[0])
			})},
		{name: "a third transform", rule: 15, code: "AADSTS50008", detail: "xpath",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				attributes(find(t, a, ".//Transforms").CreateElement("ds:Transform"), "Algorithm", "urn:xpath")
			})},
		{name: "an XPath inside a transform", rule: 15, code: "AADSTS50008",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				find(t, a, ".//Transform").CreateElement("ds:XPath").SetText("1")
			})},
		{name: "SignedInfo canonicalised otherwise", rule: 15, code: "AADSTS50008", detail: "CanonicalizationMethod",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				set(t, a, ".//CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
			})},

		{name: "SHA-1", rule: 16, code: "AADSTS50008", detail: "SHA-1", change: method(dsig.RSASHA1SignatureMethod)},
		{name: "SHA-1, lenient", rule: 16, warns: true, world: lenient, change: method(dsig.RSASHA1SignatureMethod)},
		{name: "SHA-512", rule: 16, code: "AADSTS50008", detail: "DigestMethod",
			change: method(dsig.RSASHA512SignatureMethod)},
		{name: "algorithm identifiers that begin with https", rule: 16, code: "AADSTS50008", detail: "begin with http,",
			change: text(func(s string) string {
				return strings.ReplaceAll(s, `Algorithm="http://www.w3.org/2001/04`, `Algorithm="https://www.w3.org/2001/04`)
			})},
		{name: "no algorithm", rule: 16, code: "AADSTS50008",
			change: tamper(func(t testing.TB, _, a *etree.Element) { set(t, a, ".//SignatureMethod", "Algorithm", "none") })},
		{name: "HMAC with the certificate as key", rule: 16, code: "AADSTS50008", detail: "hmac",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				set(t, a, ".//SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
			})},
		{name: "ECDSA", rule: 16, code: "AADSTS50008", detail: "ecdsa",
			change: tamper(func(t testing.TB, _, a *etree.Element) {
				set(t, a, ".//SignatureMethod", "Algorithm", dsig.ECDSASHA256SignatureMethod)
			})},

		{name: "a key of 1024 bits", rule: 17, code: "AADSTS50008", detail: "1024 bits", change: signer(shortKey()),
			tenant: withFederation(func(f *entratest.Federation) { f.Certificates = certificatesOf(shortKey()) })},
		{name: "a key of 1024 bits, lenient", rule: 17, warns: true, world: lenient, change: signer(shortKey()),
			tenant: withFederation(func(f *entratest.Federation) { f.Certificates = certificatesOf(shortKey()) })},

		{name: "the Response is signed as well", rule: 18,
			change: func(_ testing.TB, d *draft) { d.signResponse = true }},
		{name: "the Response was changed after signing", rule: 18, code: "AADSTS50006", detail: "of the Response",
			change: func(t testing.TB, d *draft) {
				d.signResponse = true
				d.tamper = func(r, _ *etree.Element) { r.CreateAttr("Consent", "urn:oasis:names:tc:SAML:2.0:consent:unspecified") }
			}},
		{name: "the Response's signature refers elsewhere", rule: 18, code: "AADSTS50008",
			detail: "of the Response the Reference",
			change: func(t testing.TB, d *draft) {
				d.signResponse = true
				d.tamper = func(r, _ *etree.Element) { set(t, r, "./Signature//Reference", "URI", "#_elsewhere") }
			}},
		{name: "the Response's signature has another algorithm", rule: 18, code: "AADSTS50008",
			detail: "of the Response SignatureMethod",
			change: func(t testing.TB, d *draft) {
				d.signResponse = true
				d.tamper = func(r, _ *etree.Element) { set(t, r, "./Signature//SignatureMethod", "Algorithm", "none") }
			}},
	}
}

func subjectVariants() []variant {
	nameID := func(s string) func(testing.TB, *draft) { return func(_ testing.TB, d *draft) { d.nameID = s } }
	user := func(upn, id string) func(testing.TB, *draft) {
		return func(_ testing.TB, d *draft) { d.upn, d.nameID = upn, id }
	}
	data := func(f func(*etree.Element)) func(testing.TB, *draft) {
		return prepare(func(t testing.TB, _, a *etree.Element) { f(find(t, a, ".//SubjectConfirmationData")) })
	}
	return []variant{
		{name: "no Subject", rule: 19, code: "AADSTS500089", detail: "0 Subjects", also: []int{23},
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, "./Subject") })},
		{name: "no NameID", rule: 19, code: "AADSTS500089", detail: "0 NameIDs",
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, "./Subject/NameID") })},
		{name: "two NameIDs", rule: 19, code: "AADSTS500089", detail: "2 NameIDs",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				find(t, a, "./Subject").AddChild(find(t, a, "./Subject/NameID").Copy())
			})},
		{name: "NameID unspecified", rule: 19, code: "AADSTS51004", detail: "unspecified",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				set(t, a, ".//NameID", "Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
			})},
		{name: "no NameID Format", rule: 19, code: "AADSTS51004", detail: "no Format",
			change: prepare(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//NameID").RemoveAttr("Format") })},
		{name: "no NameID Format, lenient", rule: 19, warns: true, world: lenient,
			change: prepare(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//NameID").RemoveAttr("Format") })},
		{name: "a NameQualifier", rule: 19, warns: true,
			change: prepare(func(t testing.TB, _, a *etree.Element) { set(t, a, ".//NameID", "NameQualifier", contosoIssuer) })},

		{name: "64 characters of two bytes each", rule: 20, change: user("umlaut@contoso.com", strings.Repeat("ü", 64))},
		{name: "an empty NameID", rule: 20, code: "AADSTS51004", detail: "empty", change: nameID("")},
		{name: "65 characters", rule: 20, code: "AADSTS51004", detail: "65 characters",
			change: nameID(strings.Repeat("a", 65))},
		{name: "white space around NameID", rule: 20, code: "AADSTS51004", detail: "white space",
			change: nameID("\n employee0001\n")},

		{name: "an unknown NameID", rule: 21, code: "AADSTS51004", detail: `is "employee0001"`,
			change: nameID("somebody")},
		{name: "another case of NameID", rule: 21, code: "AADSTS51004",
			detail: `that of the user "employee@contoso.com" is "employee0001"`,
			change: nameID("EMPLOYEE0001")},
		{name: "the UPN as NameID", rule: 21, code: "AADSTS51004", change: nameID("employee@contoso.com")},
		{name: "nobody of either name", rule: 21, code: "AADSTS51004", detail: "nor is there a user",
			change: user("new@contoso.com", "new0001")},
		{name: "a disabled account", rule: 21, code: "AADSTS50057", detail: "disabled",
			change: user("former@contoso.com", "former0001")},

		{name: "base64 as NameID", rule: 22, warns: true, change: user("encoded@contoso.com", "a+b/c==")},

		{name: "a later confirmation that fits", rule: 23, change: prepare(func(t testing.TB, _, a *etree.Element) {
			confirmation := find(t, a, ".//SubjectConfirmation")
			first := confirmation.Copy()
			set(t, first, "./SubjectConfirmationData", "Recipient", "https://other.example.org")
			confirmation.Parent().InsertChildAt(1, first)
		})},
		{name: "no bearer confirmation", rule: 23, code: "AADSTS500089", detail: "no SubjectConfirmation",
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				set(t, a, ".//SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
			})},
		{name: "no confirmation data", rule: 23, code: "AADSTS500089", detail: "no SubjectConfirmationData",
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, ".//SubjectConfirmationData") })},
		{name: "another Recipient", rule: 23, code: "AADSTS500089", detail: "Recipient",
			change: data(func(e *etree.Element) { e.CreateAttr("Recipient", loginSRF+"/") })},
		{name: "no Recipient", rule: 23, code: "AADSTS500089", detail: "no Recipient",
			change: data(func(e *etree.Element) { e.RemoveAttr("Recipient") })},
		{name: "the confirmation has expired", rule: 23, code: "AADSTS500089", detail: "2026-03-02 08:55:00Z",
			change: data(func(e *etree.Element) { e.CreateAttr("NotOnOrAfter", when(morning().Add(-5*time.Minute))) })},
		{name: "the confirmation expired a moment ago", rule: 23,
			change: data(func(e *etree.Element) { e.CreateAttr("NotOnOrAfter", when(morning().Add(-4*time.Minute))) })},
		{name: "no end of the confirmation", rule: 23, code: "AADSTS500089", detail: "no NotOnOrAfter",
			change: data(func(e *etree.Element) { e.RemoveAttr("NotOnOrAfter") })},
		{name: "the confirmation has a NotBefore", rule: 23, code: "AADSTS500089", detail: "NotBefore",
			change: data(func(e *etree.Element) { e.CreateAttr("NotBefore", when(morning())) })},

		{name: "the confirmation names another request", rule: 24, code: "AADSTS500089", detail: `"_other"`,
			change: data(func(e *etree.Element) { e.CreateAttr("InResponseTo", "_other") })},
		{name: "the confirmation names no request", rule: 24, code: "AADSTS500089",
			change: data(func(e *etree.Element) { e.RemoveAttr("InResponseTo") })},
	}
}

func conditionVariants() []variant {
	conditions := func(f func(*etree.Element)) func(testing.TB, *draft) {
		return prepare(func(t testing.TB, _, a *etree.Element) { f(find(t, a, "./Conditions")) })
	}
	at := func(name string, d time.Duration) func(testing.TB, *draft) {
		return conditions(func(e *etree.Element) { e.CreateAttr(name, when(morning().Add(d))) })
	}
	audience := func(s string) func(testing.TB, *draft) {
		return prepare(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//Audience").SetText(s) })
	}
	return []variant{
		{name: "the clock is four minutes ahead", rule: 25, change: at("NotBefore", 4*time.Minute)},
		{name: "the clock is six minutes ahead", rule: 25, code: "AADSTS500089", detail: "valid from",
			change: at("NotBefore", 6*time.Minute)},
		{name: "expired four minutes ago", rule: 25, change: at("NotOnOrAfter", -4*time.Minute)},
		{name: "expired six minutes ago", rule: 25, code: "AADSTS500089", detail: "was valid until",
			change: at("NotOnOrAfter", -6*time.Minute)},
		{name: "expired, with the code of a token request", rule: 25, code: "AADSTS500133",
			change: at("NotOnOrAfter", -6*time.Minute),
			tenant: withPolicy(entratest.SignInPolicy{TimeFailureCode: "500133"})},
		{name: "valid for two days", rule: 25, warns: true, change: at("NotOnOrAfter", 48*time.Hour)},
		{name: "no NotBefore", rule: 25, change: conditions(func(e *etree.Element) { e.RemoveAttr("NotBefore") })},
		{name: "no NotOnOrAfter", rule: 25, code: "AADSTS500089", detail: "no NotOnOrAfter",
			change: conditions(func(e *etree.Element) { e.RemoveAttr("NotOnOrAfter") })},
		{name: "local time", rule: 25, code: "AADSTS500089", detail: "not a time in UTC",
			change: conditions(func(e *etree.Element) { e.CreateAttr("NotOnOrAfter", "2026-03-02T11:00:00+01:00") })},
		{name: "no time", rule: 25, code: "AADSTS500089", detail: "not a time in UTC",
			change: conditions(func(e *etree.Element) { e.CreateAttr("NotBefore", "today") })},
		{name: "no Conditions", rule: 25, code: "AADSTS500089", detail: "0 Conditions", also: []int{26},
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, "./Conditions") })},

		{name: "several audiences", rule: 26, change: prepare(func(t testing.TB, _, a *etree.Element) {
			find(t, a, ".//AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example.org")
		})},
		{name: "another audience", rule: 26, code: "AADSTS500089", detail: "urn:federation:microsoftonline.us",
			change: audience("urn:federation:microsoftonline.us")},
		{name: "another case of the audience", rule: 26, code: "AADSTS500089",
			change: audience("urn:federation:microsoftonline")},
		{name: "no AudienceRestriction", rule: 26, code: "AADSTS500089", detail: "no AudienceRestriction",
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, ".//AudienceRestriction") })},
		{name: "a second restriction that excludes Entra", rule: 26, code: "AADSTS500089", detail: "other.example.org",
			change: conditions(func(e *etree.Element) {
				e.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example.org")
			})},
	}
}

func statementVariants() []variant {
	statement := func(f func(t testing.TB, e *etree.Element)) func(testing.TB, *draft) {
		return prepare(func(t testing.TB, _, a *etree.Element) { f(t, find(t, a, "./AuthnStatement")) })
	}
	attribute := func(f func(t testing.TB, e *etree.Element)) func(testing.TB, *draft) {
		return prepare(func(t testing.TB, _, a *etree.Element) { f(t, find(t, a, "./AttributeStatement/Attribute")) })
	}
	return []variant{
		{name: "an AuthenticatingAuthority", rule: 30, code: "AADSTS500132", detail: "AuthenticatingAuthority",
			change: statement(func(t testing.TB, e *etree.Element) {
				find(t, e, "./AuthnContext").CreateElement("saml:AuthenticatingAuthority").SetText("https://proxied.example.org")
			})},
		{name: "an AuthnContextDeclRef", rule: 30, warns: true,
			change: statement(func(t testing.TB, e *etree.Element) {
				find(t, e, "./AuthnContext").CreateElement("saml:AuthnContextDeclRef").SetText("urn:x")
			})},

		{name: "no AuthnStatement", rule: 31, code: "AADSTS50008", detail: "0 AuthnStatements",
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, "./AuthnStatement") })},
		{name: "no AuthnStatement, lenient", rule: 31, warns: true, world: lenient,
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, "./AuthnStatement") })},
		{name: "authenticated in the future", rule: 31, code: "AADSTS50008", detail: "AuthnInstant",
			change: func(_ testing.TB, d *draft) { d.authnInstant = d.now.Add(time.Hour) }},
		{name: "no AuthnInstant", rule: 31, code: "AADSTS50008", detail: "no AuthnInstant",
			change: statement(func(_ testing.TB, e *etree.Element) { e.RemoveAttr("AuthnInstant") })},
		{name: "an AuthnInstant that is no time", rule: 31, code: "AADSTS50008", detail: "not a time in UTC",
			change: statement(func(_ testing.TB, e *etree.Element) { e.CreateAttr("AuthnInstant", "now") })},
		{name: "the session has ended", rule: 31, code: "AADSTS50008", detail: "ended",
			change: statement(func(_ testing.TB, e *etree.Element) {
				e.CreateAttr("SessionNotOnOrAfter", when(morning().Add(-time.Hour)))
			})},
		{name: "no SessionIndex", rule: 31, code: "AADSTS50008", detail: "no SessionIndex",
			change: statement(func(_ testing.TB, e *etree.Element) { e.RemoveAttr("SessionIndex") })},
		{name: "two class references", rule: 31, code: "AADSTS50008", detail: "2 AuthnContextClassRefs",
			change: statement(func(t testing.TB, e *etree.Element) {
				find(t, e, "./AuthnContext").CreateElement("saml:AuthnContextClassRef").SetText(mfaRef)
			})},
		{name: "no class reference", rule: 31, code: "AADSTS50008", detail: "0 AuthnContextClassRefs",
			change: statement(func(t testing.TB, e *etree.Element) { remove(t, e, ".//AuthnContextClassRef") })},

		{name: "an xsi:type on the value", rule: 28, change: attribute(func(t testing.TB, e *etree.Element) {
			attributes(find(t, e, "./AttributeValue"), "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance",
				"xmlns:xs", "http://www.w3.org/2001/XMLSchema", "xsi:type", "xs:string")
		})},
		{name: "no IDPEmail", rule: 28, code: "AADSTS50008", detail: "no attribute IDPEmail",
			change: prepare(func(t testing.TB, _, a *etree.Element) { remove(t, a, "./AttributeStatement") })},
		{name: "IDPEmail in another case", rule: 28, code: "AADSTS50008", detail: `but there is "IdpEmail"`,
			change: attribute(func(_ testing.TB, e *etree.Element) { e.CreateAttr("Name", "IdpEmail") })},
		{name: "two values", rule: 28, code: "AADSTS50008", detail: "more than one value",
			change: attribute(func(_ testing.TB, e *etree.Element) {
				e.CreateElement("saml:AttributeValue").SetText("x@contoso.com")
			})},
		{name: "no value", rule: 28, code: "AADSTS50008",
			change: attribute(func(t testing.TB, e *etree.Element) { remove(t, e, "./AttributeValue") })},
		{name: "a value that is no UPN", rule: 28, code: "AADSTS50008", detail: "no UPN",
			change: func(_ testing.TB, d *draft) { d.upn = "employee" }},
		{name: "an address with a name", rule: 28, code: "AADSTS50008", detail: "no UPN",
			change: func(_ testing.TB, d *draft) { d.upn = "Employee <employee@contoso.com>" }},
		{name: "the older UPN attribute", rule: 28, code: "AADSTS50008",
			change: attribute(func(_ testing.TB, e *etree.Element) { e.CreateAttr("Name", olderUPN) })},
		{name: "the older UPN attribute, lenient", rule: 28, warns: true, world: lenient,
			change: attribute(func(_ testing.TB, e *etree.Element) { e.CreateAttr("Name", olderUPN) })},

		{name: "a comment in NameID", rule: 35, change: text(replace(">employee0001<", ">employee<!-- hello -->0001<"))},
		{name: "a processing instruction in NameID", rule: 35, code: "AADSTS500132",
			detail: "NameID contains a processing instruction",
			change: prepare(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//NameID").CreateProcInst("x", "y") })},
		{name: "an element in NameID", rule: 35, code: "AADSTS500132", detail: "NameID contains an element",
			change: prepare(func(t testing.TB, _, a *etree.Element) { find(t, a, ".//NameID").CreateElement("saml:b") })},
		{name: "an element in IDPEmail, lenient", rule: 35, code: "AADSTS500132", world: lenient,
			change: attribute(func(t testing.TB, e *etree.Element) { find(t, e, "./AttributeValue").CreateElement("saml:b") })},
		{name: "an element in some other attribute", rule: 35, change: attribute(func(_ testing.TB, e *etree.Element) {
			other := e.Parent().CreateElement("saml:Attribute")
			attributes(other, "Name", "other")
			other.CreateElement("saml:AttributeValue").CreateElement("saml:b")
		})},
	}
}

const olderUPN = "http://schemas.xmlsoap.org/claims/UPN"

func accountVariants() []variant {
	as := func(issuer string, signer func() signingKey, upn, id string) func(testing.TB, *draft) {
		return func(_ testing.TB, d *draft) { d.issuer, d.signer, d.upn, d.nameID = issuer, signer(), upn, id }
	}
	upn := func(s string) func(testing.TB, *draft) { return func(_ testing.TB, d *draft) { d.upn = s } }
	allow := func(kind entratest.RootDomains, domains ...string) func(testing.TB, *world) {
		validation := entratest.TokenValidation{RootDomains: kind, DomainNames: domains}
		return withPolicy(entratest.SignInPolicy{TokenValidation: validation})
	}
	partner := as(contosoIssuer, contosoKey, "partner@fabrikam.com", "partner0001")
	operator := as(contosoIssuer, contosoKey, "operator@managed.example.net", "operator0001")
	mfa := func(_ testing.TB, d *draft) { d.classRef = mfaRef }
	demand := func(b entratest.MFABehavior) func(testing.TB, *world) {
		return func(t testing.TB, w *world) {
			withPolicy(entratest.SignInPolicy{RequireMFA: true})(t, w)
			withFederation(func(f *entratest.Federation) { f.MFABehavior = b })(t, w)
		}
	}
	hourly := entratest.SignInPolicy{SignInFrequency: time.Hour}
	return []variant{
		{name: "a user of a child domain", rule: 12,
			change: as(contosoIssuer, contosoKey, "manager@hr.contoso.com", "manager0001")},
		{name: "a user of another federated domain", rule: 12, code: "AADSTS5000820", detail: "realm of fabrikam.com",
			change: partner},
		{name: "a user of a managed domain", rule: 12, code: "AADSTS5000820", detail: "managed domain", change: operator},
		{name: "another federated domain, policy allManaged", rule: 12,
			change: partner, tenant: allow(entratest.RootDomainsAllManaged)},
		{name: "a managed domain, policy allManaged", rule: 12, code: "AADSTS5000820", change: operator,
			tenant: allow(entratest.RootDomainsAllManaged)},
		{name: "another federated domain, policy allFederated", rule: 12, code: "AADSTS5000820", change: partner,
			tenant: allow(entratest.RootDomainsAllFederated)},
		{name: "a managed domain, policy allFederated", rule: 12,
			change: operator, tenant: allow(entratest.RootDomainsAllFederated)},
		{name: "policy none", rule: 12, change: partner, tenant: allow(entratest.RootDomainsNone)},
		{name: "policy enumerated, listed", rule: 12, code: "AADSTS5000820", change: partner,
			tenant: allow(entratest.RootDomainsEnumerated, "fabrikam.com")},
		{name: "policy enumerated, not listed", rule: 12, change: partner,
			tenant: allow(entratest.RootDomainsEnumerated, "managed.example.net")},
		{name: "policy of both kinds, managed", rule: 12, code: "AADSTS5000820", change: operator,
			tenant: allow(entratest.RootDomainsAllManagedAndEnumeratedFederated)},
		{name: "policy of both kinds, not listed", rule: 12, change: partner,
			tenant: allow(entratest.RootDomainsAllManagedAndEnumeratedFederated, "contoso.com")},

		{name: "another case of IDPEmail's value", rule: 29, change: upn("Employee@Contoso.com")},
		{name: "the UPN of somebody else", rule: 29, code: "AADSTS51004", detail: "contractor@contoso.com",
			change: upn("contractor@contoso.com")},
		{name: "the UPN of somebody in another domain", rule: 29, code: "AADSTS51004",
			change: upn("partner@fabrikam.com")},
		{name: "the UPN of somebody else, lenient", rule: 29, warns: true, world: lenient,
			change: upn("contractor@contoso.com")},

		{name: "MFA is not asked for", rule: 32, change: mfa},
		{name: "MFA is asked for and proven", rule: 32, change: mfa, tenant: demand("")},
		{name: "MFA is asked for and not proven", rule: 32, code: "AADSTS50076", detail: "Entra would do MFA itself",
			tenant: demand(entratest.AcceptMFA)},
		{name: "MFA is enforced and not proven", rule: 32, code: "AADSTS50079", tenant: demand(entratest.EnforceMFA)},
		{name: "MFA is enforced and proven", rule: 32, change: mfa, tenant: demand(entratest.EnforceMFA)},
		{name: "MFA is rejected and proven", rule: 32, code: "AADSTS50076", detail: "rejectMfaByFederatedIdp",
			change: mfa, tenant: demand(entratest.RejectMFA)},
		{name: "MFA is stated by an attribute only", rule: 32, code: "AADSTS50076", tenant: demand(entratest.AcceptMFA),
			change: prepare(func(t testing.TB, _, a *etree.Element) {
				attribute := find(t, a, "./AttributeStatement").CreateElement("saml:Attribute")
				attributes(attribute, "Name", "http://schemas.microsoft.com/claims/authnmethodsreferences")
				attribute.CreateElement("saml:AttributeValue").SetText(mfaRef)
			})},

		{name: "authenticated an hour ago", rule: 33, tenant: withPolicy(hourly),
			change: func(_ testing.TB, d *draft) { d.authnInstant = d.now.Add(-time.Hour) }},
		{name: "authenticated two hours ago", rule: 33, code: "AADSTS70043", detail: "must not be before",
			tenant: withPolicy(hourly),
			change: func(_ testing.TB, d *draft) { d.authnInstant = d.now.Add(-2 * time.Hour) }},
		{name: "MFA two hours ago", rule: 33, code: "AADSTS50078",
			tenant: withPolicy(entratest.SignInPolicy{RequireMFA: true, SignInFrequency: time.Hour}),
			change: func(_ testing.TB, d *draft) { d.classRef, d.authnInstant = mfaRef, d.now.Add(-2*time.Hour) }},
	}
}

// TestRules changes one thing in a good response, and expects the one rule that it breaks to fail, and no other.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		t.Run(fmt.Sprintf("rule %d: %s", v.rule, v.name), func(t *testing.T) {
			t.Parallel()
			var w *world
			if v.world != nil {
				w = newWorld(t, v.world)
			} else {
				w = newWorld(t)
			}
			d := w.draft(t)
			if v.tenant != nil {
				v.tenant(t, w)
			}
			if v.change != nil {
				v.change(t, d)
			}
			v.judge(t, w.check(t, d))
		})
	}
}

func (v variant) judge(t *testing.T, verdict entratest.Verdict) {
	t.Helper()
	finding := findingOf(t, verdict, v.rule)
	failures := v.also
	switch {
	case v.code != "":
		require.Equal(t, entratest.Failed, finding.Outcome, "rule %d: %s", v.rule, finding.Detail)
		require.Equal(t, v.code, finding.Code)
		require.Equal(t, v.rule, verdict.Rule)
		require.Equal(t, v.code, verdict.Code)
		require.NotEmpty(t, verdict.Message)
		require.NotEmpty(t, verdict.Cause)
		require.NotEmpty(t, verdict.Remedy)
		require.ErrorIs(t, verdict.Err(), entratest.ErrRejected)
		require.ErrorContains(t, verdict.Err(), v.code)
		failures = append([]int{v.rule}, v.also...)
	case v.warns:
		require.Equal(t, entratest.Warned, finding.Outcome, "rule %d: %s", v.rule, finding.Detail)
		require.Contains(t, numbersOf(verdict.Warnings()), v.rule)
		require.NotEmpty(t, finding.Remedy)
	default:
		require.Equal(t, entratest.Passed, finding.Outcome, "rule %d: %s", v.rule, finding.Detail)
	}
	require.Contains(t, finding.Detail, v.detail)
	require.ElementsMatch(t, failures, numbersOf(verdict.Failures()), "%+v", verdict.Failures())
	require.Equal(t, len(failures) == 0, verdict.Accepted)
	if !verdict.Accepted {
		require.Zero(t, verdict.User)
	}
}

// TestEveryRuleIsShownBothWays makes sure that the variants break every rule at least once. That every rule can pass is
// shown by TestAGoodResponsePassesEveryRule.
func TestEveryRuleIsShownBothWays(t *testing.T) {
	t.Parallel()
	broken := map[int]bool{
		11: true, // TestIssuerOfTwoDomains
		27: true, // TestAnAssertionIsGoodForOneSignIn
	}
	for _, v := range variants() {
		if v.code != "" || v.rule == 22 && v.warns { // rule 22 only ever warns
			broken[v.rule] = true
		}
	}
	for _, r := range entratest.Rules() {
		require.True(t, broken[r.Number], "no test breaks rule %d", r.Number)
	}
}

func TestIssuerOfTwoDomains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	samlResponse, relayState := d.post(t)
	x := offline()
	x.Realms = append(x.Realms, entratest.Realm{Domain: "contoso.org", Federation: x.Realms[0].Federation})
	v := x.Check(samlResponse, relayState)
	require.Equal(t, 11, v.Rule)
	require.Equal(t, "AADSTS50107", v.Code)
	require.Equal(t, []int{11}, numbersOf(v.Failures()))
	require.Contains(t, v.Detail, "contoso.com and contoso.org")
}

// offline is what is known of a response that was written down somewhere.
func offline() entratest.Expectation {
	return entratest.Expectation{
		Realms: []entratest.Realm{{Domain: "contoso.com", Federation: *contosoFederation()}},
		Now:    morning,
	}
}

func TestWithoutADirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	samlResponse, _ := d.post(t)

	v := offline().Check(samlResponse, "")
	require.False(t, v.Accepted, "a sign-in without a user is none")
	require.Zero(t, v.Rule)
	require.Empty(t, v.Failures())
	require.Equal(t, "employee0001", v.Claims.NameID)
	var unchecked []int
	for _, f := range v.Findings {
		if f.Outcome == entratest.NotChecked {
			unchecked = append(unchecked, f.Rule)
		}
	}
	require.ElementsMatch(t, []int{3, 8, 12, 21, 27, 29}, unchecked)
	require.ErrorContains(t, v.Err(), "no rule failed, but not all could be checked")

	x := offline()
	x.RequestID, x.RelayState = d.request.ID, d.request.RelayState
	v = x.Check(samlResponse, d.request.RelayState)
	require.Empty(t, v.Failures())
	require.Equal(t, entratest.Passed, findingOf(t, v, 3).Outcome)
	require.Equal(t, entratest.Passed, findingOf(t, v, 8).Outcome)

	x.RequestID = "_another"
	require.Equal(t, []int{3, 8}, numbersOf(x.Check(samlResponse, "other").Failures()))
}

func TestTheMessageIsEntras(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *entratest.Config) { c.TenantID = "01234567-89ab-cdef-0123-456789abcdef" })
	d := w.draft(t)
	d.nameID = "somebody"
	require.Equal(t, "The user account employee@contoso.com does not exist in the 01234567-89ab-cdef-0123-456789abcdef "+
		"directory. To sign into this application, the account must be added to the directory.", w.check(t, d).Message)
}

func TestTheZeroExpectationRefusesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	samlResponse, relayState := w.draft(t).post(t)
	v := entratest.Expectation{Now: morning}.Check(samlResponse, relayState)
	require.False(t, v.Accepted)
	require.Equal(t, "AADSTS50107", v.Code)
	require.Equal(t, "The requested federation realm object 'https://id.contoso.com/entra' does not exist.", v.Message)
}

func TestARealmWithoutCertificatesRefusesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	samlResponse, relayState := w.draft(t).post(t)
	x := offline()
	x.Realms[0].Federation.Certificates = nil
	v := x.Check(samlResponse, relayState)
	require.Equal(t, 14, v.Rule)
	require.Equal(t, "AADSTS5000811", v.Code)
	require.Zero(t, v.Claims, "nothing is read from what is not verified")
}

func TestACloudWithoutAnAudience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	samlResponse, relayState := w.draft(t).post(t)
	x := offline()
	x.Cloud = entrafed.USGovernmentHigh()
	v := x.Check(samlResponse, relayState)
	require.Equal(t, entratest.Failed, findingOf(t, v, 26).Outcome)
	require.Contains(t, findingOf(t, v, 26).Remedy, "cloud_audience_urn")
}

func TestAnAssertionIsGoodForOneSignIn(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name     string
		change   func(*entratest.Config)
		replayed []int
	}{
		{"strict", func(*entratest.Config) {}, []int{8, 27}},
		{"lenient", lenient, []int{27}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mode.change)
			d := w.draft(t)
			require.NoError(t, w.check(t, d).Err())

			again := w.check(t, d)
			require.Equal(t, mode.replayed, numbersOf(again.Failures()))
			require.Contains(t, findingOf(t, again, 27).Detail, "accepted before")

			next := w.draft(t)
			next.assertionID = d.assertionID
			v := w.check(t, next)
			require.Equal(t, []int{27}, numbersOf(v.Failures()))
			require.Equal(t, "AADSTS50008", v.Code)
		})
	}
}

func TestARequestIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	require.NoError(t, w.check(t, d).Err())
	d.assertionID = "_another"
	v := w.check(t, d)
	require.Equal(t, []int{8}, numbersOf(v.Failures()))
	require.Contains(t, v.Detail, "answered before")
}

func TestARefusedResponseUsesNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	d.nameID = "somebody"
	require.Error(t, w.check(t, d).Err())
	d.nameID = "employee0001"
	require.NoError(t, w.check(t, d).Err())
}

func TestRelayStateAndInResponseToBelongTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, other := w.draft(t), w.draft(t)
	one.request.RelayState = other.request.RelayState
	v := w.check(t, one)
	require.Equal(t, []int{8}, numbersOf(v.Failures()))
	require.Contains(t, v.Detail, "RelayState belongs to the request "+other.request.ID)
}

func TestOfTwoEqualResponsesAtOnceOneIsAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	samlResponse, relayState := w.draft(t).post(t)
	const n = 8
	accepted := make(chan bool, n)
	for range n {
		go func() { accepted <- w.CheckResponse(samlResponse, relayState).Accepted }()
	}
	count := 0
	for range n {
		if <-accepted {
			count++
		}
	}
	require.Equal(t, 1, count)
}

func TestTheFirstFailureDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	d.nameID, d.classRef = "", ""
	d.relayState = func(string) string { return "" }
	v := w.check(t, d)
	require.Equal(t, []int{3, 20, 31}, numbersOf(v.Failures()))
	require.Equal(t, 3, v.Rule)
	require.Equal(t, entratest.NotChecked, findingOf(t, v, 21).Outcome)
	require.Equal(t, "rule 20 comes first", findingOf(t, v, 21).Detail)
}

// A directory with two users of one ImmutableID is not possible in Entra, and must let in neither.
func TestTwoUsersOfOneImmutableID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	samlResponse, relayState := w.draft(t).post(t)
	x := offline()
	x.Accounts = twins{}
	v := x.Check(samlResponse, relayState)
	require.Equal(t, []int{21}, numbersOf(v.Failures()))
	require.Contains(t, v.Detail, "2 users")
}

type twins struct{}

func (twins) UsersByImmutableID(id string) []entratest.User {
	return []entratest.User{{ImmutableID: id, Enabled: true}, {ImmutableID: id, Enabled: true}}
}
func (twins) UserByUPN(string) (entratest.User, bool) { return entratest.User{}, false }
func (twins) RealmOf(string) (entratest.Realm, bool)  { return entratest.Realm{}, false }

func TestPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	err := w.SetSignInPolicy(entratest.SignInPolicy{
		SignInFrequency: -1, TimeFailureCode: "1", TokenValidation: entratest.TokenValidation{RootDomains: "some"},
	})
	for _, field := range []string{"SignInFrequency", "TimeFailureCode", "RootDomains"} {
		require.ErrorContains(t, err, field)
	}
	require.ErrorContains(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: "loud"}), "SignOut")
}

// deflate is what the HTTP-Redirect binding does before base64.
func deflate(document []byte) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	_, _ = w.Write(document)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
