package saml_test

import (
	"bytes"
	"encoding/xml"
	"html"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/saml"
)

// hostileValues are what a person, a directory or a request may try to smuggle into a message.
var hostileValues = map[string]string{
	"end of a NameID and another":   `x</saml:NameID><saml:NameID>victim`,
	"end of an attribute value":     `x</saml:AttributeValue><saml:AttributeValue>victim@contoso.com`,
	"end of an assertion":           `x</saml:Assertion><saml:Assertion ID="_evil">`,
	"end of an attribute":           `x" InResponseTo="_evil`,
	"end of an attribute, '":        `x' ID='_evil`,
	"end of a start tag":            `x"/><saml:Issuer>evil</saml:Issuer><x y="`,
	"end of a class and another":    `urn:x</saml:AuthnContextClassRef><saml:AuthnContextClassRef>` + saml.MultipleAuthn,
	"a comment":                     `admin<!-- -->@contoso.com`,
	"half a comment":                `x<!--`,
	"end of a comment":              `-->x`,
	"a processing instruction":      `<?xml version="1.0"?>`,
	"a CDATA section":               `<![CDATA[x]]>`,
	"end of a CDATA section":        `]]>`,
	"a document type":               `<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>`,
	"an entity":                     `&lt;`,
	"an unknown entity":             `&xxe;`,
	"a character reference":         `&#x3C;x&#62;`,
	"a reference to nothing":        `&#0;`,
	"an ampersand":                  `&`,
	"a namespace":                   `x" xmlns:saml="urn:evil`,
	"a Go template":                 `{{.XML}}{{"<"}}`,
	"a format":                      `%s%d%!v(MISSING)%n`,
	"a shell":                       `$(id)` + "`id`",
	"a mark of a template":          `MARK-RESPONSE MARK-RELAYSTATE`,
	"a script":                      `"><script>alert(1)</script>`,
	"an event handler":              `x" autofocus onfocus="alert(1)`,
	"a line feed":                   "x\ny",
	"a carriage return":             "x\ry",
	"both":                          "x\r\ny",
	"a tab":                         "x\ty",
	"a space":                       " x ",
	"a next line":                   "x\u0085y",
	"a line separator":              "x\u2028y\u2029z",
	"a no-break space":              "x\u00A0y",
	"a byte order mark":             "\uFEFFx",
	"a NUL":                         "x\x00y",
	"an escape":                     "x\x1by",
	"a delete":                      "x\x7fy",
	"a non-character":               "x\uFFFEy\uFFFF",
	"a surrogate":                   "x\xed\xa0\x80y",
	"not UTF-8":                     "x\xff\xfey",
	"an overlong less-than":         "\xc0\xbcsaml:Issuer\xc0\xbe",
	"a cut off character":           "x\xe2\x82",
	"a replacement character":       "x\uFFFDy",
	"a full-width less-than":        "\uFF1Csaml:Issuer\uFF1E",
	"a right-to-left override":      "moc.osotnoc\u202E@x",
	"a zero-width joiner":           "ad\u200Dmin",
	"a combining character":         "<\u0338",
	"beyond the basic plane":        "𝄞\U0010FFFD",
	"a long run of what is escaped": strings.Repeat(`<&>"'`, 12),
}

// place is somewhere that a host's value goes to. issue makes a message with it; path and attr say where an independent
// parser should find it again.
type place struct {
	issue      func(value string) (*saml.Response, error)
	wrap       func(value string) string // makes the value fit the place's form, so that it is not refused for its form
	path, attr string
}

func hostPlaces(t testing.TB, idp *saml.IdentityProvider) map[string]place {
	t.Helper()
	asserted := func(set func(*saml.Subject, string)) func(string) (*saml.Response, error) {
		return func(value string) (*saml.Response, error) {
			subject := testSubject()
			set(&subject, value)
			return idp.Respond(&saml.AuthnRequest{ID: requestID, RelayState: "state"}, subject)
		}
	}
	status := func(set func(*saml.Status, string)) func(string) (*saml.Response, error) {
		return func(value string) (*saml.Response, error) {
			s := saml.Status{Code: saml.StatusResponder, Reason: saml.StatusAuthnFailed, Message: "x"}
			set(&s, value)
			return idp.RespondStatus(&saml.AuthnRequest{ID: requestID}, "contoso.com", s)
		}
	}
	plain := func(value string) string { return value }
	return map[string]place{
		"ImmutableID": {asserted(func(s *saml.Subject, v string) { s.ImmutableID = v }), plain,
			"/Response/Assertion/Subject/NameID", ""},
		"UPN": {asserted(func(s *saml.Subject, v string) { s.UPN = v }),
			func(v string) string { return v + "@contoso.com" }, "/Response/Assertion/AttributeStatement/Attribute/AttributeValue", ""},
		"the domain of a UPN": {asserted(func(s *saml.Subject, v string) { s.UPN = v }),
			func(v string) string { return "x@" + v + ".contoso.com" }, "/Response/Assertion/AttributeStatement/Attribute/AttributeValue", ""},
		"AuthnContext": {asserted(func(s *saml.Subject, v string) { s.AuthnContext = v }),
			func(v string) string { return "urn:x:" + v }, "/Response/Assertion/AuthnStatement/AuthnContext/AuthnContextClassRef", ""},
		"SessionIndex": {asserted(func(s *saml.Subject, v string) { s.SessionIndex = v }), plain,
			"/Response/Assertion/AuthnStatement", "SessionIndex"},
		"request ID, in the response": {func(v string) (*saml.Response, error) {
			return idp.Respond(&saml.AuthnRequest{ID: v}, testSubject())
		}, plain, "/Response", "InResponseTo"},
		"request ID, in the assertion": {func(v string) (*saml.Response, error) {
			return idp.Respond(&saml.AuthnRequest{ID: v}, testSubject())
		}, plain, "/Response/Assertion/Subject/SubjectConfirmation/SubjectConfirmationData", "InResponseTo"},
		"request ID, in a status": {func(v string) (*saml.Response, error) {
			return idp.RespondStatus(&saml.AuthnRequest{ID: v}, "", saml.Status{Code: saml.StatusResponder})
		}, plain, "/Response", "InResponseTo"},
		"logout request ID": {func(v string) (*saml.Response, error) {
			return idp.RespondLogout(&saml.LogoutRequest{ID: v}, "")
		}, plain, "/LogoutResponse", "InResponseTo"},
		"status message": {status(func(s *saml.Status, v string) { s.Message = v }), plain, "/Response/Status/StatusMessage", ""},
		"status reason": {status(func(s *saml.Status, v string) { s.Reason = saml.StatusCode(v) }), plain,
			"/Response/Status/StatusCode/StatusCode", "Value"},
	}
}

// skeleton is a message without its values: the names of its elements and attributes, in their order. A value that
// becomes markup changes it.
func skeleton(e *etree.Element) string {
	var b strings.Builder
	b.WriteString("<" + e.FullTag())
	for _, a := range e.Attr {
		b.WriteString(" " + a.FullKey())
	}
	b.WriteString(">")
	for _, child := range e.Child {
		switch c := child.(type) {
		case *etree.Element:
			b.WriteString(skeleton(c))
		case *etree.CharData:
		default:
			b.WriteString("<!something else!>")
		}
	}
	return b.String() + "</>"
}

// requireInert checks that a message carries a value at its place and differs in nothing else from one with a harmless
// value, and that its signature verifies.
func requireInert(t testing.TB, response *saml.Response, harmless, value string, p place) {
	t.Helper()
	root := tree(t, string(response.XML))
	require.Equal(t, harmless, skeleton(root))
	found := root.FindElements(p.path)
	require.Len(t, found, 1)
	got := found[0].Text()
	if p.attr != "" {
		got = found[0].SelectAttrValue(p.attr, "")
	}
	require.Equal(t, value, got)
	requireCanonical(t, response.XML)
}

// Whatever a host sets comes out of an independent parser as it went in, at its place, or is refused. No value becomes
// markup, whoever chose it.
//
// CVE-2026-46490; fox-it SAML XML injection.
func TestXMLInjectionThroughHostValues(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	for name, p := range hostPlaces(t, idp) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, err := p.issue(p.wrap("harmless"))
			require.NoError(t, err)
			harmless := skeleton(tree(t, string(response.XML)))
			requireInert(t, response, harmless, p.wrap("harmless"), p)
			taken := 0
			for attack, value := range hostileValues {
				value = p.wrap(value)
				response, err := p.issue(value)
				if err != nil {
					require.Nil(t, response, attack)
					continue
				}
				taken++
				requireInert(t, response, harmless, value, p)
				path := "./Assertion"
				if response.AssertionID == "" {
					path = ""
				}
				_, err = verifyAt(response.XML, path, cfg.Signer.Certificate)
				require.NoError(t, err, attack)
			}
			if !strings.Contains(name, "UPN") { // whose form leaves no room for markup
				require.NotZero(t, taken, "some of it is escaped and not refused")
			}
		})
	}
}

// What the form of a UPN cannot have is refused.
func TestXMLInjectionThroughUPNIsRefused(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	for attack, value := range hostileValues {
		for _, upn := range []string{value + "@contoso.com", "x@" + value + ".contoso.com"} {
			subject := testSubject()
			subject.UPN = upn
			_, err := idp.RespondUnsolicited(subject, "")
			require.ErrorIs(t, err, saml.ErrSubject, attack)
		}
	}
}

// The operator's own configuration cannot break a message either: each value is refused by New or is inert in all that
// is issued from it.
//
// CVE-2026-46490.
func TestXMLInjectionThroughConfiguration(t *testing.T) {
	t.Parallel()
	type setting struct {
		set  func(*saml.Config, string)
		wrap func(string) string
		path string // in a response
		attr string
		meta string // in metadata
	}
	asURL := func(v string) string { return "https://id.contoso.com/" + v }
	for name, s := range map[string]setting{
		"issuer": {func(c *saml.Config, v string) { c.Realms[0].Issuer = v }, asURL,
			"/Response/Assertion/Issuer", "", "/EntityDescriptor/@entityID"},
		"issuer of the response": {func(c *saml.Config, v string) { c.Realms[0].Issuer = v }, asURL,
			"/Response/Issuer", "", "/EntityDescriptor/@entityID"},
		"audience": {func(c *saml.Config, v string) { c.Cloud = entrafed.Global(); c.Cloud.Audience = v },
			func(v string) string { return v }, "/Response/Assertion/Conditions/AudienceRestriction/Audience", "", ""},
		"assertion consumer service": {func(c *saml.Config, v string) { c.Cloud = entrafed.Global(); c.Cloud.AssertionConsumerService = v },
			asURL, "/Response", "Destination", ""},
		"single sign-on service": {func(c *saml.Config, v string) { c.SingleSignOnService = v }, asURL,
			"", "", "/EntityDescriptor/IDPSSODescriptor/SingleSignOnService[1]/@Location"},
		"single logout service": {func(c *saml.Config, v string) { c.SingleLogoutService = v }, asURL,
			"", "", "/EntityDescriptor/IDPSSODescriptor/SingleLogoutService[1]/@Location"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issue := func(value string) (response *saml.Response, metadata []byte, err error) {
				cfg := testConfig(t)
				cfg.SingleLogoutService = sloURL
				s.set(&cfg, value)
				idp, err := saml.New(cfg)
				if err != nil {
					return nil, nil, err
				}
				metadata, err = idp.Metadata("")
				if err != nil {
					return nil, nil, err
				}
				response, err = idp.RespondUnsolicited(testSubject(), "")
				return response, metadata, err
			}
			response, metadata, err := issue(s.wrap("harmless"))
			require.NoError(t, err)
			harmless, harmlessMetadata := skeleton(tree(t, string(response.XML))), skeleton(tree(t, string(metadata)))
			taken := 0
			for _, value := range hostileValues {
				value = s.wrap(value)
				response, metadata, err := issue(value)
				if err != nil {
					continue
				}
				taken++
				if s.path != "" {
					requireInert(t, response, harmless, value, place{path: s.path, attr: s.attr})
				}
				root := tree(t, string(metadata))
				require.Equal(t, harmlessMetadata, skeleton(root))
				requireCanonical(t, metadata)
				if s.meta != "" {
					path, attr, _ := strings.Cut(s.meta, "/@")
					require.Equal(t, value, root.FindElement(path).SelectAttrValue(attr, ""))
				}
			}
			require.NotZero(t, taken, "some of it is escaped and not refused")
		})
	}
}

// What a request reflects into its answer is its ID alone, and that is a name: nothing else of a request, however it is
// written, reaches the answer's XML.
//
// fox-it SAML XML injection.
func TestXMLInjectionThroughTheRequest(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	escaped := func(value string) (inside string, possible bool) {
		var b bytes.Buffer
		err := xml.EscapeText(&b, []byte(value))
		require.NoError(t, err)
		return b.String(), !strings.Contains(b.String(), "\uFFFD")
	}
	harmless := skeleton(tree(t, string(respond(t, idp, testSubject()).XML)))
	for attack, value := range hostileValues {
		value, possible := escaped(value)
		if !possible {
			continue // XML cannot carry it
		}
		t.Run(attack, func(t *testing.T) {
			_, err := idp.ReadRequest(postRequest(swap(t, plainRequest, requestID, "_"+value), ""))
			require.ErrorIs(t, err, saml.ErrNotRequest, "as an ID")

			document := swap(t, attribute(`ProviderName="`+value+`" Consent="`+value+`"`), "</samlp:AuthnRequest>",
				`<samlp:Scoping><samlp:RequesterID>`+value+`</samlp:RequesterID></samlp:Scoping><samlp:RequestedAuthnContext>`+
					`<AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">`+value+
					`</AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>`)
			request, err := idp.ReadRequest(postRequest(document, ""))
			require.NoError(t, err)
			response, err := idp.Respond(request, testSubject())
			require.NoError(t, err)
			require.Equal(t, harmless, skeleton(tree(t, string(response.XML))))
			if len(value) > 3 {
				require.NotContains(t, string(response.XML), value)
			}
		})
	}
}

var hiddenValues = regexp.MustCompile(`(name="(?:SAMLResponse|RelayState)" value=")[^"]*"`)

// requirePage checks that a page is the page of a harmless answer but for the two values of its form, that the form
// carries the RelayState, and that the policy is the same.
func requirePage(t testing.TB, harmless *httptest.ResponseRecorder, response *saml.Response) {
	t.Helper()
	recorder := httptest.NewRecorder()
	require.NoError(t, response.Post(recorder))
	without := func(r *httptest.ResponseRecorder) string {
		return hiddenValues.ReplaceAllString(r.Body.String(), `$1"`)
	}
	require.Equal(t, without(harmless), without(recorder))
	require.Equal(t, harmless.Header(), recorder.Header())
	match := regexp.MustCompile(`name="RelayState" value="([^"]*)"`).FindStringSubmatch(recorder.Body.String())
	require.NotNil(t, match)
	require.NotContains(t, match[1], "<")
	require.Equal(t, response.RelayState, html.UnescapeString(match[1]))
}

// A RelayState is text to the page that posts itself, whatever is in it, and the page allows no script but its own. The
// same holds for one that a host made up without asking whether a form can carry it.
//
// SSPSA 201907-01; spring-security-saml#417; CVE-2026-42849.
func TestScriptInRelayState(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	harmless, _ := postedPage(t, idp, "harmless")
	require.NotContains(t, harmless.Header().Get("Content-Security-Policy"), "unsafe")
	require.Contains(t, harmless.Header().Get("Content-Security-Policy"), "default-src 'none'")
	scripts := []string{
		`javascript:alert(1)`, `</script><script>alert(1)</script>`, `"/><svg/onload=alert(1)>`,
		`</form><form action="https://evil.example.net">`,
		`"><base href="https://evil.example.net/">`, `"><meta http-equiv="refresh" content="0;url=https://evil.example.net">`,
		`"><input name="SAMLResponse" value="evil">`, `&quot;&gt;&lt;script&gt;`, `&#34;><img src=x onerror=alert(1)>`,
		"`${alert(1)}`", `x' onmouseover='alert(1)`, `<!--`, `-->`, `{{constructor.constructor('alert(1)')()}}`, "+ADw-script+AD4-",
	}
	for _, value := range hostileValues {
		scripts = append(scripts, value)
	}
	for _, value := range scripts {
		response, err := idp.Respond(&saml.AuthnRequest{ID: requestID, RelayState: value}, testSubject())
		require.NoError(t, err)
		requirePage(t, harmless, response)
		logout, err := idp.RespondLogout(&saml.LogoutRequest{ID: "_l1", RelayState: value}, "")
		require.NoError(t, err)
		requirePage(t, harmless, logout)
	}
}

// All that a host can set, at once: each value comes back from an independent parser as it went in, or is refused.
//
// CVE-2026-46490.
func FuzzXMLInjection(f *testing.F) {
	for _, value := range hostileValues {
		f.Add(value, value, "urn:x:"+value, value, value, value, value)
	}
	f.Add(testID, "contractor", "urn:x", "s1", "state", requestID, "not today")
	cfg := testConfig(f)
	cfg.Signer.Key = constantSigner{testKey()}
	idp, err := saml.New(cfg)
	require.NoError(f, err)
	recorder := httptest.NewRecorder()
	first, err := idp.RespondUnsolicited(testSubject(), "harmless")
	require.NoError(f, err)
	require.NoError(f, first.Post(recorder))
	request := &saml.AuthnRequest{ID: requestID}
	answer, err := idp.Respond(request, testSubject())
	require.NoError(f, err)
	harmless := skeleton(tree(f, string(answer.XML)))
	refusal, err := idp.RespondStatus(request, "", saml.Status{Code: saml.StatusResponder, Reason: "x", Message: "x"})
	require.NoError(f, err)
	harmlessStatus := skeleton(tree(f, string(refusal.XML)))

	f.Fuzz(func(t *testing.T, id, local, class, session, relayState, requestID, message string) {
		request := &saml.AuthnRequest{ID: requestID, RelayState: relayState}
		subject := saml.Subject{ImmutableID: id, UPN: local + "@contoso.com", AuthnContext: class, SessionIndex: session,
			AuthnInstant: testTime}
		if response, err := idp.Respond(request, subject); err == nil {
			requireInert(t, response, harmless, id, place{path: "/Response/Assertion/Subject/NameID"})
			requireInert(t, response, harmless, subject.UPN, place{path: "/Response/Assertion/AttributeStatement/Attribute/AttributeValue"})
			requireInert(t, response, harmless, requestID, place{path: "/Response", attr: "InResponseTo"})
			if class != "" {
				requireInert(t, response, harmless, class, place{path: "/Response/Assertion/AuthnStatement/AuthnContext/AuthnContextClassRef"})
			}
			if session != "" {
				requireInert(t, response, harmless, session, place{path: "/Response/Assertion/AuthnStatement", attr: "SessionIndex"})
			}
			if relayState != "" {
				requirePage(t, recorder, response)
			}
		}
		status := saml.Status{Code: saml.StatusResponder, Reason: saml.StatusCode(class), Message: message}
		if response, err := idp.RespondStatus(request, "", status); err == nil && class != "" && message != "" {
			requireInert(t, response, harmlessStatus, message, place{path: "/Response/Status/StatusMessage"})
			requireInert(t, response, harmlessStatus, class, place{path: "/Response/Status/StatusCode/StatusCode", attr: "Value"})
		}
	})
}
