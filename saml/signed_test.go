package saml_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

// entraKey stands for the key that Entra signs its requests with.
type entraKey struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

var (
	entraSigner   = sync.OnceValue(func() entraKey { return newEntraKey("one") })
	unknownSigner = sync.OnceValue(func() entraKey { return newEntraKey("two") })
)

func newEntraKey(ski string) entraKey {
	key := certtest.RSA(2048)
	from, until := testTime.AddDate(-6, 0, 0), testTime.AddDate(-1, 0, 0) // as those in the metadata once were
	return entraKey{key, certtest.SelfSigned(key, "Live ID STS Signing Public Key", from, until,
		func(c *x509.Certificate) { c.SubjectKeyId = []byte(ski) })}
}

// GetKeyPair makes the key usable for goxmldsig.
func (k entraKey) GetKeyPair() (*rsa.PrivateKey, []byte, error) { return k.key, k.certificate.Raw, nil }

// keyInfo is how Entra names its key: by its identifier, without a certificate.
func (k entraKey) keyInfo() string {
	return `<ds:KeyInfo><ds:X509Data><ds:X509SKI>` + base64.StdEncoding.EncodeToString(k.certificate.SubjectKeyId) +
		`</ds:X509SKI></ds:X509Data><ds:KeyName>MicrosoftOnline</ds:KeyName></ds:KeyInfo>`
}

// sign signs a request with goxmldsig as Entra's documentation shows it.
func (k entraKey) sign(t testing.TB, document, method string) string {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromString(document))
	context := dsig.NewDefaultSigningContext(k)
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	require.NoError(t, context.SetSignatureMethod(method))
	signature, err := context.ConstructSignature(doc.Root(), true)
	require.NoError(t, err)
	info := etree.NewDocument()
	require.NoError(t, info.ReadFromString(k.keyInfo()))
	old := signature.SelectElement("KeyInfo")
	signature.InsertChildAt(old.Index(), info.Root())
	signature.RemoveChild(old)
	doc.Root().InsertChildAt(1, signature)
	signed, err := doc.WriteToString()
	require.NoError(t, err)
	return signed
}

func signedRequest(t testing.TB, k entraKey) string {
	t.Helper()
	return k.sign(t, attribute(`Destination="`+ssoURL+`"`), dsig.RSASHA1SignatureMethod)
}

func trusting(c *saml.Config) {
	c.RequestCertificates = []*x509.Certificate{unknownSignerNobodyUses().certificate, entraSigner().certificate}
}

var unknownSignerNobodyUses = sync.OnceValue(func() entraKey { return newEntraKey("three") })

func requiring(c *saml.Config) {
	trusting(c)
	c.RequireSignedRequests = true
}

func TestSignedRequestsAreVerified(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, requiring)
	for name, method := range map[string]string{
		"rsa-sha1, as Entra signs": dsig.RSASHA1SignatureMethod,
		"rsa-sha256":               dsig.RSASHA256SignatureMethod,
	} {
		t.Run(name, func(t *testing.T) {
			request, err := idp.ReadRequest(postRequest(entraSigner().sign(t, plainRequest, method), "state"))
			require.NoError(t, err)
			require.True(t, request.Signed)
			require.Equal(t, requestID, request.ID)
		})
	}
}

func TestWhetherUnsignedRequestsAreAllowed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*saml.Config)
		want   error
	}{
		"by default":                   {func(*saml.Config) {}, nil},
		"where signatures are checked": {trusting, nil},
		"where they are required":      {requiring, saml.ErrSignature},
	} {
		idp := newIdP(t, test.change)
		_, err := idp.ReadRequest(postRequest(plainRequest, ""))
		require.ErrorIs(t, err, test.want, name)
		_, err = idp.ParseAuthnRequest([]byte(plainRequest))
		require.ErrorIs(t, err, test.want, name)
		_, err = idp.ReadRequest(redirectRequest(url.Values{"SAMLRequest": {deflated(plainRequest)}}))
		require.ErrorIs(t, err, test.want, name)
	}
	cfg := testConfig(t)
	cfg.RequireSignedRequests = true
	_, err := saml.New(cfg)
	require.ErrorContains(t, err, "needs the certificates")
}

// What an attacker, or an accident, may do to a signed request. Where signatures are looked at, each is refused, whether
// or not they are required.
func TestSignedRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := func(t *testing.T) string { return signedRequest(t, entraSigner()) }
	replace := func(old, replacement string) func(*testing.T) string {
		return func(t *testing.T) string {
			document := good(t)
			changed := strings.Replace(document, old, replacement, 1)
			require.NotEqual(t, document, changed)
			return changed
		}
	}
	signatureOf := func(t *testing.T) string {
		document := good(t)
		from, to := strings.Index(document, "<ds:Signature "), strings.Index(document, "</ds:Signature>")
		return document[from : to+len("</ds:Signature>")]
	}
	for rule, test := range map[string]struct {
		document func(t *testing.T) string
		want     error
		text     string
	}{
		"a changed attribute": {replace(`Version="2.0"`, `Version="2.0" ForceAuthn="true"`), saml.ErrSignature, "digest differs"},
		"a changed value":     {replace("nameid-format:persistent", "nameid-format:transient"), saml.ErrSignature, "digest differs"},
		"a key that is not trusted": {func(t *testing.T) string { return signedRequest(t, unknownSigner()) }, saml.ErrSignature,
			"none of the trusted certificates"},
		"the identifier of another trusted key": {
			replace(base64.StdEncoding.EncodeToString([]byte("one")), base64.StdEncoding.EncodeToString([]byte("three"))),
			saml.ErrSignature, "verifies it"},
		"KeyInfo substitution: the signer's own certificate in the message": {func(t *testing.T) string {
			document := signedRequest(t, unknownSigner())
			return strings.Replace(document, unknownSigner().keyInfo(), `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>`+
				base64.StdEncoding.EncodeToString(unknownSigner().certificate.Raw)+
				`</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`, 1)
		}, saml.ErrSignature, "none of the trusted certificates"},
		"KeyInfo removed, signed by a stranger": {func(t *testing.T) string {
			return strings.Replace(signedRequest(t, unknownSigner()), unknownSigner().keyInfo(), "", 1)
		}, saml.ErrSignature, "verifies it"},
		"two signatures": {func(t *testing.T) string {
			return strings.Replace(good(t), "<ds:Signature ", signatureOf(t)+"<ds:Signature ", 1)
		}, saml.ErrSignature, "one Signature"},
		"a decoy signature elsewhere": {func(t *testing.T) string {
			return strings.Replace(good(t), "</samlp:AuthnRequest>", "<x>"+signatureOf(t)+"</x></samlp:AuthnRequest>", 1)
		}, saml.ErrSignature, "one Signature"},
		"a signature of another namespace in front": {func(t *testing.T) string {
			evil := strings.NewReplacer("http://www.w3.org/2000/09/xmldsig#\"", "urn:evil\"").Replace(signatureOf(t))
			return strings.Replace(good(t), "<ds:Signature ", evil+"<ds:Signature ", 1)
		}, saml.ErrSignature, "digest differs"},
		"wrapping: the signature moved to another root": {func(t *testing.T) string {
			outer := strings.Replace(plainRequest, requestID, "_evil", 1)
			return strings.Replace(outer, "</Issuer>", "</Issuer>"+signatureOf(t), 1)
		}, saml.ErrSignature, "not the root's ID"},
		"two references": {func(t *testing.T) string {
			document := good(t)
			from, to := strings.Index(document, "<ds:Reference"), strings.Index(document, "</ds:Reference>")+len("</ds:Reference>")
			return document[:to] + document[from:to] + document[to:]
		}, saml.ErrSignature, "has more in it"},
		"an empty reference": {replace(`URI="#`+requestID+`"`, `URI=""`), saml.ErrSignature, "not the root's ID"},
		"an XPath transform": {replace("http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
			saml.ErrSignature, "algorithm"},
		"inclusive canonicalisation": {replace(`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`,
			`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"`), saml.ErrSignature, "algorithm"},
		"HMAC with the public key": {replace("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
			saml.ErrSignature, "algorithm"},
		"MD5": {replace(`DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"`,
			`DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#md5"`), saml.ErrSignature, "algorithm"},
		"the algorithm names of Microsoft's page": {replace(`http://www.w3.org/2000/09/xmldsig#rsa-sha1`,
			`https://www.w3.org/2000/09/xmldsig#rsa-sha1`), saml.ErrSignature, "algorithm"},
		"no signature value":    {replaceValue("SignatureValue"), saml.ErrSignature, "base64"},
		"no digest value":       {replaceValue("DigestValue"), saml.ErrSignature, "base64"},
		"an empty SignedInfo":   {func(t *testing.T) string { return cut(good(t), "<ds:SignedInfo>", "</ds:SignedInfo>") }, saml.ErrSignature, "lacks"},
		"a comment in a digest": {replace("</ds:DigestValue>", "<!-- --></ds:DigestValue>"), saml.ErrXML, "comments"},
	} {
		t.Run(rule, func(t *testing.T) {
			document := test.document(t)
			for _, policy := range []func(*saml.Config){trusting, requiring} {
				_, err := newIdP(t, policy).ReadRequest(postRequest(document, ""))
				require.ErrorIs(t, err, test.want)
				require.ErrorContains(t, err, test.text)
			}
		})
	}
}

// The outer request of a wrapping attack is unsigned, and is nothing else: the inner one lends it nothing.
func TestASignedRequestInsideAnotherLendsItNothing(t *testing.T) {
	t.Parallel()
	outer := strings.Replace(plainRequest, requestID, "_evil", 1)
	wrapped := strings.Replace(outer, "</samlp:AuthnRequest>", signedRequest(t, entraSigner())+"</samlp:AuthnRequest>", 1)
	_, err := newIdP(t, requiring).ReadRequest(postRequest(wrapped, ""))
	require.ErrorIs(t, err, saml.ErrSignature)
	request, err := newIdP(t, trusting).ReadRequest(postRequest(wrapped, ""))
	require.NoError(t, err)
	require.False(t, request.Signed)
}

func replaceValue(element string) func(*testing.T) string {
	return func(t *testing.T) string {
		return cut(signedRequest(t, entraSigner()), "<ds:"+element+">", "</ds:"+element+">")
	}
}

// cut removes what stands between two marks.
func cut(document, from, to string) string {
	a, b := strings.Index(document, from)+len(from), strings.Index(document, to)
	return document[:a] + document[b:]
}

// signedQuery signs as the Redirect binding does.
func signedQuery(t testing.TB, k entraKey, algorithm, relayState string) string {
	t.Helper()
	content := "SAMLRequest=" + url.QueryEscape(deflated(plainRequest))
	if relayState != "" {
		content += "&RelayState=" + url.QueryEscape(relayState)
	}
	content += "&SigAlg=" + url.QueryEscape(algorithm)
	sum1, sum256 := sha1.Sum([]byte(content)), sha256.Sum256([]byte(content))
	hash, digest := crypto.SHA1, sum1[:]
	if strings.HasSuffix(algorithm, "sha256") {
		hash, digest = crypto.SHA256, sum256[:]
	}
	value, err := rsa.SignPKCS1v15(nil, k.key, hash, digest)
	require.NoError(t, err)
	return content + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
}

func query(raw string) *http.Request { return httptest.NewRequest(http.MethodGet, ssoURL+"?"+raw, nil) }

func TestSignedQueriesAreVerified(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, requiring)
	for _, algorithm := range []string{dsig.RSASHA1SignatureMethod, dsig.RSASHA256SignatureMethod} {
		for _, relayState := range []string{"", "a+b/=&c d"} {
			request, err := idp.ReadRequest(query(signedQuery(t, entraSigner(), algorithm, relayState)))
			require.NoError(t, err)
			require.True(t, request.Signed)
			require.Equal(t, relayState, request.RelayState)
		}
	}
	lower := signedQuery(t, entraSigner(), dsig.RSASHA256SignatureMethod, "") + "&login_hint=a%40contoso.com"
	_, err := idp.ReadRequest(query(lower))
	require.NoError(t, err, "parameters that are not signed do not matter")
}

func TestSignedQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	good := signedQuery(t, entraSigner(), dsig.RSASHA256SignatureMethod, "state")
	for rule, test := range map[string]struct {
		raw  string
		want error
	}{
		"another RelayState": {strings.Replace(good, "RelayState=state", "RelayState=other", 1), saml.ErrSignature},
		"no RelayState":      {strings.Replace(good, "&RelayState=state", "", 1), saml.ErrSignature},
		"a RelayState added": {signedQuery(t, entraSigner(), dsig.RSASHA256SignatureMethod, "") + "&RelayState=x", saml.ErrSignature},
		"another escaping":   {strings.Replace(good, "RelayState=state", "RelayState=%73tate", 1), saml.ErrSignature},
		"an escaped name":    {strings.Replace(good, "RelayState=", "Relay%53tate=", 1), saml.ErrSignature},
		"an unsigned RelayState under an escaped name": {signedQuery(t, entraSigner(), dsig.RSASHA256SignatureMethod, "") + "&Relay%53tate=evil", saml.ErrSignature},
		"a repeated SAMLRequest":                       {good + "&SAMLRequest=x", saml.ErrEncoding},
		"a repeated Signature":                         {good + "&Signature=AAAA", saml.ErrEncoding},
		"a repeated SigAlg":                            {good + "&SigAlg=x", saml.ErrEncoding},
		"no Signature":                                 {good[:strings.Index(good, "&Signature=")], saml.ErrSignature},
		"no SigAlg":                                    {strings.Replace(good, "SigAlg=", "Sig=", 1), saml.ErrSignature},
		"a Signature not in base64":                    {good[:strings.Index(good, "&Signature=")] + "&Signature=!", saml.ErrSignature},
		"another algorithm":                            {signedQuery(t, entraSigner(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", ""), saml.ErrSignature},
		"a stranger":                                   {signedQuery(t, unknownSigner(), dsig.RSASHA256SignatureMethod, ""), saml.ErrSignature},
	} {
		t.Run(rule, func(t *testing.T) {
			for _, policy := range []func(*saml.Config){trusting, requiring} {
				_, err := newIdP(t, policy).ReadRequest(query(test.raw))
				require.ErrorIs(t, err, test.want)
			}
		})
	}
}

// A second implementation signs, as Entra's documentation shows it: rsa-sha1 and sha1.
func TestRequestsSignedByXmlsec1AreVerified(t *testing.T) {
	t.Parallel()
	xmlsec1 := command(t, "xmlsec1", "xmlsec1")
	key, err := x509.MarshalPKCS8PrivateKey(entraSigner().key)
	require.NoError(t, err)
	template := strings.Replace(plainRequest, "</Issuer>", `</Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`+
		`<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`+
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/><ds:Reference URI="#`+requestID+`">`+
		`<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`+
		`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>`+
		`<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>`+
		`<ds:SignatureValue/>`+entraSigner().keyInfo()+`</ds:Signature>`, 1)
	// The key's name and identifier stay as they are in the template.
	signed, err := exec.Command(xmlsec1, "--sign", "--privkey-pem",
		write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})), "--enabled-key-data", "rsa",
		"--id-attr:ID", nsProtocol+":AuthnRequest", write(t, "template.xml", []byte(template))).Output()
	require.NoError(t, err)
	require.Contains(t, string(signed), "X509SKI")

	document := strings.TrimSpace(string(signed))
	request, err := newIdP(t, requiring).ReadRequest(postRequest(document, ""))
	require.NoError(t, err, document)
	require.True(t, request.Signed)
}
