package entratest_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// vectorSpec says how one vector is made. Most are variants of TestRules, by name; the others change the draft.
type vectorSpec struct {
	rule    int
	title   string
	expect  string // "" is accepted; else the code
	warns   []int  // rules that warn, of a response that is accepted
	lenient bool
	note    string

	variant string // of TestRules
	change  func(t testing.TB, d *draft)
	message func(t testing.TB) *http.Request // instead of a response: what the HTTP is
	xmlsec1 bool                             // signed by it

	header [][2]string // more lines, or others than usual
}

const (
	vectorRequestID  = "_7d3f0c2e-51a8-4f0e-9a53-0b1d2c3e4f50"
	vectorRelayState = "estsredirect=2&estsrequest=0123456789abcdef0123456789abcdef" +
		"+//+SGVsbG8sIHdvcmxkISBUaGlzIGlzIHN0YXRlIG9mIEVudHJhLg=="
)

func vectorDraft() *draft {
	return newDraft(entratest.AuthnRequest{ID: vectorRequestID, RelayState: vectorRelayState}, morning())
}

// specs lists all vectors, in the order of their rules.
func specs() []vectorSpec {
	return slices.Concat(messageSpecs(), realmSpecs(), signatureSpecs(), subjectSpecs(), conditionSpecs(), statementSpecs(),
		accountSpecs(), xmlsec1Specs(), requestSpecs(), logoutSpecs(), guestSpecs())
}

func good(rule int, title string, header ...[2]string) vectorSpec {
	return vectorSpec{rule: rule, title: title, header: header}
}

// of makes a vector of a variant of TestRules.
func of(name string, header ...[2]string) vectorSpec {
	all := variants()
	i := slices.IndexFunc(all, func(v variant) bool { return v.name == name })
	if i < 0 {
		panic("there is no variant " + name)
	}
	v := all[i]
	s := vectorSpec{
		rule: v.rule, title: v.name, expect: v.code, variant: name, change: v.change, lenient: v.world != nil, header: header,
	}
	if v.warns {
		s.warns = []int{v.rule}
	}
	return s
}

func user(fields string) [2]string { return [2]string{"user", fields} }

func messageSpecs() []vectorSpec {
	posted := func(method, contentType, body string) func(testing.TB) *http.Request {
		return func(testing.TB) *http.Request {
			r, _ := http.NewRequest(method, loginSRF, strings.NewReader(body))
			if contentType != "" {
				r.Header.Set("Content-Type", contentType)
			}
			return r
		}
	}
	goodForm := func(contentType string) func(testing.TB) *http.Request {
		return func(t testing.TB) *http.Request {
			samlResponse, relayState := vectorDraft().post(t)
			form := url.Values{"SAMLResponse": {samlResponse}, "RelayState": {relayState}}
			return posted(http.MethodPost, contentType, form.Encode())(t)
		}
	}
	twice := func(t testing.TB) *http.Request {
		samlResponse, relayState := vectorDraft().post(t)
		form := url.Values{"SAMLResponse": {samlResponse, samlResponse}, "RelayState": {relayState}}
		return posted(http.MethodPost, "application/x-www-form-urlencoded", form.Encode())(t)
	}
	inQuery := func(t testing.TB) *http.Request {
		samlResponse, _ := vectorDraft().post(t)
		r := posted(http.MethodGet, "", "")(t)
		r.URL.RawQuery = url.Values{"SAMLResponse": {samlResponse}}.Encode()
		return r
	}
	return []vectorSpec{
		{rule: 1, title: "a form is posted", message: goodForm("application/x-www-form-urlencoded; charset=UTF-8")},
		{rule: 1, title: "in the query of a GET", expect: "AADSTS900144", message: inQuery},
		{rule: 1, title: "a form of another type", expect: "AADSTS900144", message: goodForm("text/plain")},
		{rule: 1, title: "the field twice", expect: "AADSTS900144", message: twice},
		of("no SAMLResponse"),

		of("line breaks in base64"), of("an XML declaration"), of("URL-safe base64"), of("plus signs became spaces"),
		of("deflated"), of("a tag is not closed"), of("an undeclared prefix"), of("not UTF-8"),

		{rule: 3, title: "RelayState as it was sent", message: goodForm("application/x-www-form-urlencoded")},
		of("no RelayState"), of("RelayState cut off at 80 bytes"), of("RelayState decoded once too often"),

		{rule: 4, title: "an ID with a dot and a hyphen", change: func(_ testing.TB, d *draft) { d.responseID = "_r.1-2" }},
		of("another document element"), of("version 1.1"), of("an ID that begins with a digit"),

		{rule: 5, title: "a comment and white space around the document", change: text(func(s string) string {
			return "<!-- before -->\n" + s + "\n<!-- after -->"
		})},
		of("a document type"), of("entities"), of("an ID twice"),
		{rule: 5, title: "a second assertion before the signed one", expect: "AADSTS50008",
			note:   "signature wrapping: whoever looks up the first Assertion reads one that nobody signed",
			change: func(t testing.TB, d *draft) { d.tamper = wrapBefore(t) }},

		{rule: 6, title: "a StatusMessage beside Success", change: prepare(func(t testing.TB, r, _ *etree.Element) {
			find(t, r, "./Status").CreateElement("samlp:StatusMessage").SetText("welcome")
		})},
		of("status Responder"), of("no assertion"),

		good(7, "the Destination is login.srf"), of("another Destination"), of("no Destination"),
		of("another Destination, lenient"),
		good(8, "the answer to the request"), of("an invented InResponseTo"), of("no InResponseTo"), of("unsolicited, lenient"),
		of("the Response has no Issuer"), of("the Response has another Issuer"),
		good(34, "nothing is encrypted"), of("an encrypted assertion"), of("an encrypted NameID"), of("an encrypted attribute"),
	}
}

// wrapBefore puts an unsigned assertion for somebody else before the signed one.
func wrapBefore(t testing.TB) func(response, assertion *etree.Element) {
	return func(response, assertion *etree.Element) {
		forged := assertion.Copy()
		forged.RemoveChild(find(t, forged, "./Signature"))
		forged.CreateAttr("ID", "_forged")
		find(t, forged, ".//NameID").SetText("manager0001")
		response.InsertChildAt(assertion.Index(), forged)
	}
}

func realmSpecs() []vectorSpec {
	const urn = "urn:uri:contoso:identity-provider"
	return []vectorSpec{
		{rule: 10, title: "the issuer is a URN", header: [][2]string{{"issuer", urn}},
			change: func(_ testing.TB, d *draft) { d.issuer = urn }},
		of("a slash too many"), of("http for https"), of("another case"), of("an Issuer from elsewhere"),
		good(11, "another domain has another issuer", [2]string{"realm", "fabrikam.com " + fabrikamIssuer}),
		{rule: 11, title: "another domain has the same issuer", expect: "AADSTS50107",
			header: [][2]string{{"realm", "fabrikam.com " + contosoIssuer}},
			note:   "Graph refuses such a configuration, and so does the simulated tenant"},
	}
}

func signatureSpecs() []vectorSpec {
	certificate := func(name string) [2]string { return [2]string{"certificate", "keys/throwaway-" + name + ".crt"} }
	expired := [2]string{"certificate", "keys/throwaway-contoso-expired.crt"}
	return []vectorSpec{
		good(13, "the Assertion is signed"), of("not signed"), of("only the Response is signed"),
		of("a Reference to nothing in particular"), of("the Signature one level down"), of("the Signature at the end"),
		of("only the Response is signed, lenient"), of("the Signature at the end, lenient"),

		of("the next certificate", certificate("contoso"), certificate("contoso-next")), of("no KeyInfo"),
		of("white space in the SignatureValue"), of("an unregistered key"), of("changed after signing"),
		of("the certificate has expired", expired), of("the certificate has expired, lenient", expired),

		of("an inclusive prefix list"), of("inclusive canonicalisation"),
		of("transform identifiers that begin with https"), of("a third transform"), of("SignedInfo canonicalised otherwise"),

		good(16, "rsa-sha256 and sha256"), of("SHA-1"), of("algorithm identifiers that begin with https"),
		of("HMAC with the certificate as key"), of("SHA-1, lenient"),

		good(17, "a key of 2048 bits"), of("a key of 1024 bits", certificate("short")),
		of("a key of 1024 bits, lenient", certificate("short")),

		of("the Response is signed as well"), of("the Response was changed after signing"),
		of("the Response's signature refers elsewhere"),
	}
}

func subjectSpecs() []vectorSpec {
	longest := strings.Repeat("0123456789abcdef", 4)
	return []vectorSpec{
		good(19, "NameID is persistent"), of("NameID unspecified"), of("no NameID Format"), of("two NameIDs"),
		of("no NameID Format, lenient"),
		{rule: 20, title: "64 characters", header: [][2]string{user(longest + " employee@contoso.com")},
			change: func(_ testing.TB, d *draft) { d.nameID = longest }},
		of("65 characters"), of("an empty NameID"), of("white space around NameID"),
		good(21, "the user exists"), of("another case of NameID"), of("an unknown NameID"),
		of("a disabled account", user("former0001 former@contoso.com disabled")),
		good(22, "letters and digits"), of("base64 as NameID", user("a+b/c== encoded@contoso.com")),
		of("a later confirmation that fits"), of("another Recipient"), of("the confirmation has expired"),
		of("the confirmation has a NotBefore"), of("no bearer confirmation"),
		good(24, "the same InResponseTo twice"), of("the confirmation names another request"),
	}
}

func conditionSpecs() []vectorSpec {
	return []vectorSpec{
		of("the clock is four minutes ahead"), of("the clock is six minutes ahead"), of("expired six minutes ago"),
		of("local time"), of("valid for two days"),
		of("several audiences"), of("another audience"), of("another case of the audience"), of("no AudienceRestriction"),
		{rule: 27, title: "an assertion that was not seen before", header: [][2]string{{"seen", "_another"}}},
		{rule: 27, title: "an assertion that was accepted before", expect: "AADSTS50008",
			header: [][2]string{{"seen", "_a" + vectorRequestID[1:]}}},
	}
}

func statementSpecs() []vectorSpec {
	return []vectorSpec{
		good(30, "only an AuthnContextClassRef"), of("an AuthenticatingAuthority"), of("an AuthnContextDeclRef"),
		good(31, "one AuthnStatement"), of("no AuthnStatement"), of("two class references"), of("authenticated in the future"),
		of("no AuthnStatement, lenient"),
		of("an xsi:type on the value"), of("IDPEmail in another case"), of("no IDPEmail"), of("two values"),
		of("the older UPN attribute"), of("the older UPN attribute, lenient"),
		of("a comment in NameID"), of("a processing instruction in NameID"), of("an element in NameID"),
	}
}

func accountSpecs() []vectorSpec {
	mfa := func(behavior entratest.MFABehavior) [2]string { return [2]string{"require-mfa", string(behavior)} }
	hourly := [2]string{"sign-in-frequency", "3600"}
	return []vectorSpec{
		of("a user of a child domain", user("manager0001 manager@hr.contoso.com")),
		of("a user of another federated domain", user("partner0001 partner@fabrikam.com"),
			[2]string{"realm", "fabrikam.com " + fabrikamIssuer}),
		of("a user of a managed domain", user("operator0001 operator@managed.example.net")),
		of("another case of IDPEmail's value"), of("the UPN of somebody else"), of("the UPN of somebody else, lenient"),
		of("MFA is asked for and proven", mfa(entratest.AcceptMFA)),
		of("MFA is asked for and not proven", mfa(entratest.AcceptMFA)),
		of("MFA is stated by an attribute only", mfa(entratest.AcceptMFA)),
		of("MFA is enforced and not proven", mfa(entratest.EnforceMFA)),
		of("MFA is rejected and proven", mfa(entratest.RejectMFA)),
		of("authenticated an hour ago", hourly), of("authenticated two hours ago", hourly),
	}
}

// xmlsec1Specs are signed by an implementation that shares no code with the one that checks.
func xmlsec1Specs() []vectorSpec {
	signed := func(rule int, title, expect string, change func(testing.TB, *draft)) vectorSpec {
		return vectorSpec{rule: rule, title: title + ", signed by xmlsec1", expect: expect, change: change, xmlsec1: true}
	}
	sha1 := func(_ testing.TB, d *draft) { d.signatureMethod = "http://www.w3.org/2000/09/xmldsig#rsa-sha1" }
	lenientSHA1 := signed(16, "SHA-1, lenient", "", sha1)
	lenientSHA1.lenient, lenientSHA1.warns = true, []int{16}
	return []vectorSpec{
		signed(13, "the Assertion is signed", "", nil),
		signed(14, "changed after signing", "AADSTS50006", text(replace(`SessionIndex="_a`, `SessionIndex="_b`))),
		signed(14, "an unregistered key", "AADSTS5000811", func(_ testing.TB, d *draft) { d.signer = rogueKey() }),
		signed(15, "an inclusive prefix list", "", func(_ testing.TB, d *draft) { d.prefixList = "xsd" }),
		signed(16, "SHA-1", "AADSTS50008", sha1),
		lenientSHA1,
		signed(18, "the Response is signed as well", "", func(_ testing.TB, d *draft) { d.signResponse = true }),
		signed(18, "the Response was changed after signing", "AADSTS50006", func(t testing.TB, d *draft) {
			d.signResponse = true
			d.tamperWithText = replace(`Version="2.0"`, `Version="2.0" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"`)
		}),
	}
}

// requestSpecs are what Entra sends, as the simulated tenant writes it, and what it does not send.
func requestSpecs() []vectorSpec {
	sent := func(o entratest.RequestOptions, sign bool) func(testing.TB) *http.Request {
		return func(t testing.TB) *http.Request {
			w := vectorTenant(t)
			withFederation(func(f *entratest.Federation) { f.SignedAuthnRequests = sign })(t, w)
			require.NoError(t, w.SetRequestOptions(o))
			r, err := w.NewAuthnRequest("contoso.com")
			require.NoError(t, err)
			return formPost(ssoURL, r.Form())
		}
	}
	changed := func(make func(testing.TB) *http.Request, change func(string) string) func(testing.TB) *http.Request {
		return func(t testing.TB) *http.Request {
			r := make(t)
			require.NoError(t, r.ParseForm())
			raw, err := base64.StdEncoding.DecodeString(r.PostForm.Get("SAMLRequest"))
			require.NoError(t, err)
			document := change(string(raw))
			require.NotEqual(t, string(raw), document)
			r.PostForm.Set("SAMLRequest", encode(document))
			return formPost(ssoURL, r.PostForm)
		}
	}
	unsigned := sent(entratest.RequestOptions{}, false)
	signed := sent(entratest.RequestOptions{}, true)
	wsFedAt := func(hint string, change func(string) string) func(testing.TB) *http.Request {
		return func(t testing.TB) *http.Request {
			w := vectorTenant(t)
			withFederation(func(f *entratest.Federation) { f.Protocol = entratest.WSFed })(t, w)
			res, err := w.Transport().RoundTrip(newGet(t, smartLink("whr", "contoso.com", "login_hint", hint, "prompt", "login")))
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			return newGet(t, change(res.Header.Get("Location")))
		}
	}
	same := func(s string) string { return s }
	without := func(name string) func(string) string {
		parameter := regexp.MustCompile(`&` + name + `=[^&]*`)
		return func(s string) string { return parameter.ReplaceAllString(s, "") }
	}
	return []vectorSpec{
		{rule: 41, title: "as Entra sends it", message: unsigned},
		{rule: 41, title: "with the index of 2016",
			message: sent(entratest.RequestOptions{AssertionConsumerServiceIndex: true}, false)},
		{rule: 41, title: "signed as Microsoft documents it", message: signed},
		{rule: 41, title: "signed with SHA-256", message: sent(entratest.RequestOptions{SHA256: true}, true)},
		{rule: 41, title: "an address to answer to", expect: "AADSTS75005", message: changed(unsigned,
			added(`AssertionConsumerServiceURL="https://attacker.example.org/acs"`)),
			note: "an identity provider that answers there gives the assertion away"},
		{rule: 41, title: "another Issuer", expect: "AADSTS75005",
			message: changed(unsigned, replace("urn:federation:MicrosoftOnline", "https://attacker.example.org"))},
		{rule: 41, title: "changed after it was signed", expect: "AADSTS50006",
			message: changed(signed, replace(`IssueInstant="2026`, `IssueInstant="2025`))},
		{rule: 41, title: "by GET", expect: "AADSTS75003", message: func(t testing.TB) *http.Request {
			r := unsigned(t)
			require.NoError(t, r.ParseForm())
			raw, err := base64.StdEncoding.DecodeString(r.PostForm.Get("SAMLRequest"))
			require.NoError(t, err)
			return newGet(t, ssoURL+"?SAMLRequest="+url.QueryEscape(deflate(raw)))
		}},
		{rule: 42, title: "nobody is hinted at", message: wsFedAt("", same)},
		{rule: 42, title: "a username", message: wsFedAt("employee@contoso.com", same)},
		{rule: 42, title: "escapes in upper case", expect: "AADSTS20012", message: wsFedAt("", replace("%3a", "%3A"))},
		{rule: 42, title: "no state", expect: "AADSTS20012", message: wsFedAt("", without("wctx"))},
		{rule: 42, title: "no username", expect: "AADSTS20012", message: wsFedAt("", without("username"))},
	}
}

// logoutSpecs are both directions of a sign-out.
func logoutSpecs() []vectorSpec {
	sent := func(how entratest.SignOut, change func(string) string) func(testing.TB) *http.Request {
		return func(t testing.TB) *http.Request {
			w := vectorTenant(t)
			idp := withIdentityProvider(t, w)
			require.NoError(t, w.SetRequestOptions(entratest.RequestOptions{SignOut: how}))
			b := w.browser()
			b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
			b.open(t, "https://contoso.sharepoint.com/logout")
			return newGet(t, change("https://id.contoso.com"+idp.last().URL.RequestURI()))
		}
	}
	answer := func(change func(testing.TB, *logoutAnswer)) func(testing.TB) *http.Request {
		return func(t testing.TB) *http.Request {
			a := newLogoutAnswer(vectorRequestID, vectorRelayState, morning())
			if change != nil {
				change(t, a)
			}
			return formPost(loginSRF, a.form(t))
		}
	}
	same := func(s string) string { return s }
	list := []vectorSpec{
		{rule: 43, title: "a bare sign-out", message: sent(entratest.SignOutPlain, same)},
		{rule: 43, title: "wa=wsignout1.0", message: sent(entratest.SignOutWSFed, same)},
		{rule: 43, title: "a LogoutRequest", message: sent(entratest.SignOutRequest, same)},
		{rule: 43, title: "a LogoutRequest, the query signed", message: sent(entratest.SignOutSignedRequest, same)},
		{rule: 43, title: "a LogoutRequest, signed inside", message: sent(entratest.SignOutEnvelopedRequest, same)},
		{rule: 43, title: "a LogoutRequest whose RelayState was changed", expect: "AADSTS50006",
			message: sent(entratest.SignOutSignedRequest, replace("RelayState=", "RelayState=x"))},
		{rule: 43, title: "a LogoutRequest by POST", expect: "AADSTS75003", message: func(testing.TB) *http.Request {
			return formPost(logoutURL, url.Values{"SAMLRequest": {encode(logoutRequestText)}})
		}},
	}
	for _, v := range logoutVariants() {
		switch v.name {
		case "no Issuer", "two signatures", "a signature elsewhere", "the Issuer of another domain":
			continue
		}
		s := vectorSpec{rule: 43, title: "a LogoutResponse, " + v.name, expect: v.code, message: answer(v.change)}
		if v.name == "not signed" {
			s.warns = []int{43}
		}
		list = append(list, s)
	}
	return list
}

// guestSpecs are responses of guests: variants of TestRulesOfGuests, by name.
func guestSpecs() []vectorSpec {
	usual := [][2]string{
		{"domain", "example.net"}, {"issuer", partnerIssuer}, {"certificate", "keys/throwaway-partner.crt"},
		{"tenant", tenantGUID}, {"guests-from", "example.net example.org"},
	}
	guest := func(fields string) [2]string { return [2]string{"guest", fields} }
	visitor := guest(visitorEmail + " " + visitorUPN)
	var list []vectorSpec
	add := func(name string, header ...[2]string) {
		all := guestVariants()
		i := slices.IndexFunc(all, func(v variant) bool { return v.name == name })
		if i < 0 {
			panic("there is no variant " + name)
		}
		v := all[i]
		s := vectorSpec{
			rule: v.rule, title: v.name, expect: v.code, lenient: v.world != nil,
			header: slices.Concat(usual, [][2]string{visitor}, header),
			change: func(t testing.TB, d *draft) {
				d.asGuest()
				if v.change != nil {
					v.change(t, d)
				}
			},
		}
		if v.warns {
			s.warns = []int{v.rule}
		}
		list = append(list, s)
	}
	for _, name := range []string{
		"the audience is the tenant", "the audience is the tenant, among others", "the audience is the cloud",
		"the audience is the cloud, lenient", "the audience is another tenant", "the audience lacks the slash",
		"a guest's NameID of 256 characters", "a guest's NameID of 257 characters",
		"a guest's NameID of 257 characters, lenient", "a guest's NameID is empty",
		"the address that was invited", "an address in another case", "no emailaddress",
		"the name as Microsoft's pages print it", "two addresses", "no address at all", "an address of another domain",
		"an address of a domain below", "an address of a member",
		"an account that was invited", "nobody was invited", "no MFA is asked of guests",
	} {
		add(name)
	}
	add("a guest who has no mail", guest("- unmailed_example.org#EXT#@contoso.onmicrosoft.com"))
	add("an address that a member has", guest("someone@example.net someone@managed.example.net member"))
	add("a guest whose account is disabled",
		guest("former@example.net former_example.net#EXT#@contoso.onmicrosoft.com disabled"))
	add("MFA is asked of guests", [2]string{"require-mfa", string(entratest.AcceptMFA)})
	return list
}

// file is the name of the vector's file.
func (s vectorSpec) file() string {
	outcome := "accepted"
	switch {
	case s.expect != "":
		outcome = "refused"
	case len(s.warns) > 0:
		outcome = "warned"
	}
	words := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(s.title), "-")
	return fmt.Sprintf("%02d-%s-%s.txt", s.rule, outcome, strings.Trim(words, "-"))
}

// write makes the vector.
func (s vectorSpec) write(t testing.TB) []byte {
	t.Helper()
	kind, body := s.body(t)
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	line("rule", fmt.Sprint(s.rule))
	line("title", s.title)
	expect := s.expect
	if expect == "" {
		expect = "accepted"
	}
	line("expect", expect)
	for _, rule := range s.warns {
		line("warns", fmt.Sprint(rule))
	}
	line("level", string(levelOf(t, s.rule)))
	mode := "strict"
	if s.lenient {
		mode = "lenient"
	}
	line("mode", mode)
	line("now", morning().Format("2006-01-02T15:04:05Z"))
	for _, usual := range [][2]string{
		{"request-id", vectorRequestID}, {"relay-state", vectorRelayState}, {"domain", "contoso.com"}, {"issuer", contosoIssuer},
		{"certificate", "keys/throwaway-contoso.crt"}, {"user", "employee0001 employee@contoso.com"},
	} {
		if s.rule >= 41 && usual[0] == "user" || s.isRequest(t) && strings.HasPrefix(usual[0], "re") {
			continue
		}
		if !slices.ContainsFunc(s.header, func(h [2]string) bool { return h[0] == usual[0] }) {
			line(usual[0], usual[1])
		}
	}
	for _, h := range s.header {
		line(h[0], h[1])
	}
	if s.isRequest(t) {
		line("request-certificate", "keys/throwaway-entra.crt")
		line("sign-in-url", ssoURL)
		line("sign-out-url", logoutURL)
	}
	line("signed-by", s.signedBy())
	line("note", s.note)
	line("body", kind)
	b.WriteByte('\n')
	b.WriteString(body)
	b.WriteByte('\n')
	return b.Bytes()
}

// isRequest tells what Entra sends from what it receives.
func (s vectorSpec) isRequest(t testing.TB) bool {
	return s.message != nil && s.message(t).URL.Host != "login.microsoftonline.com"
}

func (s vectorSpec) signedBy() string {
	if s.xmlsec1 {
		return "xmlsec1"
	}
	return ""
}

// allRules are all that have vectors, those of guests that are others' too a second time.
func allRules() []entratest.Rule {
	return slices.Concat(entratest.Rules(), entratest.RequestRules(), entratest.GuestRules())
}

func levelOf(t testing.TB, number int) entratest.Level {
	t.Helper()
	for _, r := range allRules() {
		if r.Number == number {
			return r.Level
		}
	}
	t.Fatalf("there is no rule %d", number)
	return ""
}

// body is the XML where that shows everything, and otherwise HTTP.
func (s vectorSpec) body(t testing.TB) (kind, body string) {
	if s.message != nil {
		return "http", httpText(t, s.message(t))
	}
	d := vectorDraft()
	if s.change != nil {
		s.change(t, d)
	}
	if s.xmlsec1 {
		return "response", d.signedByXmlsec1(t)
	}
	samlResponse, relayState := d.post(t)
	raw, err := base64.StdEncoding.DecodeString(samlResponse)
	if samlResponse != "" && err == nil && d.tamperWithBase64 == nil && d.relayState == nil && isText(raw) {
		return "response", string(raw)
	}
	return "http", httpText(t, formPost(loginSRF, formOf(samlResponse, relayState)))
}

func formOf(samlResponse, relayState string) url.Values {
	form := url.Values{}
	if samlResponse != "" {
		form.Set("SAMLResponse", samlResponse)
	}
	if relayState != "" {
		form.Set("RelayState", relayState)
	}
	return form
}

func isText(raw []byte) bool {
	return bytes.HasPrefix(raw, []byte("<")) && strings.ToValidUTF8(string(raw), "") == string(raw)
}

// httpText is a request as it stands on the wire, with line feeds alone.
func httpText(t testing.TB, r *http.Request) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s\n", r.Method, r.URL.RequestURI(), r.URL.Host)
	var content bytes.Buffer
	if r.Body != nil {
		_, err := content.ReadFrom(r.Body)
		require.NoError(t, err)
	}
	if contentType := r.Header.Get("Content-Type"); contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\n", contentType)
	}
	if content.Len() > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\n", content.Len())
	}
	return b.String() + "\n" + content.String()
}

// signedByXmlsec1 writes the response with templates of signatures and has xmlsec1 fill them in.
func (d *draft) signedByXmlsec1(t testing.TB) string {
	t.Helper()
	response, assertion := d.response(), d.assertion()
	if d.prefixList != "" {
		attributes(assertion, "xmlns:"+d.prefixList, "http://www.w3.org/2001/XMLSchema")
	}
	assertion.InsertChildAt(1, d.signatureTemplate(d.assertionID))
	response.AddChild(assertion)
	if d.signResponse {
		response.InsertChildAt(1, d.signatureTemplate(d.responseID))
	}
	doc := etree.NewDocument()
	doc.SetRoot(response)
	signed, err := doc.WriteToBytes()
	require.NoError(t, err)
	signed = d.runXmlsec1(t, signed, "urn:oasis:names:tc:SAML:2.0:assertion:Assertion")
	if d.signResponse {
		signed = d.runXmlsec1(t, signed, "urn:oasis:names:tc:SAML:2.0:protocol:Response")
	}
	if d.tamperWithText != nil {
		return d.tamperWithText(string(signed))
	}
	return string(signed)
}

func (d *draft) signatureTemplate(id string) *etree.Element {
	digest := "http://www.w3.org/2001/04/xmlenc#sha256"
	if strings.HasSuffix(d.signatureMethod, "sha1") {
		digest = "http://www.w3.org/2000/09/xmldsig#sha1"
	}
	const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	inclusive := ""
	if d.prefixList != "" {
		inclusive = `<ec:InclusiveNamespaces xmlns:ec="` + exclusive + `" PrefixList="` + d.prefixList + `"/>`
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString(`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
		`<ds:CanonicalizationMethod Algorithm="` + exclusive + `"/><ds:SignatureMethod Algorithm="` + d.signatureMethod + `"/>` +
		`<ds:Reference URI="#` + id + `"><ds:Transforms>` +
		`<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>` +
		`<ds:Transform Algorithm="` + exclusive + `">` + inclusive + `</ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + digest + `"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>` +
		`<ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature>`); err != nil {
		panic(err)
	}
	return doc.Root()
}

// runXmlsec1 signs the first signature that is directly inside an element of that name.
func (d *draft) runXmlsec1(t testing.TB, document []byte, element string) []byte {
	t.Helper()
	dir := t.TempDir()
	file, output := filepath.Join(dir, "template.xml"), filepath.Join(dir, "signed.xml")
	certificate := filepath.Join(dir, "certificate.pem")
	require.NoError(t, os.WriteFile(file, document, 0o600))
	require.NoError(t, os.WriteFile(certificate,
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.signer.certificate.Raw}), 0o600))
	colon := strings.LastIndex(element, ":")
	name := element[colon+1:]
	said, err := exec.Command("xmlsec1", "--sign", "--privkey-pem", d.signer.file()+","+certificate,
		"--id-attr:ID", element, "--node-xpath",
		`/descendant::*[local-name()="`+name+`"]/*[local-name()="Signature"]`, "--output", output, file).CombinedOutput()
	require.NoError(t, err, "%s", said)
	signed, err := os.ReadFile(output)
	require.NoError(t, err)
	return bytes.TrimRight(signed, "\n")
}

// file is where the key is.
func (k signingKey) file() string {
	for _, t := range throwaways() {
		if stored, err := readKey(t.name); err == nil && stored.Equal(k.key) {
			return keyFile(t.name)
		}
	}
	panic("the key is in no file")
}

// settled is a vector as it is stored, if what was made now differs from that only in how a message was deflated: versions
// of Go deflate differently, and whatever is signed over the deflated message differs with it.
func settled(t testing.TB, path string, made []byte) []byte {
	t.Helper()
	stored, err := os.ReadFile(path)
	if err != nil || *update {
		return made
	}
	if inflated(t, made) == inflated(t, stored) {
		return stored
	}
	return made
}

var deflatedMessage = regexp.MustCompile(`SAML(?:Request|Response)=([A-Za-z0-9%]+)(.*&Signature=[A-Za-z0-9%]+)?`)

// inflated is a vector with the deflated message inflated and without the signature over it.
func inflated(t testing.TB, vector []byte) string {
	t.Helper()
	return deflatedMessage.ReplaceAllStringFunc(string(vector), func(found string) string {
		parameter, _, _ := strings.Cut(found, "&")
		_, value, _ := strings.Cut(parameter, "=")
		unescaped, err := url.QueryUnescape(value)
		require.NoError(t, err)
		raw, err := base64.StdEncoding.DecodeString(unescaped)
		if err != nil {
			return found
		}
		document, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
		if err != nil || !bytes.HasPrefix(document, []byte("<")) {
			return found
		}
		rest := strings.TrimPrefix(found, parameter)
		return "inflated: " + string(document) + strings.Split(rest, "&Signature=")[0]
	})
}

func unbroken(text []byte) string { return strings.Join(strings.Fields(string(text)), "") }

// TestVectorsAreReproducible makes every vector again. With -update it writes them, and removes those that are no more.
func TestVectorsAreReproducible(t *testing.T) {
	_, noXmlsec1 := exec.LookPath("xmlsec1")
	made := map[string]bool{}
	for _, s := range specs() {
		file := s.file()
		require.False(t, made[file], "two vectors are named %s", file)
		made[file] = true
		t.Run(strings.TrimSuffix(file, ".txt"), func(t *testing.T) {
			switch path := filepath.Join(vectorFolder, file); {
			case s.xmlsec1 && noXmlsec1 != nil:
				t.Skip("xmlsec1 is not installed")
			case s.xmlsec1 && !*update: // its versions break lines differently
				stored, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, unbroken(stored), unbroken(s.write(t)))
			default:
				compareOrWrite(t, path, settled(t, path, s.write(t)))
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(vectorFolder, "*.txt"))
	require.NoError(t, err)
	for _, file := range files {
		if !made[filepath.Base(file)] && *update {
			require.NoError(t, os.Remove(file))
			continue
		}
		require.True(t, made[filepath.Base(file)], "%s is made by nobody", file)
	}
}
