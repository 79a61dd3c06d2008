package entratest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/url"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// signatureKind is a pair of algorithms. Entra's own signatures are documented with SHA-1.
type signatureKind struct {
	method, digest string
	hash           crypto.Hash
}

func (o RequestOptions) signatureKind() signatureKind {
	if o.SHA256 {
		return signatureKind{dsig.RSASHA256SignatureMethod, digestSHA256, crypto.SHA256}
	}
	return signatureKind{dsig.RSASHA1SignatureMethod, digestSHA1, crypto.SHA1}
}

func (k signatureKind) sum(content []byte) []byte {
	h := k.hash.New()
	h.Write(content)
	return h.Sum(nil)
}

// keyFor is the key that the options choose.
func (t *Tenant) keyFor(o RequestOptions) (requestKey, error) {
	if o.NextKey {
		return t.requestKeys[keyNext]()
	}
	return t.requestKeys[keyInUse]()
}

// envelop signs a message as a whole and puts the signature at a place among its children. Elements and prefixes are
// those of the sample on Microsoft's page, which declares ds inside KeyInfo only.
func (k requestKey) envelop(message *etree.Element, kind signatureKind, at int, keyInfo *etree.Element) error {
	id, _ := attr(message, "ID")
	signature := etree.NewElement("Signature")
	signature.CreateAttr("xmlns", nsDSig)
	info, err := kind.signedInfo(message, id)
	if err != nil {
		return err
	}
	signature.AddChild(info)
	value, err := k.signElement(info, kind)
	if err != nil {
		return err
	}
	signature.CreateElement("SignatureValue").SetText(value)
	signature.AddChild(keyInfo)
	message.InsertChildAt(at, signature)
	return nil
}

func (k signatureKind) signedInfo(message *etree.Element, id string) (*etree.Element, error) {
	covered, err := canonical(message)
	if err != nil {
		return nil, err
	}
	algorithm := func(parent *etree.Element, tag, value string) {
		parent.CreateElement(tag).CreateAttr("Algorithm", value)
	}
	info := etree.NewElement("SignedInfo")
	algorithm(info, "CanonicalizationMethod", nsExcC14N)
	algorithm(info, "SignatureMethod", k.method)
	reference := info.CreateElement("Reference")
	reference.CreateAttr("URI", "#"+id)
	transforms := reference.CreateElement("Transforms")
	algorithm(transforms, "Transform", string(dsig.EnvelopedSignatureAltorithmId))
	algorithm(transforms, "Transform", nsExcC14N)
	algorithm(reference, "DigestMethod", k.digest)
	reference.CreateElement("DigestValue").SetText(base64.StdEncoding.EncodeToString(k.sum(covered)))
	return info, nil
}

// signElement signs an element in the namespace of signatures, which it inherits where it stands.
func (k requestKey) signElement(e *etree.Element, kind signatureKind) (string, error) {
	detached := e.Copy()
	detached.CreateAttr("xmlns", nsDSig)
	content, err := canonical(detached)
	if err != nil {
		return "", err
	}
	return k.sign(content, kind)
}

func (k requestKey) sign(content []byte, kind signatureKind) (string, error) {
	value, err := rsa.SignPKCS1v15(rand.Reader, k.private, kind.hash, kind.sum(content))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(value), nil
}

// canonical is exclusive C14N of an element that declares all its namespaces itself. The element is not changed.
func canonical(e *etree.Element) ([]byte, error) {
	return dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(e.Copy())
}

// keyInfo names the key of a request by its identifier. There is no certificate in it: whoever verifies has it from the
// metadata.
func (k requestKey) keyInfo() *etree.Element {
	info := etree.NewElement("KeyInfo")
	data := info.CreateElement("ds:X509Data")
	data.CreateAttr("xmlns:ds", nsDSig)
	data.CreateElement("ds:X509SKI").SetText(base64.StdEncoding.EncodeToString(k.certificate.SubjectKeyId))
	name := info.CreateElement("ds:KeyName")
	name.CreateAttr("xmlns:ds", nsDSig)
	name.SetText(requestKeyName)
	return info
}

const requestKeyName = "MicrosoftOnline"

// certificateInfo is KeyInfo with the certificate itself, as metadata has it.
func (k requestKey) certificateInfo() *etree.Element {
	info := etree.NewElement("KeyInfo")
	info.CreateAttr("xmlns", nsDSig)
	info.CreateElement("X509Data").CreateElement("X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(k.certificate.Raw))
	return info
}

// signQuery adds the signature of the HTTP-Redirect binding to a query (saml-bindings-2.0-os section 3.4.4.1). It covers
// the parameters as they stand in the address.
func (k requestKey) signQuery(query string, kind signatureKind) (string, error) {
	query += "&SigAlg=" + url.QueryEscape(kind.method)
	value, err := k.sign([]byte(query), kind)
	if err != nil {
		return "", err
	}
	return query + "&Signature=" + url.QueryEscape(value), nil
}
