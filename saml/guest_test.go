package saml_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/xmldoc"
	"github.com/entrafed/entrafed/saml"
)

const (
	guestTenant   = "22222222-3333-4444-8555-666666666666"
	guestAudience = "https://login.microsoftonline.com/22222222-3333-4444-8555-666666666666/"
	guestIssuer   = "https://id.example.net/guests"
	guestSSO      = "https://id.example.net/guests/sso"
	guestID       = "b1946ac92492d2347c6235b4d2611184"
	guestEmail    = "visitor@example.net"
	emailClaim    = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
)

// guestRequest is what Entra asks for guests today: the tenant asks, and not the cloud.
var guestRequest = strings.Replace(plainRequest, audience, guestAudience, 1)

func guestConfig(t testing.TB) saml.GuestConfig {
	t.Helper()
	return saml.GuestConfig{
		TenantID: guestTenant, Issuer: guestIssuer, Domains: []string{"example.net", "Example.org"},
		SingleSignOnService: guestSSO, Signer: testConfig(t).Signer, Now: func() time.Time { return testTime },
	}
}

func newGuestIdP(t testing.TB, change ...func(*saml.GuestConfig)) *saml.GuestIdentityProvider {
	t.Helper()
	cfg := guestConfig(t)
	for _, c := range change {
		c(&cfg)
	}
	idp, err := saml.NewGuests(cfg)
	require.NoError(t, err)
	return idp
}

func guestSubject() saml.GuestSubject {
	return saml.GuestSubject{NameID: guestID, Email: guestEmail, AuthnInstant: testTime.Add(-time.Minute)}
}

func respondToGuest(t testing.TB, idp *saml.GuestIdentityProvider, subject saml.GuestSubject) *saml.Response {
	t.Helper()
	request, err := idp.ReadRequest(postRequest(guestRequest, "state"))
	require.NoError(t, err)
	response, err := idp.Respond(request, subject)
	require.NoError(t, err)
	return response
}

// goldenGuest is the answer as a whole, with the signature left out.
const goldenGuest = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ` +
	`Destination="https://login.microsoftonline.com/login.srf" ID="_000102030405060708090a0b0c0d0e0f" ` +
	`InResponseTo="_11111111-2222-3333-4444-555555555555" IssueInstant="2026-01-02T03:04:05.678Z" Version="2.0">` +
	`<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://id.example.net/guests</saml:Issuer>` +
	`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode></samlp:Status>` +
	`<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_101112131415161718191a1b1c1d1e1f" ` +
	`IssueInstant="2026-01-02T03:04:05.678Z" Version="2.0"><saml:Issuer>https://id.example.net/guests</saml:Issuer>` +
	`[signature]` +
	`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">` +
	`b1946ac92492d2347c6235b4d2611184</saml:NameID>` +
	`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData ` +
	`InResponseTo="_11111111-2222-3333-4444-555555555555" NotOnOrAfter="2026-01-02T03:09:05.678Z" ` +
	`Recipient="https://login.microsoftonline.com/login.srf"></saml:SubjectConfirmationData></saml:SubjectConfirmation>` +
	`</saml:Subject><saml:Conditions NotBefore="2026-01-02T02:59:05.678Z" NotOnOrAfter="2026-01-02T03:09:05.678Z">` +
	`<saml:AudienceRestriction><saml:Audience>` +
	`https://login.microsoftonline.com/22222222-3333-4444-8555-666666666666/</saml:Audience></saml:AudienceRestriction>` +
	`</saml:Conditions><saml:AuthnStatement AuthnInstant="2026-01-02T03:03:05.678Z" ` +
	`SessionIndex="_101112131415161718191a1b1c1d1e1f"><saml:AuthnContext><saml:AuthnContextClassRef>` +
	`urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>` +
	`</saml:AuthnStatement><saml:AttributeStatement>` +
	`<saml:Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"><saml:AttributeValue>` +
	`visitor@example.net</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`

var signatureElement = regexp.MustCompile(`<ds:Signature .*</ds:Signature>`)

func TestRespondToAGuest(t *testing.T) {
	t.Parallel()
	counting := make([]byte, 32)
	for i := range counting {
		counting[i] = byte(i)
	}
	cfg := guestConfig(t)
	cfg.Rand = bytes.NewReader(counting)
	idp, err := saml.NewGuests(cfg)
	require.NoError(t, err)
	response := respondToGuest(t, idp, guestSubject())
	require.Equal(t, goldenGuest, signatureElement.ReplaceAllString(string(response.XML), "[signature]"))
	require.Equal(t, guestAudience, idp.Audience())
	require.Equal(t, "state", response.RelayState)
	require.Equal(t, loginSRF, response.Destination)

	requireCanonical(t, response.XML)
	requireGoxmldsigGuards(t, response.XML, cfg.Signer.Certificate, guestID, guestEmail, "victim@example.net")
}

func TestAGuestsSignatureVerifiesUnderXmlsec1(t *testing.T) {
	t.Parallel()
	cfg := guestConfig(t)
	cfg.Signer.Certificate = certify(testKey(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	cfg.Now = nil // xmlsec1 checks the certificate against the real time
	idp, err := saml.NewGuests(cfg)
	require.NoError(t, err)
	subject := guestSubject()
	subject.NameID, subject.Email = `<&>"'é漢𝄞]]>+/=`, "o'neill&co@example.net"
	response, err := idp.Respond(&saml.AuthnRequest{ID: requestID}, subject)
	require.NoError(t, err)
	requireXmlsec1Guards(t, response.XML, cfg.Signer.Certificate, "o'neill&amp;co", "o'neill")
}

func TestAGuestsResponseKeepsToTheSchema(t *testing.T) {
	t.Parallel()
	requireSchema(t, protocolSchema, respondToGuest(t, newGuestIdP(t), guestSubject()).XML)
}

func TestRespondToAGuestStatesOnlyWhatTheHostStated(t *testing.T) {
	t.Parallel()
	subject := guestSubject()
	subject.AuthnContext, subject.SessionIndex, subject.Email = "urn:x:y", "abc", "Visitor@EXAMPLE.org"
	root, err := xmldoc.Parse(respondToGuest(t, newGuestIdP(t), subject).XML)
	require.NoError(t, err)
	statement := only(t, root, "Assertion", "AuthnStatement")
	require.Equal(t, "urn:x:y", only(t, statement, "AuthnContext", "AuthnContextClassRef").Text)
	require.Equal(t, "abc", attrs(statement)["SessionIndex"])
	claim := only(t, root, "Assertion", "AttributeStatement", "Attribute")
	require.Equal(t, map[string]string{"Name": emailClaim}, attrs(claim), "exact case, no NameFormat")
	require.Equal(t, "Visitor@EXAMPLE.org", only(t, claim, "AttributeValue").Text)
}

func TestRespondToAGuestRefuses(t *testing.T) {
	t.Parallel()
	idp := newGuestIdP(t)
	email := func(s string) func(*saml.GuestSubject) { return func(g *saml.GuestSubject) { g.Email = s } }
	for rule, test := range map[string]struct {
		change func(*saml.GuestSubject)
		text   string
	}{
		"no NameID":             {func(s *saml.GuestSubject) { s.NameID = "" }, "NameID: it is empty"},
		"257 characters":        {func(s *saml.GuestSubject) { s.NameID = strings.Repeat("ü", 257) }, "NameID: it has 257 characters"},
		"a space in it":         {func(s *saml.GuestSubject) { s.NameID = "a b" }, "NameID: it has a space"},
		"a character XML lacks": {func(s *saml.GuestSubject) { s.NameID = "a\uFFFE" }, "cannot carry"},
		"no address":            {email(""), "Email: it does not have the form"},
		"no name in it":         {email("@example.net"), "Email: it does not have the form"},
		"no domain in it":       {email("visitor"), "Email: it does not have the form"},
		"two signs":             {email("a@b@example.net"), "AADSTS5000819"},
		"another domain":        {email("visitor@contoso.com"), "none of example.net, example.org: Entra would answer AADSTS5000819"},
		"a domain below":        {email("visitor@sales.example.net"), "AADSTS5000819"},
		"a domain above":        {email("visitor@net"), "AADSTS5000819"},
		"one that looks like it": {email("visitor@badexample.net"),
			"AADSTS5000819"},
		"a dot after the domain":  {email("visitor@example.net."), "AADSTS5000819"},
		"a name with quotes":      {email(`"a b"@example.net`), "without quotes"},
		"a dot at the end":        {email("a.@example.net"), "a dot too many"},
		"two dots":                {email("a..b@example.net"), "a dot too many"},
		"an accent":               {email("é@example.net"), "without quotes"},
		"65 characters before it": {email(strings.Repeat("a", 65) + "@example.net"), "longer"},
		"no time of sign-in":      {func(s *saml.GuestSubject) { s.AuthnInstant = time.Time{} }, "AuthnInstant: state when"},
		"a sign-in of the future": {func(s *saml.GuestSubject) { s.AuthnInstant = testTime.Add(time.Hour) }, "in the future"},
		"a class that is no URI":  {func(s *saml.GuestSubject) { s.AuthnContext = "password" }, "AuthnContext: it is not an absolute URI"},
		"a long session index":    {func(s *saml.GuestSubject) { s.SessionIndex = strings.Repeat("x", 257) }, "SessionIndex"},
	} {
		t.Run(rule, func(t *testing.T) {
			subject := guestSubject()
			test.change(&subject)
			response, err := idp.Respond(&saml.AuthnRequest{ID: requestID}, subject)
			require.ErrorIs(t, err, saml.ErrSubject)
			require.ErrorContains(t, err, test.text)
			require.Nil(t, response)
		})
	}

	_, err := idp.Respond(nil, guestSubject())
	require.ErrorContains(t, err, "needs the request")
	_, err = idp.Respond(&saml.AuthnRequest{}, guestSubject())
	require.ErrorContains(t, err, "needs the request")
	_, err = idp.Respond(&saml.AuthnRequest{ID: requestID}, saml.GuestSubject{})
	for _, field := range []string{"NameID", "Email", "AuthnInstant"} {
		require.ErrorContains(t, err, field, "one error lists all that is missing")
	}
}

func TestNewGuestsRefuses(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		change func(*saml.GuestConfig)
		want   string
	}{
		"no tenant":                  {func(c *saml.GuestConfig) { c.TenantID = "" }, "TenantID"},
		"the tenant's name":          {func(c *saml.GuestConfig) { c.TenantID = "contoso.onmicrosoft.com" }, "is not a GUID"},
		"a GUID and more":            {func(c *saml.GuestConfig) { c.TenantID += "/x" }, "is not a GUID"},
		"no issuer":                  {func(c *saml.GuestConfig) { c.Issuer = "" }, "Issuer: the issuer is empty"},
		"an issuer that is a name":   {func(c *saml.GuestConfig) { c.Issuer = "id.example.net" }, "not an absolute URI"},
		"the issuer is the cloud":    {func(c *saml.GuestConfig) { c.Issuer = audience }, "the name of Entra itself"},
		"the issuer is the tenant":   {func(c *saml.GuestConfig) { c.Issuer = guestAudience }, "the name of Entra itself"},
		"no domain":                  {func(c *saml.GuestConfig) { c.Domains = nil }, "Domains: at least one domain"},
		"a domain that is no domain": {func(c *saml.GuestConfig) { c.Domains = []string{"example"} }, "not a DNS name"},
		"a domain twice": {func(c *saml.GuestConfig) {
			c.Domains = []string{"example.net", "EXAMPLE.net"}
		}, "given twice"},
		"sign-on by http": {func(c *saml.GuestConfig) { c.SingleSignOnService = "http://id.example.net" }, "must begin with https://"},
		"no key":          {func(c *saml.GuestConfig) { c.Signer = saml.Signer{} }, "are both needed"},
		"a next key without certificate": {func(c *saml.GuestConfig) { c.NextSigner.Key = testKey() },
			"NextSigner"},
		"a lifetime over an hour": {func(c *saml.GuestConfig) { c.Lifetime = 2 * time.Hour }, "Lifetime"},
		"a negative clock skew":   {func(c *saml.GuestConfig) { c.ClockSkew = -1 }, "ClockSkew"},
		"a long request age":      {func(c *saml.GuestConfig) { c.MaxRequestAge = 2 * time.Hour }, "MaxRequestAge"},
		"a cloud without a login": {func(c *saml.GuestConfig) { c.Cloud = entrafed.Global(); c.Cloud.Login = "" }, "Cloud"},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := guestConfig(t)
			test.change(&cfg)
			_, err := saml.NewGuests(cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err := saml.NewGuests(saml.GuestConfig{})
	for _, field := range []string{"TenantID", "Issuer", "Domains", "SingleSignOnService", "Signer"} {
		require.ErrorContains(t, err, field, "one error lists all that is missing")
	}
}

// The tenant is its own audience, so nobody has to know the cloud's.
func TestGuestsOfAnyCloud(t *testing.T) {
	t.Parallel()
	idp := newGuestIdP(t, func(c *saml.GuestConfig) {
		c.Cloud, c.TenantID = entrafed.USGovernmentHigh(), strings.ToUpper("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
	})
	const tenant = "https://login.microsoftonline.us/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/"
	require.Equal(t, tenant, idp.Audience())
	request, err := idp.ReadRequest(postRequest(strings.Replace(plainRequest, audience, tenant, 1), ""))
	require.NoError(t, err)
	response, err := idp.Respond(request, guestSubject())
	require.NoError(t, err)
	require.Equal(t, "https://login.microsoftonline.us/login.srf", response.Destination)
	require.Contains(t, string(response.XML), "<saml:Audience>"+tenant+"</saml:Audience>")
	_, err = idp.ReadRequest(postRequest(strings.Replace(plainRequest, audience, "", 1), ""))
	require.ErrorIs(t, err, saml.ErrIssuer, "an empty name is nobody's")
}

func TestWhoMayAskForGuests(t *testing.T) {
	t.Parallel()
	idp := newGuestIdP(t)
	for _, asker := range []string{guestAudience, audience} {
		request, err := idp.ReadRequest(postRequest(strings.Replace(plainRequest, audience, asker, 1), "state"))
		require.NoError(t, err, asker)
		response, err := idp.Respond(request, guestSubject())
		require.NoError(t, err)
		require.Contains(t, string(response.XML), "<saml:Audience>"+guestAudience+"</saml:Audience>", "whoever asks")
	}
	for name, asker := range map[string]string{
		"another tenant":    strings.Replace(guestAudience, "2222", "3333", 1),
		"without the slash": strings.TrimSuffix(guestAudience, "/"),
		"another cloud":     strings.Replace(guestAudience, ".com", ".us", 1),
		"somebody else":     "https://attacker.example.org/",
	} {
		_, err := idp.ReadRequest(postRequest(strings.Replace(plainRequest, audience, asker, 1), "state"))
		require.ErrorIs(t, err, saml.ErrIssuer, name)
	}
	_, err := newIdP(t).ReadRequest(postRequest(guestRequest, "state"))
	require.ErrorIs(t, err, saml.ErrIssuer, "the identity provider of members is not asked by a tenant")
}

func TestARequestForAGuestIsGoodForOneAnswer(t *testing.T) {
	t.Parallel()
	idp := newGuestIdP(t, func(c *saml.GuestConfig) {
		c.Replays = saml.NewMemoryReplayStore(func() time.Time { return testTime })
	})
	_, err := idp.ReadRequest(postRequest(guestRequest, "state"))
	require.NoError(t, err)
	_, err = idp.ReadRequest(postRequest(guestRequest, "state"))
	require.ErrorIs(t, err, saml.ErrReplayed)
}

func TestGuestsHaveAStatusAndMetadata(t *testing.T) {
	t.Parallel()
	cfg := guestConfig(t)
	idp, err := saml.NewGuests(cfg)
	require.NoError(t, err)
	response, err := idp.RespondStatus(&saml.AuthnRequest{ID: requestID}, saml.Status{
		Code: saml.StatusResponder, Reason: saml.StatusNoPassive})
	require.NoError(t, err)
	require.NoError(t, verifyRoot(response.XML, cfg.Signer.Certificate))
	require.Equal(t, guestIssuer, response.Issuer)
	_, err = idp.RespondStatus(&saml.AuthnRequest{ID: requestID}, saml.Status{Code: saml.StatusSuccess})
	require.ErrorContains(t, err, "not the status of a failure")

	document, err := idp.Metadata()
	require.NoError(t, err)
	require.Contains(t, string(document), fmt.Sprintf("entityID=%q", guestIssuer))
	require.Contains(t, string(document), fmt.Sprintf("Location=%q", guestSSO))
	requireSchema(t, metadataSchema, document)
}

func TestGuestsKeysAreSwitched(t *testing.T) {
	t.Parallel()
	next := validNext(t)
	idp := newGuestIdP(t)
	require.NoError(t, idp.SetNextSigner(next))
	require.NoError(t, idp.Switch(t.Context(), next.Certificate))
	_, err := verify(respondToGuest(t, idp, guestSubject()).XML, next.Certificate)
	require.NoError(t, err)
}

// A guest cannot be asserted to be a member, nor a member a guest: the compiler sees to it.
func TestTheProfilesTakeTheirOwnSubjectsOnly(t *testing.T) {
	t.Parallel()
	member, guest := reflect.TypeFor[saml.Subject](), reflect.TypeFor[saml.GuestSubject]()
	require.False(t, member.AssignableTo(guest) || guest.AssignableTo(member))
	require.False(t, member.ConvertibleTo(guest) || guest.ConvertibleTo(member))
	for provider, subject := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[*saml.IdentityProvider](): member, reflect.TypeFor[*saml.GuestIdentityProvider](): guest,
	} {
		respond, found := provider.MethodByName("Respond")
		require.True(t, found)
		require.Equal(t, subject, respond.Type.In(2))
	}
	_, unsolicited := reflect.TypeFor[*saml.GuestIdentityProvider]().MethodByName("RespondUnsolicited")
	require.False(t, unsolicited, "guests begin in the tenant")
	_, logout := reflect.TypeFor[*saml.GuestIdentityProvider]().MethodByName("ReadLogout")
	require.False(t, logout, "the federation for guests has no address for it")
}

// Whatever a host states of a guest comes out as it went in, at its place, or is refused.
func TestXMLInjectionThroughGuests(t *testing.T) {
	t.Parallel()
	cfg := guestConfig(t)
	idp, err := saml.NewGuests(cfg)
	require.NoError(t, err)
	asserted := func(set func(*saml.GuestSubject, string)) func(string) (*saml.Response, error) {
		return func(value string) (*saml.Response, error) {
			subject := guestSubject()
			set(&subject, value)
			return idp.Respond(&saml.AuthnRequest{ID: requestID, RelayState: "state"}, subject)
		}
	}
	plain := func(v string) string { return v }
	const attribute = "/Response/Assertion/AttributeStatement/Attribute/AttributeValue"
	setEmail := asserted(func(s *saml.GuestSubject, v string) { s.Email = v })
	for name, p := range map[string]place{
		"NameID": {asserted(func(s *saml.GuestSubject, v string) { s.NameID = v }), plain,
			"/Response/Assertion/Subject/NameID", ""},
		"Email":                  {setEmail, func(v string) string { return v + "@example.net" }, attribute, ""},
		"the domain of an Email": {setEmail, func(v string) string { return "x@" + v + "example.net" }, attribute, ""},
		"AuthnContext": {asserted(func(s *saml.GuestSubject, v string) { s.AuthnContext = v }),
			func(v string) string { return "urn:x:" + v }, "/Response/Assertion/AuthnStatement/AuthnContext/AuthnContextClassRef", ""},
		"SessionIndex": {asserted(func(s *saml.GuestSubject, v string) { s.SessionIndex = v }), plain,
			"/Response/Assertion/AuthnStatement", "SessionIndex"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			harmless := skeleton(tree(t, string(respondToGuest(t, idp, guestSubject()).XML)))
			taken := 0
			for attack, value := range hostileValues {
				value = p.wrap(value)
				response, err := p.issue(value)
				if err != nil {
					require.ErrorIs(t, err, saml.ErrSubject, attack)
					continue
				}
				taken++
				requireInert(t, response, harmless, value, p)
				_, err = verify(response.XML, cfg.Signer.Certificate)
				require.NoError(t, err, attack)
			}
			require.Equal(t, name != "the domain of an Email", taken > 0)
		})
	}
}

func FuzzRespondToAGuest(f *testing.F) {
	f.Add(guestID, "visitor", "urn:x", "session")
	f.Add(`</saml:NameID><saml:NameID>`, "a&b'c", `urn:"x"`, "]]>")
	idp := newGuestIdP(f)
	f.Fuzz(func(t *testing.T, id, local, class, session string) {
		subject := saml.GuestSubject{
			NameID: id, Email: local + "@example.net", AuthnContext: class, SessionIndex: session, AuthnInstant: testTime,
		}
		response, err := idp.Respond(&saml.AuthnRequest{ID: requestID}, subject)
		if err != nil {
			require.ErrorIs(t, err, saml.ErrSubject)
			return
		}
		requireAsserts(t, response.XML, id, subject.Email)
	})
}

// The form of a POST and of a redirect are read alike for guests.
func TestGuestsAreAskedByBothBindings(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest(http.MethodGet, guestSSO+"?SAMLRequest="+url.QueryEscape(deflated(guestRequest))+"&RelayState=x", nil)
	require.NoError(t, err)
	request, err := newGuestIdP(t).ReadRequest(r)
	require.NoError(t, err)
	require.Equal(t, saml.BindingRedirect, request.Binding)
	require.Equal(t, requestID, request.ID)
}
