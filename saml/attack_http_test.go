package saml_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/xmldoc"
	"github.com/entrafed/entrafed/saml"
)

// The answer goes to the assertion consumer service of the configured cloud. A request that names another is refused,
// signed or not, however much the other looks like it; one that names it in a way that nobody reads changes nothing.
//
// CVE-2023-45683, GHSA-267v-3v32-g6q5; CVE-2026-18217; simplesamlphp#355, simplesamlphp#884; keycloak#21556.
func TestAssertionConsumerServiceInjection(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for name, address := range map[string]string{
		"a script":                  "javascript:alert(document.domain)",
		"a script in another case":  "JaVaScRiPt:alert(1)//login.microsoftonline.com/login.srf",
		"a script behind a space":   " javascript:alert(1)",
		"a script behind a tab":     "&#9;java&#10;script:alert(1)",
		"data":                      "data:text/html;base64,PHNjcmlwdD4=",
		"Visual Basic":              "vbscript:msgbox(1)",
		"nothing":                   "",
		"another host":              "https://evil.example.net/login.srf",
		"a host below":              "https://login.microsoftonline.com.evil.example.net/login.srf",
		"a host that ends the same": "https://evillogin.microsoftonline.com/login.srf",
		"credentials":               "https://login.microsoftonline.com@evil.example.net/login.srf",
		"a backslash":               `https://evil.example.net\@login.microsoftonline.com/login.srf`,
		"another scheme":            "http://login.microsoftonline.com/login.srf",
		"no scheme":                 "//login.microsoftonline.com/login.srf",
		"a path":                    "/login.srf",
		"another case":              "https://LOGIN.microsoftonline.com/login.srf",
		"another case of the path":  "https://login.microsoftonline.com/Login.srf",
		"another port":              "https://login.microsoftonline.com:444/login.srf",
		"the same port":             "https://login.microsoftonline.com:443/login.srf",
		"a slash":                   loginSRF + "/",
		"a query":                   loginSRF + "?wreply=https://evil.example.net",
		"a fragment":                loginSRF + "#x",
		"a way up":                  "https://login.microsoftonline.com/x/../login.srf",
		"an escape":                 "https://login.microsoftonline.com/%6cogin.srf",
		"a full-width dot":          "https://login.microsoftonline\uFF0Ecom/login.srf",
		"a letter that looks alike": "https://l\u043Egin.microsoftonline.com/login.srf",
		"a dot at the end":          "https://login.microsoftonline.com./login.srf",
		"a space at the end":        loginSRF + " ",
		"a NUL, as text":            loginSRF + "%00",
		"another cloud":             entrafed.China().AssertionConsumerService,
		"two addresses":             loginSRF + " https://evil.example.net",
		"markup":                    loginSRF + `&quot;&gt;&lt;script&gt;`,
		"a wildcard":                "https://*.microsoftonline.com/login.srf",
	} {
		t.Run(name, func(t *testing.T) {
			document := attribute(`AssertionConsumerServiceURL="` + address + `"`)
			_, err := idps[0].ReadRequest(postRequest(document, ""))
			require.ErrorIs(t, err, saml.ErrUnsupported)
			requireReadableError(t, err)
			_, err = idps[1].ReadRequest(postRequest(entraSigner().sign(t, document, rsaSHA1), ""))
			require.ErrorIs(t, err, saml.ErrUnsupported, "not even if Entra asks for it")
		})
	}
	for name, document := range map[string]string{
		"another case of the name": attribute(`assertionConsumerServiceURL="javascript:alert(1)"`),
		"a namespace":              attribute(`xmlns:x="urn:x" x:AssertionConsumerServiceURL="javascript:alert(1)"`),
		"an element":               child(`<AssertionConsumerServiceURL>https://evil.example.net</AssertionConsumerServiceURL>`),
		"another message in it":    child(`<samlp:x AssertionConsumerServiceURL="https://evil.example.net"/>`),
		"Scoping":                  child(`<samlp:Scoping><samlp:IDPList><samlp:IDPEntry Loc="https://evil.example.net"/></samlp:IDPList></samlp:Scoping>`),
		"its own name":             attribute(`AssertionConsumerServiceURL="` + loginSRF + `"`),
	} {
		r := postRequest(document, "")
		r.URL.RawQuery = "wreply=https://evil.example.net&AssertionConsumerServiceURL=https://evil.example.net&return=//evil.example.net"
		r.Header.Set("Origin", "https://evil.example.net")
		r.Header.Set("X-Forwarded-Host", "evil.example.net")
		request, err := idps[0].ReadRequest(r)
		require.NoError(t, err, name)
		response, err := idps[0].Respond(request, testSubject())
		require.NoError(t, err, name)
		require.Equal(t, loginSRF, response.Destination, name)
		recorder := httptest.NewRecorder()
		require.NoError(t, response.Post(recorder))
		require.Contains(t, recorder.Body.String(), `<form method="post" action="`+loginSRF+`">`, name)
		require.NotContains(t, recorder.Body.String(), "evil.example.net", name)
		require.NotContains(t, string(response.XML), "evil.example.net", name)
		require.Empty(t, recorder.Header().Get("Location"), name)
	}
}

// One parameter has one value, from the place that its binding says. What another reader might take for it counts for
// nothing or is refused.
//
// CVE-2026-18217.
func TestParameterPollution(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, withLogout)
	good := url.Values{"SAMLRequest": {encoded(plainRequest)}, "RelayState": {"state"}}
	evil := url.Values{"SAMLRequest": {encoded(strings.Replace(plainRequest, requestID, "_evil", 1))}, "RelayState": {"evil"}}.Encode()
	evilQuery := url.Values{"SAMLRequest": {deflated(strings.Replace(plainRequest, requestID, "_evil", 1))}, "RelayState": {"evil"}}.Encode()
	goodQuery := url.Values{"SAMLRequest": {deflated(plainRequest)}, "RelayState": {"state"}}.Encode()
	form := func(rawQuery, body string) *http.Request {
		r := postRaw(body)
		r.URL.RawQuery = rawQuery
		return r
	}
	get := func(rawQuery, body string) *http.Request {
		r := form(rawQuery, body)
		r.Method = http.MethodGet
		return r
	}
	for name, r := range map[string]*http.Request{
		"a form, and evil in the query":        form(evil, good.Encode()),
		"a form, and evil deflated in a query": form(evilQuery, good.Encode()),
		"a query, and evil in the body":        get(goodQuery, evil),
		"names in another case":                form("", good.Encode()+"&samlrequest=x&relaystate=evil&SAMLREQUEST=x"),
		"lists":                                form("", good.Encode()+"&SAMLRequest[]=x&RelayState%5B%5D=evil&RelayState.x=evil"),
		"names with white space":               form("", good.Encode()+"&+RelayState=evil&RelayState+=evil&%00RelayState=evil"),
		"a response beside it":                 form("", good.Encode()+"&SAMLResponse=evil&SAMLart=evil"),
		"WS-Federation beside it":              form("wa=wsignin1.0&wctx=evil&wreply=https://evil.example.net", good.Encode()),
	} {
		t.Run(name, func(t *testing.T) {
			request, err := idp.ReadRequest(r)
			require.NoError(t, err)
			require.Equal(t, requestID, request.ID)
			require.Equal(t, "state", request.RelayState)
		})
	}
	for name, r := range map[string]*http.Request{
		"the request twice":              form("", good.Encode()+"&SAMLRequest=x"),
		"the same request twice":         form("", good.Encode()+"&"+good.Encode()),
		"the request twice, escaped":     form("", good.Encode()+"&SAML%52equest=x"),
		"RelayState twice":               form("", good.Encode()+"&RelayState=evil"),
		"RelayState twice, one empty":    form("", good.Encode()+"&RelayState="),
		"RelayState twice, escaped":      form("", good.Encode()+"&%52elayState=evil"),
		"a semicolon":                    form("", good.Encode()+";RelayState=evil"),
		"a semicolon in the query":       form("x;y", good.Encode()),
		"a broken escape in the query":   form("x=%", good.Encode()),
		"only in the query of a POST":    form(good.Encode(), ""),
		"only in the body of a GET":      get("", good.Encode()),
		"twice in a query":               get(goodQuery+"&"+goodQuery, ""),
		"an encoding twice in a query":   get(goodQuery+"&SAMLEncoding=&SAMLEncoding=", ""),
		"an empty request":               form("", "SAMLRequest=&RelayState=x"),
		"a request without a value":      form("", "SAMLRequest"),
		"by POST, as if it were a query": form("", goodQuery),
		"by GET, as if it were a form":   get(good.Encode(), ""),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := idp.ReadRequest(r)
			require.Error(t, err)
			requireReadableError(t, err)
		})
	}
	for name, r := range map[string]*http.Request{
		"the request twice": form("", "SAMLRequest="+url.QueryEscape(encoded(logoutRequest))+"&SAMLRequest="),
		"the action twice":  get("wa=wsignout1.0&wa=wsignoutcleanup1.0", ""),
		"RelayState twice":  form("", "SAMLRequest="+url.QueryEscape(encoded(logoutRequest))+"&RelayState=a&RelayState=b"),
	} {
		_, err := idp.ReadLogout(r)
		require.ErrorIs(t, err, saml.ErrEncoding, name)
	}
}

// A body is a form if it says so. Another type, or none, is not guessed at.
func TestContentTypeConfusion(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	form := url.Values{"SAMLRequest": {encoded(plainRequest)}}.Encode()
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	require.NoError(t, w.WriteField("SAMLRequest", encoded(plainRequest)))
	header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="SAMLRequest"; filename="x"`}}
	part, err := w.CreatePart(header)
	require.NoError(t, err)
	_, err = part.Write([]byte(encoded(plainRequest)))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, test := range map[string]struct {
		contentType, body string
		want              error
	}{
		"multipart":                 {w.FormDataContentType(), parts.String(), saml.ErrNoRequest},
		"multipart, without parts":  {"multipart/form-data; boundary=x", form, saml.ErrNoRequest},
		"multipart, no boundary":    {"multipart/form-data", form, saml.ErrNoRequest},
		"text":                      {"text/plain", form, saml.ErrNoRequest},
		"JSON":                      {"application/json", `{"SAMLRequest":"x"}`, saml.ErrNoRequest},
		"XML":                       {"application/xml", plainRequest, saml.ErrNoRequest},
		"SOAP":                      {"application/soap+xml", plainRequest, saml.ErrNoRequest},
		"none":                      {"", form, saml.ErrNoRequest},
		"no type at all":            {"x", form, saml.ErrNoRequest},
		"a type that is broken":     {"application/x-www-form-urlencoded; =", form, saml.ErrEncoding},
		"two types":                 {"text/plain, application/x-www-form-urlencoded", form, saml.ErrEncoding},
		"a type with a line break":  {"application/x-www-form-urlencoded\r\nx: y", form, saml.ErrEncoding},
		"a form":                    {"application/x-www-form-urlencoded", form, nil},
		"a form in a character set": {"application/x-www-form-urlencoded; charset=utf-8", form, nil},
		"a form in another case":    {"Application/X-WWW-Form-URLencoded", form, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := postRaw(test.body)
			r.Header.Set("Content-Type", test.contentType)
			_, err := idp.ReadRequest(r)
			require.ErrorIs(t, err, test.want)
		})
	}
}

// The method is the one of the request line; nothing else stands for it.
func TestMethodTricks(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, withLogout)
	body := url.Values{"SAMLRequest": {encoded(plainRequest)}, "_method": {"POST"}}.Encode()
	query := url.Values{"SAMLRequest": {deflated(plainRequest)}}.Encode()
	for _, method := range []string{"HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "get", "Post",
		"PROPFIND", "", "X\r\nY"} {
		r := httptest.NewRequest(http.MethodPost, ssoURL+"?"+query, strings.NewReader(body))
		r.Method = method
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-HTTP-Method-Override", "POST")
		_, err := idp.ReadRequest(r)
		require.ErrorIs(t, err, saml.ErrNoRequest, method)
		requireReadableError(t, err)
		_, err = idp.ReadLogout(r)
		require.ErrorIs(t, err, saml.ErrNoRequest, method)
	}
	override := httptest.NewRequest(http.MethodGet, ssoURL+"?"+query+"&_method=POST", strings.NewReader(body))
	override.Header.Set("X-HTTP-Method-Override", "POST")
	request, err := idp.ReadRequest(override)
	require.NoError(t, err)
	require.Equal(t, saml.BindingRedirect, request.Binding)
}

// An unsigned LogoutRequest is the wish of a browser and says so; a signature that does not verify is an error, and one
// that cannot be checked is none. Whoever it names, the answer goes to Entra.
//
// GO-2026-4764.
func TestUnsignedLogoutRequestProvesNothing(t *testing.T) {
	t.Parallel()
	signed := entraSigner().sign(t, logoutRequest, rsaSHA1)
	for name, test := range map[string]struct {
		change   func(*saml.Config)
		document string
		want     error
		signed   bool
	}{
		"unsigned, nobody trusted":         {func(*saml.Config) {}, logoutRequest, nil, false},
		"unsigned":                         {trusting, logoutRequest, nil, false},
		"unsigned, where sign-ins must be": {requiring, logoutRequest, nil, false},
		"signed, nobody trusted":           {func(*saml.Config) {}, signed, nil, false},
		"signed":                           {trusting, signed, nil, true},
		"signed by a stranger":             {trusting, unknownSigner().sign(t, logoutRequest, rsaSHA1), saml.ErrSignature, false},
		"signed, then changed":             {trusting, strings.Replace(signed, testID, "victim", 1), saml.ErrSignature, false},
		"an empty signature": {trusting, swap(t, logoutRequest, "</Issuer>",
			`</Issuer><ds:Signature xmlns:ds="`+nsDsig+`"/>`), saml.ErrSignature, false},
		"the signature of a sign-in": {trusting, swap(t, logoutRequest, "</Issuer>", "</Issuer>"+element(t,
			signedRequest(t, entraSigner()), "ds:Signature")), saml.ErrSignature, false},
		"a signed sign-in is not a sign-out": {trusting, signedRequest(t, entraSigner()), saml.ErrNotRequest, false},
		"a signature that is not the message's": {trusting, swap(t, logoutRequest, "</Issuer>", "</Issuer><x>"+element(t,
			signed, "ds:Signature")+"</x>"), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIdP(t, withLogout, test.change)
			for _, r := range []*http.Request{postRequest(test.document, "state"), logoutByQuery(test.document, "state")} {
				logout, err := idp.ReadLogout(r)
				require.ErrorIs(t, err, test.want)
				if err != nil {
					continue
				}
				require.Equal(t, test.signed, logout.Signed)
				response, err := idp.RespondLogout(logout, "")
				require.NoError(t, err)
				require.Equal(t, loginSRF, response.Destination)
				require.Equal(t, logout.ID, response.InResponseTo)
				require.NotContains(t, string(response.XML), testID, "the answer names nobody")
			}
		})
	}
	_, err := newIdP(t, withLogout, requiring).ReadRequest(postRequest(signed, ""))
	require.ErrorIs(t, err, saml.ErrNotRequest, "and a signed sign-out is not a sign-in")
}

// Every assertion has one audience, that of the cloud, and a cloud without one is refused.
//
// CVE-2026-9093.
func TestAudienceIsAlwaysSet(t *testing.T) {
	t.Parallel()
	for _, cloud := range append(entrafed.Clouds(), entrafed.Cloud{}) {
		cfg := testConfig(t)
		cfg.Cloud = cloud
		idp, err := saml.New(cfg)
		if cloud.OrGlobal().Audience == "" {
			require.ErrorContains(t, err, "Audience", cloud.Name)
			cfg.Cloud.Audience = "urn:federation:test"
			idp, err = saml.New(cfg)
		}
		require.NoError(t, err, cloud.Name)
		response, err := idp.RespondUnsolicited(testSubject(), "")
		require.NoError(t, err)
		root, err := xmldoc.Parse(response.XML)
		require.NoError(t, err)
		require.Equal(t, cfg.Cloud.OrGlobal().Audience, only(t, root, "Assertion", "Conditions", "AudienceRestriction", "Audience").Text)
		require.NotEmpty(t, attrs(only(t, root, "Assertion", "Conditions"))["NotOnOrAfter"])
	}
}

// Where somebody remembers, a request is good for one answer: of many that arrive at once, one gets through, and no
// other way to write it is another request. If nobody knows, it is refused.
//
// crewjam ServeSSO.
func TestReplayOfRequests(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return testTime }
	replays := func(store saml.ReplayStore) func(*saml.Config) { return func(c *saml.Config) { c.Replays = store } }
	idp := newIdP(t, trusting, replays(saml.NewMemoryReplayStore(clock)))
	var group sync.WaitGroup
	var taken, refused atomic.Int32
	for range 16 {
		group.Go(func() {
			switch _, err := idp.ReadRequest(postRequest(plainRequest, "")); {
			case err == nil:
				taken.Add(1)
			case errors.Is(err, saml.ErrReplayed):
				refused.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, taken.Load())
	require.EqualValues(t, 15, refused.Load())
	for name, r := range map[string]*http.Request{
		"by the other binding": redirectRequest(url.Values{"SAMLRequest": {deflated(plainRequest)}}),
		"with another state":   postRequest(plainRequest, "other"),
		"a little later":       postRequest(strings.Replace(plainRequest, "03:04:00", "03:04:01", 1), ""),
		"written otherwise":    postRequest(strings.Replace(plainRequest, ` ID="_`, ` ID="&#95;`, 1), ""),
		"with more in it":      postRequest(attribute(`ForceAuthn="true"`), ""),
		"signed":               postRequest(signedRequest(t, entraSigner()), ""),
	} {
		_, err := idp.ReadRequest(r)
		require.ErrorIs(t, err, saml.ErrReplayed, name)
	}

	broken := errors.New("the store is gone")
	_, err := newIdP(t, replays(failingStore{broken})).ReadRequest(postRequest(plainRequest, ""))
	require.ErrorIs(t, err, saml.ErrReplayStore)
	require.ErrorIs(t, err, broken)
	_, err = newIdP(t, requiring, replays(failingStore{broken})).ReadRequest(postRequest(plainRequest, ""))
	require.ErrorIs(t, err, saml.ErrSignature, "what is refused is not remembered")
}

type failingStore struct{ err error }

func (s failingStore) FirstUse(context.Context, string, time.Time) (bool, error) { return false, s.err }
