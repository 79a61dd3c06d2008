package saml_test

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

// The files attack*_test.go turn what went wrong in other SAML software into tests of this package. Each test is named
// after a class of advisories, and its comment names them.

// advisory is one finding, or a family of them, that was published about other SAML software.
type advisory struct {
	ids   []string // as their publishers wrote them; each occurs in the comment of each of the tests
	class string
	tests []string // functions of this package, or of another one as "../internal/dsig.TestX"
	why   string   // why there is no test, or what of it cannot apply to an issuer that reads requests
}

var advisories = []advisory{
	{ids: []string{"CVE-2026-46490"}, class: "a user's text reopens the signed assertion",
		tests: []string{"TestXMLInjectionThroughHostValues", "TestXMLInjectionThroughConfiguration", "FuzzXMLInjection"}},
	{ids: []string{"fox-it SAML XML injection"}, class: "reflected request values become markup",
		tests: []string{"TestXMLInjectionThroughHostValues", "TestXMLInjectionThroughTheRequest"}},
	{ids: []string{"CVE-2023-45683", "GHSA-267v-3v32-g6q5"}, class: "a script as the assertion consumer service",
		tests: []string{"TestAssertionConsumerServiceInjection"}},
	{ids: []string{"CVE-2026-18217"}, class: "parameter pollution of the redirect, wildcards in the consumer service",
		tests: []string{"TestParameterPollution", "TestAssertionConsumerServiceInjection"}},
	{ids: []string{"SSPSA 201907-01", "spring-security-saml#417", "CVE-2026-42849"},
		class: "script in RelayState on the page that posts itself",
		tests: []string{"TestScriptInRelayState"}},
	{ids: []string{"GHSA-4hq8-gmxx-h6w9", "CVE-2020-27846", "CVE-2020-29509", "CVE-2020-29510", "CVE-2020-29511", "GHSA-xhqq-x44f-9fgg",
		"GHSA-m9hp-7r99-94h5", "CVE-2020-26290", "CVE-2020-27847", "golang/go#43168"},
		class: "encoding/xml changes what it reads and writes again",
		tests: []string{"TestRoundTripInstability", "../internal/xmldoc.TestRoundTripInstability", "../internal/xmldoc.FuzzRoundTrip"}},
	{ids: []string{"GHSA-rrfw-hg9m-j47h", "GHSA-q547-gmf8-8jr7", "CVE-2020-15216"},
		class: "signature bypass: what was verified is not what is used",
		tests: []string{"TestSignatureBypass", "../internal/dsig.TestSignatureBypass", "../internal/dsig.FuzzVerify"}},
	{ids: []string{"GHSA-479m-364c-43vc", "CVE-2026-33487"}, class: "another Reference is checked than the one that is used",
		tests: []string{"TestReferenceConfusion"}},
	{ids: []string{"CVE-2020-7711", "CVE-2020-7731", "GHSA-prjq-f4q3-fvfr", "GO-2026-4760"}, class: "panic on a malformed signature",
		tests: []string{"TestNilDereferenceOnMalformedSignatures", "FuzzReadSignedEdits"},
		why:   "the panic in CBC padding needs XML encryption, which is not read"},
	{ids: []string{"GO-2026-4764"}, class: "an unsigned LogoutRequest is believed",
		tests: []string{"TestUnsignedLogoutRequestProvesNothing"}},
	{ids: []string{"GHSA-j2jp-wvqg-wc2g", "CVE-2022-41912", "GHSA-5hcf-rqj9-xh96"}, class: "several assertions",
		tests: []string{"TestSeveralAssertions"}},
	{ids: []string{"GHSA-5mqj-xc49-246p", "CVE-2023-28119", "GHSA-6gc3-crp7-25w5", "CVE-2023-26483", "CVE-2025-25293", "CVE-2025-54572",
		"CVE-2026-2575"}, class: "a small message inflates, or a large one is read, without end",
		tests: []string{"TestDeflateBomb", "TestOversizedForm", "TestOversizedDocument"}},
	{ids: []string{"CVE-2017-11427", "CVE-2017-11428", "CVE-2026-57580"}, class: "a comment truncates a value",
		tests: []string{"TestCommentTruncation"}},
	{ids: []string{"CVE-2024-45409", "CVE-2025-25291", "CVE-2025-25292", "CVE-2025-66567", "CVE-2025-66568"},
		class: "two parsers, XPath over the document, an empty canonical form that is digested",
		tests: []string{"TestVoidCanonicalisation", "../internal/dsig.TestVoidCanonicalisation", "TestParserDifferential"}},
	{ids: []string{"CVE-2025-29774", "CVE-2025-29775"}, class: "several SignedInfo, a comment in DigestValue",
		tests: []string{"TestSeveralSignedInfo", "TestCommentInDigestValue"}},
	{ids: []string{"CVE-2025-47949", "CVE-2017-1000452", "GHSA-8jjf-w7j6-323c"}, class: "signature wrapping",
		tests: []string{"TestSignatureWrapping"}},
	{ids: []string{"CVE-2025-46572", "CVE-2025-46573"}, class: "signature wrapping, smuggled attributes",
		tests: []string{"TestSignatureWrapping", "TestAttributeSmuggling"}},
	{ids: []string{"CVE-2026-9487", "CVE-2026-18092", "CVE-2023-34205", "CVE-2024-47832", "CVE-2026-34840"},
		class: "duplicate IDs, a search of the whole document, a decoy signature",
		tests: []string{"TestDuplicateIDs", "TestDecoySignature"}},
	{ids: []string{"CVE-2026-25922", "CVE-2026-47201", "CVE-2026-41577"}, class: "signature wrapping, validity that is not checked",
		tests: []string{"TestSignatureWrapping", "TestMessageValidityIsChecked"}, why: "Conditions are in assertions, which are not read"},
	{ids: []string{"CVE-2024-8698", "CVE-2026-2092", "CVE-2026-2603", "CVE-2026-16442", "CVE-2026-16443"},
		class: "a signature is judged by its place; missing configuration switches checks off",
		tests: []string{"TestSignatureWrapping", "TestMissingConfigurationFailsClosed"},
		why:   "there is no switch that disables an identity provider"},
	{ids: []string{"CVE-2025-27773", "GHSA-46r4-f8gj-xg56", "CVE-2025-31335"},
		class: "the Redirect binding verifies other parameters than are used",
		tests: []string{"TestRedirectSignatureConfusion", "FuzzReadSignedQuery"}},
	{ids: []string{"CVE-2024-52596", "CVE-2024-52806", "GHSA-pxm4-r5ph-q2m2", "saml2#45", "pysaml2#366"},
		class: "document types and external entities",
		tests: []string{"TestDocumentTypesAndEntities"}},
	{ids: []string{"CVE-2026-49289", "CVE-2026-49283", "CVE-2019-3465", "CVE-2026-32313"},
		class: "transforms that take for ever, signature bypass",
		tests: []string{"TestXPathTransformDenialOfService", "TestCanonicalisationIsBounded", "TestAlgorithmSubstitution"},
		why:   "there is no artifact binding and no XML encryption"},
	{ids: []string{"Shibboleth of 2022-12-12"}, class: "crafted encrypted XML", tests: []string{"TestEncryptedXMLIsNeverRead"},
		why: "there is no XML encryption; only that what is encrypted stays unread is tested"},
	{ids: []string{"CVE-2020-36563"}, class: "SHA-1", tests: []string{"TestSHA1IsNeverProduced"},
		why: "it is verified, because Entra signs with it"},
	{ids: []string{"CVE-2023-48703"}, class: "the key is taken from the message", tests: []string{"TestKeyFromTheMessage"}},
	{ids: []string{"CVE-2026-9093"}, class: "an audience that nobody set", tests: []string{"TestAudienceIsAlwaysSet"}},
	{ids: []string{"Golden SAML", "UNC2452"}, class: "a stolen key, a federation that an attacker added",
		tests: []string{"TestGoldenSAMLTheKeyIsOnlyAskedToSign"},
		why:   "foreign federations are for whoever configures the domain to find, not for this package"},
	{ids: []string{"crewjam ServeSSO"}, class: "replay of requests", tests: []string{"TestReplayOfRequests"}},
	{ids: []string{"simplesamlphp#355", "simplesamlphp#884", "keycloak#21556"},
		class: "an unsigned request overrides the assertion consumer service",
		tests: []string{"TestAssertionConsumerServiceInjection"}},
}

// Every advisory has tests that exist and name it, or a reason why it cannot apply.
func TestEveryAdvisoryHasATest(t *testing.T) {
	t.Parallel()
	comments := map[string]string{}
	for _, dir := range []string{".", "../internal/dsig", "../internal/xmldoc"} {
		for name, comment := range testComments(t, dir) {
			if dir != "." {
				name = dir + "." + name
			}
			comments[name] = comment
		}
	}
	for _, a := range advisories {
		require.NotEmpty(t, a.ids, a.class)
		require.False(t, len(a.tests) == 0 && a.why == "", "%v: neither a test nor a reason", a.ids)
		for _, name := range a.tests {
			comment, found := comments[name]
			require.True(t, found, "%v: there is no %s", a.ids, name)
			for _, id := range a.ids {
				require.Contains(t, comment, id, name)
			}
		}
	}
}

// testComments are the comments of the test functions in a folder, by name, in one line each.
func testComments(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	comments := map[string]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if ok && function.Recv == nil && (strings.HasPrefix(function.Name.Name, "Test") || strings.HasPrefix(function.Name.Name, "Fuzz")) {
				comments[function.Name.Name] = strings.Join(strings.Fields(function.Doc.Text()), " ")
			}
		}
	}
	return comments
}

// swap replaces the one occurrence of a text, and fails if there is none or more: an attack that changes nothing proves
// nothing.
func swap(t testing.TB, document, old, replacement string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(document, old), "occurrences of %s", old)
	return strings.Replace(document, old, replacement, 1)
}

// element cuts an element out of a document, by the name it is written with.
func element(t testing.TB, document, name string) string {
	t.Helper()
	from, to := strings.Index(document, "<"+name), strings.Index(document, "</"+name+">")
	require.True(t, 0 <= from && from < to, name)
	return document[from : to+len("</"+name+">")]
}

// encoded is a document as the POST binding carries it.
func encoded(document string) string { return base64.StdEncoding.EncodeToString([]byte(document)) }

func tree(t testing.TB, document string) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromString(document))
	return doc.Root()
}

func text(t testing.TB, root *etree.Element) string {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(root)
	document, err := doc.WriteToString()
	require.NoError(t, err)
	return document
}

// message is a kind of message that may be signed, and how it is read by the POST binding.
type message struct {
	unsigned, signed string
	read             func(idp *saml.IdentityProvider, document string) (signed bool, value string, err error)
	value            string // what read returns of the signed message
}

// messages are the two kinds, each with the value that an attacker would like to change.
func messages(t testing.TB) map[string]message {
	t.Helper()
	request := attribute(`Destination="` + ssoURL + `"`)
	return map[string]message{
		"AuthnRequest":  {request, entraSigner().sign(t, request, rsaSHA1), readSignIn, requestID + " false []"},
		"LogoutRequest": {logoutRequest, entraSigner().sign(t, logoutRequest, rsaSHA1), readSignOut, "_l1 " + testID},
	}
}

func readSignIn(idp *saml.IdentityProvider, document string) (signed bool, value string, err error) {
	r, err := idp.ReadRequest(postRequest(document, ""))
	if err != nil {
		return false, "", err
	}
	return r.Signed, fmt.Sprint(r.ID, " ", r.ForceAuthn, " ", r.RequestedAuthnContext), nil
}

func readSignOut(idp *saml.IdentityProvider, document string) (signed bool, value string, err error) {
	r, err := idp.ReadLogout(postRequest(document, ""))
	if err != nil {
		return false, "", err
	}
	return r.Signed, r.ID + " " + r.ImmutableID, nil
}

const (
	rsaSHA1   = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	rsaSHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
)

// attacked are two identity providers: one verifies the signatures that there are, the other wants one.
func attacked(t testing.TB) []*saml.IdentityProvider {
	t.Helper()
	return []*saml.IdentityProvider{newIdP(t, withLogout, trusting), newIdP(t, withLogout, requiring)}
}

// requireNothingBelieved checks that a document is refused, or read as unsigned where a signature is not required, or
// that what is read is what was signed.
func requireNothingBelieved(t testing.TB, idps []*saml.IdentityProvider, m message, document string) {
	t.Helper()
	for _, idp := range idps {
		signed, value, err := m.read(idp, document)
		switch {
		case err != nil:
			requireReadableError(t, err)
		case signed:
			require.Equal(t, m.value, value, "believed: %s", document)
		}
	}
}

// requireRefused checks that a document is refused for that reason, whether or not a signature is required.
func requireRefused(t testing.TB, idps []*saml.IdentityProvider, m message, document string, reason error) {
	t.Helper()
	for _, idp := range idps {
		_, _, err := m.read(idp, document)
		require.ErrorIs(t, err, reason, document)
		requireReadableError(t, err)
	}
}

// requireReadableError checks that an error is of the documented type, and fit for a log whatever was sent.
func requireReadableError(t testing.TB, err error) {
	t.Helper()
	var refused *saml.RequestError
	require.True(t, errors.As(err, &refused), "%v", err)
	require.LessOrEqual(t, len(err.Error()), 2500)
	require.NotContains(t, err.Error(), "\n")
}

// The signed messages that the attacks begin with are accepted as they are.
func TestTheAttackedMessagesAreGood(t *testing.T) {
	t.Parallel()
	for name, m := range messages(t) {
		signed, value, err := m.read(attacked(t)[1], m.signed)
		require.NoError(t, err, name)
		require.True(t, signed, name)
		require.Equal(t, m.value, value, name)
	}
}

// constantSigner signs nothing: for tests of what is around the signature.
type constantSigner struct{ crypto.Signer }

func (s constantSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, 256), nil
}
