package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"
)

// testSignIn is made once, as its key takes a noticeable part of a second.
var testSignIn = sync.OnceValue(newSignIn)

func pathsWith(t *testing.T, key func(*signIn) crypto.Signer) (*signIn, []path) {
	t.Helper()
	s := testSignIn()
	paths, err := newPaths(s, key(s))
	require.NoError(t, err)
	return s, paths
}

func ownKey(s *signIn) crypto.Signer { return s.key }

// document returns what a browser would post.
func document(t *testing.T, p path) []byte {
	t.Helper()
	field, err := p.issue()
	require.NoError(t, err)
	decoded, err := base64.StdEncoding.DecodeString(field)
	require.NoError(t, err)
	return decoded
}

func parse(t *testing.T, document []byte) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(document))
	require.Equal(t, "Response", doc.Root().Tag)
	return doc.Root()
}

// verify checks the signature on an element with goxmldsig and returns the element as that saw it.
func verify(element *etree.Element, certificate *x509.Certificate) (*etree.Element, error) {
	store := &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}}
	return dsig.NewDefaultValidationContext(store).Validate(element)
}

func TestEveryPathIssuesAResponseThatVerifies(t *testing.T) {
	t.Parallel()
	s, paths := pathsWith(t, ownKey)
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			response := parse(t, document(t, p))
			_, err := verify(response.FindElement("./Assertion"), s.certificate)
			require.NoError(t, err)

			tampered := parse(t, document(t, p))
			tampered.FindElement("./Assertion/Subject/NameID").SetText("another")
			_, err = verify(tampered.FindElement("./Assertion"), s.certificate)
			require.Error(t, err, "the check can fail")
		})
	}
}

func TestCrewjamSignsTheResponseToo(t *testing.T) {
	t.Parallel()
	s, paths := pathsWith(t, ownKey)
	for _, p := range paths {
		response := parse(t, document(t, p))
		if p.name != nameCrewjam {
			require.Nil(t, response.FindElement("./Signature"), p.name)
			continue
		}
		_, err := verify(response, s.certificate)
		require.NoError(t, err)
	}
}

func TestEveryPathSignsWithRSASHA256(t *testing.T) {
	t.Parallel()
	_, paths := pathsWith(t, ownKey)
	for _, p := range paths {
		methods := parse(t, document(t, p)).FindElements("//SignatureMethod")
		require.NotEmpty(t, methods, p.name)
		for _, method := range methods {
			require.Equal(t, dsig.RSASHA256SignatureMethod, method.SelectAttrValue("Algorithm", ""), p.name)
		}
	}
}

// Work can only be compared if it is the same: who signed in, when and how, for whom, in answer to what.
func TestEveryPathStatesTheSameFacts(t *testing.T) {
	t.Parallel()
	s, paths := pathsWith(t, ownKey)
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			response := parse(t, document(t, p))
			assertion, err := verify(response.FindElement("./Assertion"), s.certificate)
			require.NoError(t, err)

			for path, want := range map[string]string{
				"./Issuer":         s.issuer,
				"./Subject/NameID": s.immutableID,
				"./Conditions/AudienceRestriction/Audience":          s.cloud.Audience,
				"./AuthnStatement/AuthnContext/AuthnContextClassRef": passwordProtectedTransport,
				"./AttributeStatement/Attribute/AttributeValue":      s.upn,
			} {
				require.Equal(t, []string{want}, texts(assertion, path), path)
			}
			require.Equal(t, []string{s.issuer}, texts(response, "./Issuer"))

			require.Equal(t, s.cloud.AssertionConsumerService, response.SelectAttrValue("Destination", ""))
			require.Equal(t, s.requestID, response.SelectAttrValue("InResponseTo", ""))
			require.Equal(t, formatPersistent, attribute(assertion, "./Subject/NameID", "Format"))
			confirmation := "./Subject/SubjectConfirmation"
			require.Equal(t, "urn:oasis:names:tc:SAML:2.0:cm:bearer", attribute(assertion, confirmation, "Method"))
			confirmation += "/SubjectConfirmationData"
			require.Equal(t, s.cloud.AssertionConsumerService, attribute(assertion, confirmation, "Recipient"))
			require.Equal(t, s.requestID, attribute(assertion, confirmation, "InResponseTo"))
			require.Equal(t, "IDPEmail", attribute(assertion, "./AttributeStatement/Attribute", "Name"))
			require.Equal(t, s.sessionIndex, attribute(assertion, "./AuthnStatement", "SessionIndex"))
			at, err := time.Parse(time.RFC3339Nano, attribute(assertion, "./AuthnStatement", "AuthnInstant"))
			require.NoError(t, err)
			require.True(t, at.Equal(s.authnInstant), "%s is not %s", at, s.authnInstant)
		})
	}
}

func texts(in *etree.Element, path string) (all []string) {
	for _, e := range in.FindElements(path) {
		all = append(all, e.Text())
	}
	return all
}

func attribute(in *etree.Element, path, name string) string {
	element := in.FindElement(path)
	if element == nil {
		return ""
	}
	return element.SelectAttrValue(name, "")
}

func TestOursAndGoxmldsigIssueTheSameElementsAndAttributes(t *testing.T) {
	t.Parallel()
	_, paths := pathsWith(t, ownKey)
	shapes := map[string][]string{}
	for _, p := range paths {
		shapes[p.name] = shape(parse(t, document(t, p)), "")
	}
	require.Equal(t, shapes[nameOurs], shapes[nameGoxmldsig])
	require.NotEqual(t, shapes[nameOurs], shapes[nameCrewjam], "the check can fail")
}

// shape lists the elements and their attributes, in the order of the document; where namespaces are declared is left
// out.
func shape(e *etree.Element, parent string) []string {
	here := parent + "/" + e.Tag
	all := []string{here}
	var attributes []string
	for _, a := range e.Attr {
		if a.Space != "xmlns" {
			attributes = append(attributes, here+"@"+a.Key)
		}
	}
	slices.Sort(attributes)
	all = append(all, attributes...)
	for _, child := range e.ChildElements() {
		all = append(all, shape(child, here)...)
	}
	return all
}

// countingSigner counts the uses of the private key.
type countingSigner struct {
	crypto.Signer
	uses atomic.Int64
}

func (s *countingSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.uses.Add(1)
	return s.Signer.Sign(random, digest, opts)
}

func TestHowOftenEachPathUsesThePrivateKey(t *testing.T) {
	t.Parallel()
	var signer *countingSigner
	_, paths := pathsWith(t, func(s *signIn) crypto.Signer {
		signer = &countingSigner{Signer: s.key}
		return signer
	})
	require.Zero(t, signer.uses.Load(), "not before there is something to sign")
	want := map[string]int64{nameOurs: 1, nameGoxmldsig: 1, nameCrewjam: 2}
	for _, p := range paths {
		signer.uses.Store(0)
		document(t, p)
		require.Equal(t, want[p.name], signer.uses.Load(), p.name)
	}
}

func TestEveryPathMayRunOnManyGoroutines(t *testing.T) {
	t.Parallel()
	s, paths := pathsWith(t, ownKey)
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			fields, errs := make([]string, 8), make([]error, 8)
			var group sync.WaitGroup
			for i := range fields {
				group.Go(func() { fields[i], errs[i] = p.issue() })
			}
			group.Wait()
			ids := map[string]bool{}
			for i, field := range fields {
				require.NoError(t, errs[i])
				decoded, err := base64.StdEncoding.DecodeString(field)
				require.NoError(t, err)
				assertion, err := verify(parse(t, decoded).FindElement("./Assertion"), s.certificate)
				require.NoError(t, err)
				ids[assertion.SelectAttrValue("ID", "")] = true
			}
			require.Len(t, ids, len(fields), "each response has its own ID")
		})
	}
}

func TestTheFloorIsOneSignatureWithTheSameKey(t *testing.T) {
	t.Parallel()
	s := testSignIn()
	signature, err := floorSignature(s.key)()
	require.NoError(t, err)
	digest := sha256.Sum256([]byte("any 32 bytes"))
	require.NoError(t, rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, digest[:], signature))
	require.NoError(t, floor(s.key)())
}

// With the free key there is as much to write, and nothing to sign.
func TestTheFreeKeyLeavesTheDocumentAsItIs(t *testing.T) {
	t.Parallel()
	s, signed := pathsWith(t, ownKey)
	_, unsigned := pathsWith(t, func(s *signIn) crypto.Signer { return newFreeSigner(s.key.Public()) })
	for i := range signed {
		withKey, withoutKey := parse(t, document(t, signed[i])), parse(t, document(t, unsigned[i]))
		require.Equal(t, shape(withKey, ""), shape(withoutKey, ""), signed[i].name)
		for _, value := range withoutKey.FindElements("//SignatureValue") {
			require.Len(t, value.Text(), base64.StdEncoding.EncodedLen(s.key.Size()), signed[i].name)
		}
		_, err := verify(withoutKey.FindElement("./Assertion"), s.certificate)
		require.Error(t, err, signed[i].name)
	}
}

func TestTheRequestThatIsReadIsAccepted(t *testing.T) {
	t.Parallel()
	s := testSignIn()
	reading, err := read(s)
	require.NoError(t, err)
	require.NoError(t, reading())

	idp, err := newIdP(s, s.key, func() time.Time { return s.authnInstant })
	require.NoError(t, err)
	request, err := idp.ParseAuthnRequest(s.authnRequest())
	require.NoError(t, err)
	require.Equal(t, s.requestID, request.ID)
	require.False(t, request.Signed)
}
