package saml

import (
	"strconv"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

const (
	metadataNS = "urn:oasis:names:tc:SAML:2.0:metadata"
	dsigNS     = "http://www.w3.org/2000/09/xmldsig#"
)

// MetadataContentType is the media type of what [IdentityProvider.Metadata] returns.
const MetadataContentType = "application/samlmetadata+xml"

// Metadata returns the identity provider's metadata for the realm that a domain belongs to; an empty domain means the
// first realm that was configured, if there is only one. Entra does not read it; it is for other tools and for people.
// A domain outside every realm is an error that matches [ErrRealm].
//
// Source: https://docs.oasis-open.org/security/saml/v2.0/saml-metadata-2.0-os.pdf.
func (p *IdentityProvider) Metadata(domain string) ([]byte, error) {
	realm, err := p.realmOrOnly(domain)
	if err != nil {
		return nil, err
	}
	return p.metadata(realm.Issuer, p.slo)
}

// metadata describes the identity provider under the name issuer; slo may be empty.
func (p *provider) metadata(issuer, slo string) ([]byte, error) {
	w := xmldoc.NewWriter(4 << 10)
	w.Start(md("EntityDescriptor"), xmldoc.Attr{Name: "entityID", Value: issuer})
	w.Start(md("IDPSSODescriptor"), xmldoc.Attr{Name: "WantAuthnRequestsSigned", Value: strconv.FormatBool(p.requireSigned)},
		xmldoc.Attr{Name: "protocolSupportEnumeration", Value: protocolNS})
	k := p.keys.Load()
	writeKeyDescriptor(w, k.activeBase64)
	if k.nextBase64 != "" {
		writeKeyDescriptor(w, k.nextBase64)
	}
	if slo != "" {
		writeServices(w, "SingleLogoutService", slo)
	}
	w.Element(md("NameIDFormat"), formatPersistent)
	writeServices(w, "SingleSignOnService", p.sso)
	w.End()
	w.End()
	return w.Bytes()
}

// writeServices names one address for both bindings.
func writeServices(w *xmldoc.Writer, service, location string) {
	for _, binding := range []Binding{BindingPOST, BindingRedirect} {
		w.Start(md(service), xmldoc.Attr{Name: "Binding", Value: string(binding)},
			xmldoc.Attr{Name: "Location", Value: location})
		w.End()
	}
}

func writeKeyDescriptor(w *xmldoc.Writer, certificate string) {
	w.Start(md("KeyDescriptor"), xmldoc.Attr{Name: "use", Value: "signing"})
	w.Start(ds("KeyInfo"))
	w.Start(ds("X509Data"))
	w.Element(ds("X509Certificate"), certificate)
	w.End()
	w.End()
	w.End()
}

func md(local string) xmldoc.Name { return xmldoc.Name{Space: metadataSpace, Local: local} }
func ds(local string) xmldoc.Name { return xmldoc.Name{Space: dsigSpace, Local: local} }

var (
	metadataSpace = xmldoc.Namespace{Prefix: "md", URI: metadataNS}
	dsigSpace     = xmldoc.Namespace{Prefix: "ds", URI: dsigNS}
)
