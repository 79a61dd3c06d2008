package entratest_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// The identity provider of the tests, written with etree and goxmldsig only.

const (
	contosoIssuer  = "https://id.contoso.com/entra"
	fabrikamIssuer = "https://id.fabrikam.com/entra"
	loginSRF       = "https://login.microsoftonline.com/login.srf"
	passwordRef    = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	mfaRef         = "http://schemas.microsoft.com/claims/multipleauthn"
	persistent     = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	success        = "urn:oasis:names:tc:SAML:2.0:status:Success"
)

// morning is when the tests take place.
func morning() time.Time { return time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC) }

// signingKey is a key with its self-signed certificate.
type signingKey struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// The keys are those of the vectors: see vector_key_test.go.
var (
	contosoKey  = sync.OnceValue(func() signingKey { return throwawayKey("contoso") })
	nextKey     = sync.OnceValue(func() signingKey { return throwawayKey("contoso-next") })
	fabrikamKey = sync.OnceValue(func() signingKey { return throwawayKey("fabrikam") })
	rogueKey    = sync.OnceValue(func() signingKey { return throwawayKey("rogue") })
	shortKey    = sync.OnceValue(func() signingKey { return throwawayKey("short") })
	partnerKey  = sync.OnceValue(func() signingKey { return throwawayKey("partner") })
)

// draft is a response before it is signed. newDraft returns one that every rule accepts; a test changes one thing.
type draft struct {
	request entratest.AuthnRequest
	now     time.Time

	issuer, nameID, upn, classRef string
	audience, attribute           string // of the relying party; attribute is the name of the one that has the upn
	authnInstant                  time.Time
	assertionID                   string
	responseID                    string

	signer           signingKey
	signatureMethod  string
	canonicalizer    dsig.Canonicalizer
	prefixList       string // InclusiveNamespaces of the canonicalisation transform
	unsigned         bool
	signResponse     bool
	signatureLast    bool // instead of after the Issuer
	withoutKeyInfo   bool
	prepare          func(response, assertion *etree.Element) // before signing
	tamper           func(response, assertion *etree.Element) // after signing
	tamperWithText   func(xml string) string                  // after serialising
	tamperWithBase64 func(field string) string
	relayState       func(string) string
}

func newDraft(request entratest.AuthnRequest, now time.Time) *draft {
	return &draft{
		request: request, now: now, issuer: contosoIssuer, nameID: "employee0001", upn: "employee@contoso.com",
		audience: "urn:federation:MicrosoftOnline", attribute: "IDPEmail",
		classRef: passwordRef, authnInstant: now.Add(-time.Minute), assertionID: "_a" + request.ID[1:],
		responseID: "_r" + request.ID[1:], signer: contosoKey(), signatureMethod: dsig.RSASHA256SignatureMethod,
		canonicalizer: dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""),
	}
}

// post returns the two form fields.
func (d *draft) post(t testing.TB) (samlResponse, relayState string) {
	t.Helper()
	text := d.xml(t)
	if d.tamperWithText != nil {
		changed := d.tamperWithText(text)
		require.NotEqual(t, text, changed, "the test changes nothing")
		text = changed
	}
	field := base64.StdEncoding.EncodeToString([]byte(text))
	if d.tamperWithBase64 != nil {
		field = d.tamperWithBase64(field)
	}
	relayState = d.request.RelayState
	if d.relayState != nil {
		relayState = d.relayState(relayState)
	}
	return field, relayState
}

func (d *draft) xml(t testing.TB) string {
	t.Helper()
	response, assertion := d.response(), d.assertion()
	if d.prepare != nil {
		d.prepare(response, assertion)
	}
	switch {
	case d.prefixList != "":
		attributes(assertion, "xmlns:"+d.prefixList, "http://www.w3.org/2001/XMLSchema")
		d.signWithPrefixList(t, assertion)
	case !d.unsigned:
		d.sign(t, assertion)
	}
	if response.SelectElement("Assertion") == nil {
		response.AddChild(assertion)
	}
	if d.signResponse {
		d.sign(t, response)
	}
	if d.tamper != nil {
		d.tamper(response, assertion)
	}
	doc := etree.NewDocument()
	doc.SetRoot(response)
	text, err := doc.WriteToString()
	require.NoError(t, err)
	return text
}

// sign puts an enveloped signature into an element.
func (d *draft) sign(t testing.TB, target *etree.Element) {
	t.Helper()
	context, err := dsig.NewSigningContext(d.signer.key, [][]byte{d.signer.certificate.Raw})
	require.NoError(t, err)
	context.Canonicalizer = d.canonicalizer
	require.NoError(t, context.SetSignatureMethod(d.signatureMethod))
	signature, err := context.ConstructSignature(target, true)
	require.NoError(t, err)
	if d.withoutKeyInfo {
		signature.RemoveChild(signature.SelectElement("KeyInfo"))
	}
	if d.signatureLast {
		target.AddChild(signature)
		return
	}
	target.InsertChildAt(1, signature)
}

// signWithPrefixList does what goxmldsig can verify but not produce: it names the prefixes in the Reference.
func (d *draft) signWithPrefixList(t testing.TB, target *etree.Element) {
	t.Helper()
	digested, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(d.prefixList).Canonicalize(target.Copy())
	require.NoError(t, err)
	require.Contains(t, string(digested), "xmlns:"+d.prefixList)
	digest := sha256.Sum256(digested)

	signature := etree.NewElement("ds:Signature")
	attributes(signature, "xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	info := signature.CreateElement("ds:SignedInfo")
	const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	attributes(info.CreateElement("ds:CanonicalizationMethod"), "Algorithm", exclusive)
	attributes(info.CreateElement("ds:SignatureMethod"), "Algorithm", dsig.RSASHA256SignatureMethod)
	reference := info.CreateElement("ds:Reference")
	attributes(reference, "URI", "#"+d.assertionID)
	transforms := reference.CreateElement("ds:Transforms")
	attributes(transforms.CreateElement("ds:Transform"), "Algorithm", string(dsig.EnvelopedSignatureAltorithmId))
	transform := transforms.CreateElement("ds:Transform")
	attributes(transform, "Algorithm", exclusive)
	attributes(transform.CreateElement("ec:InclusiveNamespaces"), "xmlns:ec", exclusive, "PrefixList", d.prefixList)
	attributes(reference.CreateElement("ds:DigestMethod"), "Algorithm", "http://www.w3.org/2001/04/xmlenc#sha256")
	reference.CreateElement("ds:DigestValue").SetText(base64.StdEncoding.EncodeToString(digest[:]))

	detached := info.Copy()
	attributes(detached, "xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	signed, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(detached)
	require.NoError(t, err)
	hash := sha256.Sum256(signed)
	value, err := rsa.SignPKCS1v15(rand.Reader, d.signer.key, crypto.SHA256, hash[:])
	require.NoError(t, err)
	signature.CreateElement("ds:SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	target.InsertChildAt(1, signature)
}

func (d *draft) response() *etree.Element {
	r := etree.NewElement("samlp:Response")
	attributes(r, "xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol", "ID", d.responseID, "Version", "2.0",
		"IssueInstant", when(d.now), "Destination", loginSRF, "InResponseTo", d.request.ID)
	issuer := r.CreateElement("saml:Issuer")
	attributes(issuer, "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	issuer.SetText(d.issuer)
	attributes(r.CreateElement("samlp:Status").CreateElement("samlp:StatusCode"), "Value", success)
	return r
}

func (d *draft) assertion() *etree.Element {
	a := etree.NewElement("saml:Assertion")
	attributes(a, "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion", "ID", d.assertionID, "Version", "2.0",
		"IssueInstant", when(d.now))
	a.CreateElement("saml:Issuer").SetText(d.issuer)

	subject := a.CreateElement("saml:Subject")
	nameID := subject.CreateElement("saml:NameID")
	attributes(nameID, "Format", persistent)
	nameID.SetText(d.nameID)
	confirmation := subject.CreateElement("saml:SubjectConfirmation")
	attributes(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	attributes(confirmation.CreateElement("saml:SubjectConfirmationData"), "InResponseTo", d.request.ID,
		"NotOnOrAfter", when(d.now.Add(5*time.Minute)), "Recipient", loginSRF)

	conditions := a.CreateElement("saml:Conditions")
	attributes(conditions, "NotBefore", when(d.now.Add(-5*time.Minute)), "NotOnOrAfter", when(d.now.Add(time.Hour)))
	conditions.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText(d.audience)

	statement := a.CreateElement("saml:AuthnStatement")
	attributes(statement, "AuthnInstant", when(d.authnInstant), "SessionIndex", d.assertionID)
	statement.CreateElement("saml:AuthnContext").CreateElement("saml:AuthnContextClassRef").SetText(d.classRef)

	attribute := a.CreateElement("saml:AttributeStatement").CreateElement("saml:Attribute")
	attributes(attribute, "Name", d.attribute)
	attribute.CreateElement("saml:AttributeValue").SetText(d.upn)
	return a
}

func attributes(e *etree.Element, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		e.CreateAttr(pairs[i], pairs[i+1])
	}
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// set changes an attribute of an element below another, found by its path.
func set(t testing.TB, below *etree.Element, path, attribute, value string) {
	t.Helper()
	find(t, below, path).CreateAttr(attribute, value)
}

func find(t testing.TB, below *etree.Element, path string) *etree.Element {
	t.Helper()
	e := below.FindElement(path)
	require.NotNil(t, e, "there is no %s", path)
	return e
}

func remove(t testing.TB, below *etree.Element, path string) {
	t.Helper()
	e := find(t, below, path)
	e.Parent().RemoveChild(e)
}

// replace returns a change of the text that must change something.
func replace(old, with string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, with, 1) }
}
