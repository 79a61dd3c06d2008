package entratest_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// newSigningWorld is a tenant whose contoso.com wants signed requests.
func newSigningWorld(t testing.TB, change ...func(*entratest.Config)) *world {
	t.Helper()
	w := newWorld(t, change...)
	withFederation(func(f *entratest.Federation) { f.SignedAuthnRequests = true })(t, w)
	return w
}

func documentOf(t testing.TB, r entratest.AuthnRequest) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(r.SAMLRequest)
	require.NoError(t, err)
	return raw
}

// Rule 41: the signed request, in the form of the sample on
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func TestTheSignedAuthnRequestHasTheDocumentedForm(t *testing.T) {
	t.Parallel()
	w := newSigningWorld(t)
	r, err := w.NewAuthnRequest("contoso.com")
	require.NoError(t, err)
	ski := base64.StdEncoding.EncodeToString(w.RequestCertificates()[0].SubjectKeyId)
	document := string(documentOf(t, r))
	digest, value := between(t, document, "<DigestValue>", "<"), between(t, document, "<SignatureValue>", "<")
	require.Equal(t, `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="`+r.ID+
		`" Version="2.0" IssueInstant="2026-03-02T09:00:00.000Z" Destination="https://id.contoso.com/sso">`+
		`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>`+
		`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>`+
		`<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`+
		`<SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/>`+
		`<Reference URI="#`+r.ID+`"><Transforms>`+
		`<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`+
		`<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>`+
		`<DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/><DigestValue>`+digest+
		`</DigestValue></Reference></SignedInfo><SignatureValue>`+value+`</SignatureValue>`+
		`<KeyInfo><ds:X509Data xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509SKI>`+ski+`</ds:X509SKI></ds:X509Data>`+
		`<ds:KeyName xmlns:ds="http://www.w3.org/2000/09/xmldsig#">MicrosoftOnline</ds:KeyName></KeyInfo></Signature>`+
		`<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/></samlp:AuthnRequest>`, document)
}

func between(t testing.TB, s, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, from)
	require.True(t, ok, "%q is not in %s", from, s)
	found, _, ok := strings.Cut(rest, to)
	require.True(t, ok)
	return found
}

func TestOnlyDomainsThatAskForItGetSignedRequests(t *testing.T) {
	t.Parallel()
	w := newSigningWorld(t)
	for domain, signed := range map[string]bool{"contoso.com": true, "hr.contoso.com": true, "fabrikam.com": false} {
		r, err := w.NewAuthnRequest(domain)
		require.NoError(t, err)
		require.Equal(t, signed, strings.Contains(string(documentOf(t, r)), "<Signature "), domain)
	}
}

// Each form verifies under goxmldsig and, where it is there, under xmlsec1, with the certificate that it names and not
// with the other.
func TestSignedRequestsVerify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		options entratest.RequestOptions
		method  string
		key     int
	}{
		{"as documented", entratest.RequestOptions{}, dsig.RSASHA1SignatureMethod, 0},
		{"SHA256", entratest.RequestOptions{SHA256: true}, dsig.RSASHA256SignatureMethod, 0},
		{"NextKey", entratest.RequestOptions{NextKey: true}, dsig.RSASHA1SignatureMethod, 1},
		{"everything else", entratest.RequestOptions{
			AssertionConsumerServiceIndex: true, ForceAuthn: true, AuthnContexts: []string{mfaRef, "a&b"},
		}, dsig.RSASHA1SignatureMethod, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newSigningWorld(t)
			require.NoError(t, w.SetRequestOptions(tt.options))
			r, err := w.NewAuthnRequest("contoso.com")
			require.NoError(t, err)
			document := documentOf(t, r)
			require.Contains(t, string(document), tt.method)
			certificates := w.RequestCertificates()
			require.NoError(t, verifyWithout(document, certificates[tt.key]))
			require.Error(t, verifyWithout(document, certificates[1-tt.key]))
			changed := bytes.Replace(document, []byte("persistent"), []byte("transient"), 1)
			require.Error(t, verifyWithout(changed, certificates[tt.key]))
			verifyWithXmlsec1(t, document, certificates[tt.key], "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest")
			require.NoError(t, w.check(t, newDraft(r, w.clock.Now())).Err(), "it can be answered")
		})
	}
}

// verifyWithout verifies an enveloped signature with goxmldsig, which wants a KeyInfo with a certificate or none.
func verifyWithout(document []byte, certificate *x509.Certificate) error {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(document); err != nil {
		return err
	}
	signature := doc.Root().SelectElement("Signature")
	signature.RemoveChild(signature.SelectElement("KeyInfo"))
	context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
	context.Clock = dsig.NewFakeClockAt(certificate.NotBefore)
	_, err := context.Validate(doc.Root())
	return err
}

// verifyWithXmlsec1 verifies the first signature with code that is not Go. The elements are namespace:name of what has
// an ID.
func verifyWithXmlsec1(t testing.TB, document []byte, certificate *x509.Certificate, elements ...string) {
	t.Helper()
	xmlsec1, err := exec.LookPath("xmlsec1")
	if err != nil {
		t.Log("xmlsec1 is not installed: this part is skipped")
		return
	}
	dir := t.TempDir()
	file, key := filepath.Join(dir, "signed.xml"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(file, document, 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}), 0o600))
	arguments := []string{"--verify", "--pubkey-cert-pem", key, "--enabled-key-data", "rsa"}
	for _, element := range elements {
		arguments = append(arguments, "--id-attr:ID", element)
	}
	output, err := exec.Command(xmlsec1, append(arguments, file)...).CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func TestTheRequestKeysFollowFromTheSeed(t *testing.T) {
	t.Parallel()
	certificates := func(seed uint64) []*x509.Certificate {
		return newSigningWorld(t, func(c *entratest.Config) { c.Seed = seed }).RequestCertificates()
	}
	one, again, other := certificates(1), certificates(1), certificates(2)
	require.Len(t, one, 2)
	require.Equal(t, one, again)
	seen := map[string]bool{}
	for _, c := range append(one, other...) {
		key := c.PublicKey.(*rsa.PublicKey)
		require.Equal(t, 2048, key.N.BitLen())
		require.False(t, seen[key.N.String()], "two keys are alike")
		seen[key.N.String()] = true
		require.Equal(t, "CN=Live ID STS Signing Public Key", c.Subject.String())
		require.Len(t, c.SubjectKeyId, 20)
		require.True(t, c.NotBefore.Before(morning()) && c.NotAfter.After(morning().AddDate(3, 0, 0)))
		require.False(t, c.IsCA)
	}
}

func TestASignInWithSignedRequests(t *testing.T) {
	t.Parallel()
	w := newSigningWorld(t)
	idp := withIdentityProvider(t, w)
	page := w.browser().open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	require.Equal(t, http.StatusOK, page.Status)
	require.Equal(t, hrSite, page.URL)
	request := idp.seen()[0]
	require.Equal(t, "https://id.contoso.com/sso", request.SelectAttrValue("Destination", ""))
	require.NotNil(t, request.FindElement("./Signature"))
}

// The metadata as published copies show it.
func TestTheMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, err := w.Client().Get(w.Cloud().Metadata)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "application/samlmetadata+xml; charset=utf-8", res.Header.Get("Content-Type"))
	document := []byte(bodyOf(t, res))
	certificates := w.RequestCertificates()
	require.NoError(t, verifyWithout(document, certificates[0]))
	verifyWithXmlsec1(t, document, certificates[0], "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor")

	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(document))
	entity := doc.Root()
	require.Equal(t, "urn:federation:MicrosoftOnline", entity.SelectAttrValue("entityID", ""))
	require.NotEmpty(t, entity.SelectAttrValue("ID", ""))
	require.Equal(t, []string{"Signature", "SPSSODescriptor", "Extensions"}, tagsOf(entity), "Extensions come last")
	require.Contains(t, string(document), "#rsa-sha1")

	sp := entity.SelectElement("SPSSODescriptor")
	require.Equal(t, "true", sp.SelectAttrValue("WantAssertionsSigned", ""))
	require.Nil(t, sp.SelectAttr("AuthnRequestsSigned"))
	require.Equal(t, []string{
		"KeyDescriptor", "KeyDescriptor", "KeyDescriptor", "SingleLogoutService", "NameIDFormat", "NameIDFormat", "NameIDFormat",
		"NameIDFormat", "NameIDFormat", "AssertionConsumerService", "AssertionConsumerService", "AssertionConsumerService",
	}, tagsOf(sp))
	var shown []string
	for _, descriptor := range sp.SelectElements("KeyDescriptor") {
		require.Equal(t, "signing", descriptor.SelectAttrValue("use", ""), "there is no key to encrypt with")
		shown = append(shown, descriptor.FindElement(".//X509Certificate").Text())
	}
	encoded := func(i int) string { return base64.StdEncoding.EncodeToString(certificates[i].Raw) }
	require.Equal(t, []string{encoded(0), encoded(1), encoded(1)}, shown, "one is repeated")
	var formats []string
	for _, format := range sp.SelectElements("NameIDFormat") {
		formats = append(formats, format.Text())
	}
	require.Equal(t, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", formats[0])
	require.Equal(t, persistent, formats[4], "the one that counts comes last")
	for i, acs := range sp.SelectElements("AssertionConsumerService") {
		require.Equal(t, loginSRF, acs.SelectAttrValue("Location", ""))
		require.Equal(t, i == 0, acs.SelectAttrValue("isDefault", "") == "true")
	}
	logout := sp.SelectElement("SingleLogoutService")
	require.Equal(t, loginSRF, logout.SelectAttrValue("Location", ""))
	require.Equal(t, "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", logout.SelectAttrValue("Binding", ""))
}

func TestTheMetadataIsOnlyRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.post(t, w.Cloud().Metadata, nil)
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}

func TestTheMetadataOfAListener(t *testing.T) {
	t.Parallel()
	tenant := entratest.Start(t, entratest.Config{BaseURL: "http://127.0.0.1:8443"})
	require.Equal(t, "http://127.0.0.1:8443/federationmetadata/saml20/federationmetadata.xml", tenant.Cloud().Metadata)
	res, err := tenant.Client().Get(tenant.Cloud().Metadata)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Contains(t, bodyOf(t, res), `Location="http://127.0.0.1:8443/login.srf"`)
}

func tagsOf(e *etree.Element) (tags []string) {
	for _, c := range e.ChildElements() {
		tags = append(tags, c.Tag)
	}
	return tags
}

// certificatesInMetadata reads those of the service provider.
func certificatesInMetadata(t testing.TB, document string) (found []*x509.Certificate) {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromString(document))
	for _, e := range doc.FindElements("//KeyDescriptor//X509Certificate") {
		der, err := base64.StdEncoding.DecodeString(e.Text())
		require.NoError(t, err)
		certificate, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		found = append(found, certificate)
	}
	return found
}
