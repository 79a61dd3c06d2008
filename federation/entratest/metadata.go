package entratest

import (
	"net/http"

	"github.com/beevik/etree"
)

// metadataPath is where Entra publishes what it is as a SAML service provider, on a host of its own:
// [entrafed.Cloud.Metadata].
const metadataPath = "/federationmetadata/saml20/federationmetadata.xml"

const (
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsAlgorithm = "urn:oasis:names:tc:SAML:metadata:algsupport"
	bindingPOST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// serveMetadata publishes the certificates that signed requests are verified with.
func (t *Tenant) serveMetadata(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	document, err := t.metadata()
	if err != nil {
		t.cfg.Logger.Error("the metadata of the simulation cannot be written", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
	_, _ = w.Write(document) // the client has gone, if this fails
}

// metadata writes the document as published copies of Entra's show it, with everything that makes readers stumble: an
// enveloped signature with SHA-1, a certificate that is there twice, Extensions at the end, where the schema does not
// have them, and persistent as the last of the NameID formats.
func (t *Tenant) metadata() ([]byte, error) {
	keys, err := t.allRequestKeys()
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="utf-8"`)
	entity := doc.CreateElement("EntityDescriptor")
	entity.CreateAttr("ID", "_"+t.cfg.TenantID)
	entity.CreateAttr("entityID", t.cloud.Audience)
	entity.CreateAttr("xmlns", nsMetadata)
	entity.CreateAttr("xmlns:alg", nsAlgorithm)
	t.describeServiceProvider(entity, keys)
	extensions := entity.CreateElement("Extensions")
	extensions.CreateElement("alg:DigestMethod").CreateAttr("Algorithm", digestSHA1)
	extensions.CreateElement("alg:SigningMethod").CreateAttr("Algorithm", RequestOptions{}.signatureKind().method)

	signer := keys[keyInUse]
	if err := signer.envelop(entity, RequestOptions{}.signatureKind(), 0, signer.certificateInfo()); err != nil {
		return nil, err
	}
	return doc.WriteToBytes()
}

func (t *Tenant) describeServiceProvider(entity *etree.Element, keys []requestKey) {
	sp := entity.CreateElement("SPSSODescriptor")
	sp.CreateAttr("WantAssertionsSigned", "true")
	sp.CreateAttr("protocolSupportEnumeration", nsProtocol)
	for _, k := range []requestKey{keys[keyInUse], keys[keyNext], keys[keyNext]} {
		descriptor := sp.CreateElement("KeyDescriptor")
		descriptor.CreateAttr("use", "signing")
		descriptor.AddChild(k.certificateInfo())
	}
	logout := sp.CreateElement("SingleLogoutService")
	logout.CreateAttr("Binding", bindingPOST)
	logout.CreateAttr("Location", t.cloud.AssertionConsumerService)
	for _, format := range []string{
		"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
		"urn:mace:shibboleth:1.0:nameIdentifier",
		"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
		"urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
		formatPersistent,
	} {
		sp.CreateElement("NameIDFormat").SetText(format)
	}
	for i, binding := range []string{
		bindingPOST, "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST-SimpleSign", "urn:oasis:names:tc:SAML:2.0:bindings:PAOS",
	} {
		acs := sp.CreateElement("AssertionConsumerService")
		acs.CreateAttr("Binding", binding)
		acs.CreateAttr("Location", t.cloud.AssertionConsumerService)
		acs.CreateAttr("index", string(rune('0'+i)))
		if i == 0 {
			acs.CreateAttr("isDefault", "true")
		}
	}
}
