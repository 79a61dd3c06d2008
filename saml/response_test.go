package saml_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/xmldoc"
	"github.com/entrafed/entrafed/saml"
)

const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
)

func respond(t testing.TB, idp *saml.IdentityProvider, subject saml.Subject) *saml.Response {
	t.Helper()
	request, err := idp.ReadRequest(postRequest(plainRequest, "state"))
	require.NoError(t, err)
	response, err := idp.Respond(request, subject)
	require.NoError(t, err)
	return response
}

// only returns the one element at a path of local names below the root.
func only(t testing.TB, root *xmldoc.Element, path ...string) *xmldoc.Element {
	t.Helper()
	for _, local := range path {
		space := nsAssertion
		if strings.HasPrefix(local, "Status") {
			space = nsProtocol
		}
		found := root.All(space, local)
		require.Len(t, found, 1, local)
		root = found[0]
	}
	return root
}

func attrs(e *xmldoc.Element) map[string]string {
	all := map[string]string{}
	for _, a := range e.Attrs {
		all[a.Local] = a.Value
	}
	return all
}

// The rules of Response requirements, one by one, on the answer to a request.
func TestRespond(t *testing.T) {
	t.Parallel()
	response := respond(t, newIdP(t), testSubject())
	root, err := xmldoc.Parse(response.XML)
	require.NoError(t, err)

	require.Equal(t, "Response", root.Local)
	require.Equal(t, nsProtocol, root.Space)
	require.Equal(t, map[string]string{
		"ID": response.ID, "Version": "2.0", "IssueInstant": "2026-01-02T03:04:05.678Z",
		"Destination": loginSRF, "InResponseTo": requestID,
	}, attrs(root))
	require.Equal(t, issuer, only(t, root, "Issuer").Text)
	require.Equal(t, "urn:oasis:names:tc:SAML:2.0:status:Success", attrs(only(t, root, "Status", "StatusCode"))["Value"])

	assertion := only(t, root, "Assertion")
	require.Equal(t, map[string]string{
		"ID": response.AssertionID, "Version": "2.0", "IssueInstant": "2026-01-02T03:04:05.678Z",
	}, attrs(assertion))
	require.NotEqual(t, response.ID, response.AssertionID)
	require.Equal(t, issuer, only(t, assertion, "Issuer").Text)
	require.Equal(t, "Signature", assertion.Children[1].Local, "the signature follows the issuer")

	nameID := only(t, assertion, "Subject", "NameID")
	require.Equal(t, testID, nameID.Text)
	require.Equal(t, map[string]string{"Format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"}, attrs(nameID),
		"no NameQualifier, no SPNameQualifier")
	confirmation := only(t, assertion, "Subject", "SubjectConfirmation")
	require.Equal(t, "urn:oasis:names:tc:SAML:2.0:cm:bearer", attrs(confirmation)["Method"])
	require.Equal(t, map[string]string{
		"InResponseTo": requestID, "NotOnOrAfter": "2026-01-02T03:09:05.678Z", "Recipient": loginSRF,
	}, attrs(only(t, confirmation, "SubjectConfirmationData")))

	conditions := only(t, assertion, "Conditions")
	require.Equal(t, map[string]string{
		"NotBefore": "2026-01-02T02:59:05.678Z", "NotOnOrAfter": "2026-01-02T03:09:05.678Z",
	}, attrs(conditions))
	require.Equal(t, audience, only(t, conditions, "AudienceRestriction", "Audience").Text)

	statement := only(t, assertion, "AuthnStatement")
	require.Equal(t, map[string]string{
		"AuthnInstant": "2026-01-02T03:03:05.678Z", "SessionIndex": response.AssertionID,
	}, attrs(statement))
	context := only(t, statement, "AuthnContext")
	require.Len(t, context.Children, 1, "a class and nothing else: no AuthenticatingAuthority")
	require.Equal(t, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		only(t, context, "AuthnContextClassRef").Text)

	mail := only(t, assertion, "AttributeStatement", "Attribute")
	require.Equal(t, map[string]string{"Name": "IDPEmail"}, attrs(mail), "exact case, no NameFormat")
	require.Equal(t, testUPN, only(t, mail, "AttributeValue").Text)

	require.Equal(t, "state", response.RelayState)
	require.Equal(t, loginSRF, response.Destination)
}

func TestRespondUnsolicited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	response, err := idp.RespondUnsolicited(testSubject(), "")
	require.NoError(t, err)
	root, err := xmldoc.Parse(response.XML)
	require.NoError(t, err)
	require.NotContains(t, attrs(root), "InResponseTo")
	require.NotContains(t, attrs(only(t, root, "Assertion", "Subject", "SubjectConfirmation", "SubjectConfirmationData")),
		"InResponseTo")
	requireCanonical(t, response.XML)
	_, err = verify(response.XML, cfg.Signer.Certificate)
	require.NoError(t, err)

	_, err = newIdP(t).RespondUnsolicited(testSubject(), strings.Repeat("x", saml.MaxRelayState+1))
	require.ErrorIs(t, err, saml.ErrTooLarge)
}

func TestRespondStatesOnlyWhatTheHostStated(t *testing.T) {
	t.Parallel()
	for fact, test := range map[string]struct {
		change func(*saml.Subject)
		class  string
		index  string
	}{
		"a second factor": {func(s *saml.Subject) { s.MFA = true }, saml.MultipleAuthn, ""},
		"another class":   {func(s *saml.Subject) { s.AuthnContext = "urn:x:y" }, "urn:x:y", ""},
		"its own session": {func(s *saml.Subject) { s.SessionIndex = "abc" },
			"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "abc"},
	} {
		t.Run(fact, func(t *testing.T) {
			subject := testSubject()
			test.change(&subject)
			response := respond(t, newIdP(t), subject)
			root, err := xmldoc.Parse(response.XML)
			require.NoError(t, err)
			statement := only(t, root, "Assertion", "AuthnStatement")
			require.Equal(t, test.class, only(t, statement, "AuthnContext", "AuthnContextClassRef").Text)
			if test.index != "" {
				require.Equal(t, test.index, attrs(statement)["SessionIndex"])
			}
		})
	}
}

func TestRespondRefuses(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	for rule, test := range map[string]struct {
		change func(*saml.Subject)
		want   error
		text   string
	}{
		"no ImmutableID":                 {func(s *saml.Subject) { s.ImmutableID = "" }, saml.ErrSubject, "ImmutableID: it is empty"},
		"65 characters":                  {func(s *saml.Subject) { s.ImmutableID = strings.Repeat("a", 65) }, saml.ErrSubject, "has 65 characters"},
		"a space in it":                  {func(s *saml.Subject) { s.ImmutableID = "a b" }, saml.ErrSubject, "ImmutableID: it has a space"},
		"a character XML lacks":          {func(s *saml.Subject) { s.ImmutableID = "a\uFFFE" }, saml.ErrSubject, "cannot carry"},
		"no UTF-8":                       {func(s *saml.Subject) { s.ImmutableID = "a\xff" }, saml.ErrSubject, "cannot carry"},
		"no UPN":                         {func(s *saml.Subject) { s.UPN = "" }, saml.ErrSubject, "UPN: it does not have the form"},
		"a UPN without a name":           {func(s *saml.Subject) { s.UPN = "@contoso.com" }, saml.ErrSubject, "UPN"},
		"a UPN with two signs":           {func(s *saml.Subject) { s.UPN = "a@b@contoso.com" }, saml.ErrSubject, "UPN"},
		"a UPN with an accent":           {func(s *saml.Subject) { s.UPN = "é@contoso.com" }, saml.ErrSubject, "UPN"},
		"a UPN with markup":              {func(s *saml.Subject) { s.UPN = "<a>@contoso.com" }, saml.ErrSubject, "UPN"},
		"a dot before the sign":          {func(s *saml.Subject) { s.UPN = "a.@contoso.com" }, saml.ErrSubject, "UPN"},
		"65 characters before it":        {func(s *saml.Subject) { s.UPN = strings.Repeat("a", 65) + "@contoso.com" }, saml.ErrSubject, "longer"},
		"no time of sign-in":             {func(s *saml.Subject) { s.AuthnInstant = time.Time{} }, saml.ErrSubject, "AuthnInstant: state when"},
		"a sign-in before all computers": {func(s *saml.Subject) { s.AuthnInstant = time.Date(-44, 3, 15, 0, 0, 0, 0, time.UTC) }, saml.ErrSubject, "AuthnInstant"},
		"a sign-in of the future":        {func(s *saml.Subject) { s.AuthnInstant = testTime.Add(time.Hour) }, saml.ErrSubject, "in the future"},
		"a second factor and a class":    {func(s *saml.Subject) { s.MFA, s.AuthnContext = true, "urn:x" }, saml.ErrSubject, "not both"},
		"a second factor as a class":     {func(s *saml.Subject) { s.AuthnContext = saml.MultipleAuthn }, saml.ErrSubject, "set MFA"},
		"a class that is no URI":         {func(s *saml.Subject) { s.AuthnContext = "password" }, saml.ErrSubject, "absolute URI"},
		"a long session index":           {func(s *saml.Subject) { s.SessionIndex = strings.Repeat("x", 257) }, saml.ErrSubject, "SessionIndex"},
		"a UPN outside every realm":      {func(s *saml.Subject) { s.UPN = "a@fabrikam.com" }, saml.ErrRealm, "a@fabrikam.com"},
		"a UPN that only looks like it":  {func(s *saml.Subject) { s.UPN = "a@evilcontoso.com" }, saml.ErrRealm, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			subject := testSubject()
			test.change(&subject)
			_, err := idp.RespondUnsolicited(subject, "")
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
		})
	}

	_, err := idp.Respond(nil, testSubject())
	require.ErrorContains(t, err, "needs the request")
	_, err = idp.RespondUnsolicited(saml.Subject{}, "")
	for _, field := range []string{"ImmutableID", "UPN", "AuthnInstant"} {
		require.ErrorContains(t, err, field, "one error lists all that is missing")
	}
}

func TestTheUPNChoosesTheRealm(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, func(c *saml.Config) {
		c.Realms = []saml.Realm{
			{Domain: "contoso.com", Issuer: issuer},
			{Domain: "Fabrikam.com", Issuer: "urn:fabrikam:entra"},
			{Domain: "promoted.contoso.com", Issuer: issuer + "/promoted"},
		}
	})
	for upn, want := range map[string]string{
		"a@contoso.com":            issuer,
		"a@CONTOSO.COM":            issuer,
		"a@corp.contoso.com":       issuer,
		"a@promoted.contoso.com":   issuer + "/promoted",
		"a@x.promoted.contoso.com": issuer + "/promoted",
		"a@fabrikam.com":           "urn:fabrikam:entra",
	} {
		subject := testSubject()
		subject.UPN = upn
		response, err := idp.RespondUnsolicited(subject, "")
		require.NoError(t, err)
		require.Equal(t, want, response.Issuer, upn)
		root, err := xmldoc.Parse(response.XML)
		require.NoError(t, err)
		require.Equal(t, want, only(t, root, "Issuer").Text)
		require.Equal(t, want, only(t, root, "Assertion", "Issuer").Text)
	}
}

func TestTheAnswerGoesToTheConfiguredCloud(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, func(c *saml.Config) { c.Cloud = entrafed.China() })
	response, err := idp.RespondUnsolicited(testSubject(), "")
	require.NoError(t, err)
	require.Equal(t, "https://login.partner.microsoftonline.cn/login.srf", response.Destination)
	require.Contains(t, string(response.XML), "<saml:Audience>urn:federation:partner.microsoftonline.cn</saml:Audience>")
	require.NotContains(t, string(response.XML), "login.microsoftonline.com")
}

// countingSigner counts the uses of the private key, and may fail.
type countingSigner struct {
	crypto.Signer
	uses int
	err  error
}

func (s *countingSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.uses++
	if s.err != nil {
		return nil, s.err
	}
	return s.Signer.Sign(random, digest, opts)
}

func TestRespondUsesThePrivateKeyOnce(t *testing.T) {
	t.Parallel()
	signer := &countingSigner{Signer: testKey()}
	idp := newIdP(t, func(c *saml.Config) { c.Signer.Key = signer })
	require.Zero(t, signer.uses, "not at construction")
	respond(t, idp, testSubject())
	require.Equal(t, 1, signer.uses)
}

func TestRespondReportsAFailingKey(t *testing.T) {
	t.Parallel()
	broken := errors.New("the module is locked")
	idp := newIdP(t, func(c *saml.Config) { c.Signer.Key = &countingSigner{Signer: testKey(), err: broken} })
	_, err := idp.RespondUnsolicited(testSubject(), "")
	require.ErrorIs(t, err, broken)

	idp = newIdP(t, func(c *saml.Config) { c.Rand = iotest.ErrReader(broken) })
	_, err = idp.RespondUnsolicited(testSubject(), "")
	require.ErrorIs(t, err, broken)
}

// verify checks the assertion's signature with goxmldsig and returns the assertion as that saw it.
func verify(document []byte, certificate *x509.Certificate) (*etree.Element, error) {
	return verifyAt(document, "./Assertion", certificate)
}

// verifyRoot checks the signature of the message as a whole.
func verifyRoot(document []byte, certificate *x509.Certificate) error {
	_, err := verifyAt(document, "", certificate)
	return err
}

func verifyAt(document []byte, path string, certificate *x509.Certificate) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(document); err != nil {
		return nil, err
	}
	element := doc.Root()
	if path != "" {
		element = element.FindElement(path)
	}
	validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
	validation.Clock = dsig.NewFakeClockAt(testTime)
	return validation.Validate(element)
}

// requireCanonical checks that every byte is in exclusive canonical form already.
func requireCanonical(t testing.TB, document []byte) {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(document))
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(doc.Root().Copy())
	require.NoError(t, err)
	require.Equal(t, string(canonical), string(document))
}

func TestTheSignatureVerifiesUnderGoxmldsig(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	response := respond(t, idp, testSubject())
	requireGoxmldsigGuards(t, response.XML, cfg.Signer.Certificate, testID, testUPN, "attacker@contoso.com")
}

// requireGoxmldsigGuards verifies the assertion's signature, that it covers the NameID, and that it does not verify once a
// value is replaced.
func requireGoxmldsigGuards(t *testing.T, document []byte, certificate *x509.Certificate, nameID, value, forged string) {
	t.Helper()
	verified, err := verify(document, certificate)
	require.NoError(t, err)
	require.Equal(t, nameID, verified.FindElement("./Subject/NameID").Text())
	_, err = verify(replaced(t, document, value, forged), certificate)
	require.Error(t, err, "the check can fail")
}

// replaced is the document with another value.
func replaced(t *testing.T, document []byte, value, forged string) []byte {
	t.Helper()
	tampered := bytes.Replace(document, []byte(value), []byte(forged), 1)
	require.NotEqual(t, document, tampered)
	return tampered
}

// Whatever the host may set comes out of an independent parser as it went in, in canonical form and verifiable.
func TestEveryValueSurvivesCanonicalisation(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	cfg := testConfig(t)
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	for range 200 {
		subject := testSubject()
		subject.ImmutableID = randomText(random, 1+random.IntN(64))
		subject.SessionIndex = randomText(random, random.IntN(60))
		response, err := idp.RespondUnsolicited(subject, "")
		require.NoError(t, err)

		requireCanonical(t, response.XML)
		verified, err := verify(response.XML, cfg.Signer.Certificate)
		require.NoError(t, err)
		require.Equal(t, subject.ImmutableID, verified.FindElement("./Subject/NameID").Text())
		if subject.SessionIndex != "" {
			require.Equal(t, subject.SessionIndex, verified.FindElement("./AuthnStatement").SelectAttrValue("SessionIndex", ""))
		}
	}
}

func randomText(random *rand.Rand, runes int) string {
	const alphabet = `<>&"';:#=+/[]!-?]]>éß漢字𝄞`
	choice := []rune(alphabet)
	var b strings.Builder
	for range runes {
		b.WriteRune(choice[random.IntN(len(choice))])
	}
	return b.String()
}

// requireAsserts checks whom the assertion names, and the one attribute, and returns the assertion.
func requireAsserts(t *testing.T, document []byte, nameID, attribute string) *xmldoc.Element {
	t.Helper()
	root, err := xmldoc.Parse(document)
	require.NoError(t, err)
	assertion := only(t, root, "Assertion")
	require.Equal(t, nameID, only(t, assertion, "Subject", "NameID").Text)
	require.Equal(t, attribute, only(t, assertion, "AttributeStatement", "Attribute", "AttributeValue").Text)
	return assertion
}

func FuzzRespond(f *testing.F) {
	f.Add(testID, "contractor", "urn:x", "session")
	f.Add(`</saml:NameID><saml:NameID>`, "a'b", `urn:"x"`, "]]>")
	idp := newIdP(f)
	f.Fuzz(func(t *testing.T, id, local, class, session string) {
		subject := saml.Subject{
			ImmutableID: id, UPN: local + "@contoso.com", AuthnContext: class, SessionIndex: session, AuthnInstant: testTime,
		}
		response, err := idp.RespondUnsolicited(subject, "")
		if err != nil {
			require.ErrorIs(t, err, saml.ErrSubject)
			return
		}
		assertion := requireAsserts(t, response.XML, id, subject.UPN)
		if class != "" {
			require.Equal(t, class, only(t, assertion, "AuthnStatement", "AuthnContext", "AuthnContextClassRef").Text)
		}
		if session != "" {
			require.Equal(t, session, attrs(only(t, assertion, "AuthnStatement"))["SessionIndex"])
		}
	})
}

// command returns the path of a program that is not part of Go, or skips the test.
func command(t *testing.T, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed (Debian package %s)", program, debianPackage)
	}
	return path
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestTheSignatureVerifiesUnderXmlsec1(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Now = nil // xmlsec1 checks the certificate against the real time
	cfg.Signer.Certificate = certify(testKey(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	subject := testSubject()
	subject.ImmutableID = `<&>"'é漢𝄞]]>+/=`
	response, err := idp.RespondUnsolicited(subject, "")
	require.NoError(t, err)

	requireXmlsec1Guards(t, response.XML, cfg.Signer.Certificate, testUPN, "attacker@contoso.com")
}

// requireXmlsec1Guards verifies the assertion's signature, and that it does not verify once a value is replaced.
func requireXmlsec1Guards(t *testing.T, document []byte, certificate *x509.Certificate, value, forged string) {
	t.Helper()
	xmlsec1 := command(t, "xmlsec1", "xmlsec1")
	trusted := write(t, "idp.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	run := func(document []byte) ([]byte, error) {
		return exec.Command(xmlsec1, "--verify", "--pubkey-cert-pem", trusted, "--enabled-key-data", "rsa",
			"--id-attr:ID", nsAssertion+":Assertion", write(t, "response.xml", document)).CombinedOutput()
	}
	output, err := run(document)
	require.NoError(t, err, string(output))
	_, err = run(replaced(t, document, value, forged))
	require.Error(t, err, "the check can fail")
}

// The schemas are those of OASIS and W3C as Debian packages them.
const (
	protocolSchema = "/usr/share/xml/opensaml/saml-schema-protocol-2.0.xsd"
	metadataSchema = "/usr/share/xml/opensaml/saml-schema-metadata-2.0.xsd"
)

func requireSchema(t *testing.T, schema string, document []byte) {
	t.Helper()
	xmllint := command(t, "xmllint", "libxml2-utils")
	if _, err := os.Stat(schema); err != nil {
		t.Skip("the OASIS schemas are not installed (Debian packages opensaml-schemas and xmltooling-schemas)")
	}
	output, err := exec.Command(xmllint, "--nonet", "--noout", "--schema", flatSchema(t, schema),
		write(t, "document.xml", document)).CombinedOutput()
	require.NoError(t, err, string(output))
}

// flatSchema copies the packaged schemas into one folder with a local reference for each, because they refer to each
// other by addresses on the internet.
func flatSchema(t *testing.T, schema string) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"/usr/share/xml/opensaml", "/usr/share/xml/xmltooling"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.xsd"))
		require.NoError(t, err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, address := range []string{
				"http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/", "http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/",
				"http://www.w3.org/2001/", "http://docs.oasis-open.org/security/saml/v2.0/",
			} {
				content = bytes.ReplaceAll(content, []byte(`schemaLocation="`+address), []byte(`schemaLocation="`))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o600))
		}
	}
	return filepath.Join(dir, filepath.Base(schema))
}

func TestTheResponseKeepsToTheSchema(t *testing.T) {
	t.Parallel()
	requireSchema(t, protocolSchema, respond(t, newIdP(t), testSubject()).XML)
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	document, err := idp.Metadata("")
	require.NoError(t, err)
	root, err := xmldoc.Parse(document)
	require.NoError(t, err)
	require.Equal(t, issuer, attrs(root)["entityID"])
	text := string(document)
	require.Contains(t, text, base64.StdEncoding.EncodeToString(cfg.Signer.Certificate.Raw))
	require.Contains(t, text, `Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="`+ssoURL+`"`)
	require.Contains(t, text, `Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="`+ssoURL+`"`)
	require.Contains(t, text, "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>")

	_, err = idp.Metadata("fabrikam.com")
	require.ErrorIs(t, err, saml.ErrRealm)
	requireSchema(t, metadataSchema, document)
}

func TestMetadataOfSeveralRealmsNeedsADomain(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, func(c *saml.Config) {
		c.Realms = append(c.Realms, saml.Realm{Domain: "fabrikam.com", Issuer: "urn:fabrikam:entra"})
	})
	_, err := idp.Metadata("")
	require.ErrorIs(t, err, saml.ErrRealm)
	document, err := idp.Metadata("fabrikam.com")
	require.NoError(t, err)
	require.Contains(t, string(document), `entityID="urn:fabrikam:entra"`)
}
