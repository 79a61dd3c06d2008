package federation

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// ErrMetadata: the document is not the metadata of one SAML 2.0 identity provider. For errors.Is.
var ErrMetadata = errors.New("federation: not the metadata of a SAML 2.0 identity provider")

// The limits of metadata. An entity ID has at most 1024 characters by the standard.
const (
	maxMetadata             = 1 << 20 // bytes
	maxEntityID             = 1024
	maxEndpoint             = 2048
	maxMetadataCertificates = 20
	maxCertificateText      = 16 << 10
)

const (
	metadataNS  = "urn:oasis:names:tc:SAML:2.0:metadata"
	signatureNS = "http://www.w3.org/2000/09/xmldsig#"
	protocolNS  = "urn:oasis:names:tc:SAML:2.0:protocol"

	bindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
)

// ReadMetadata reads what the metadata of a SAML 2.0 identity provider says of it: the entity ID as it is written, the
// addresses for sign-in, the certificates for signing in the order of the document, and whether it wants signed requests.
// Which of several keys signs now is not in metadata; by custom it is the first. Time and MFA are not in it either.
//
// It is strict: one entity with one identity provider, at most 1 MiB, no document type, no comments. A signature and an
// expiry of the metadata are not looked at: read it from the identity provider itself, over https, as [FetchMetadata] does.
// The error matches [ErrMetadata].
//
// Source: https://docs.oasis-open.org/security/saml/v2.0/saml-metadata-2.0-os.pdf.
func ReadMetadata(document []byte) (IdentityProvider, error) {
	idp, err := readMetadata(document)
	if err != nil {
		return IdentityProvider{}, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	return idp, nil
}

func readMetadata(document []byte) (idp IdentityProvider, err error) {
	if len(document) > maxMetadata {
		return idp, fmt.Errorf("it has more than %d bytes", maxMetadata)
	}
	root, err := xmldoc.Parse(document)
	if errors.Is(err, xmldoc.ErrComment) {
		return idp, fmt.Errorf("%w: save it to a file, take them out, and read that", err)
	} else if err != nil {
		return idp, err
	}
	entity, err := onlyEntity(root)
	if err != nil {
		return idp, err
	}
	provider, err := onlyProvider(entity)
	if err != nil {
		return idp, err
	}
	idp.Protocol = SAML
	if idp.Issuer, err = entityID(entity); err != nil {
		return idp, err
	}
	if idp.SignInURL, idp.RedirectURL, err = signInURLs(provider); err != nil {
		return idp, err
	}
	if idp.SignedRequests, err = wantsSignedRequests(provider); err != nil {
		return idp, err
	}
	idp.Certificates, err = signingCertificates(provider)
	return idp, err
}

// onlyEntity is the entity of the document, which may be wrapped, as some servers do.
func onlyEntity(root *xmldoc.Element) (*xmldoc.Element, error) {
	if root.Space == metadataNS && root.Local == "EntitiesDescriptor" {
		entities := root.All(metadataNS, "EntityDescriptor")
		if len(entities) != 1 || len(root.All(metadataNS, "EntitiesDescriptor")) > 0 {
			return nil, errors.New("it describes several entities: give that of the identity provider alone")
		}
		root = entities[0]
	}
	if root.Space != metadataNS || root.Local != "EntityDescriptor" {
		return nil, fmt.Errorf("it begins with %.100q and not with EntityDescriptor", root.Local)
	}
	return root, nil
}

// onlyProvider is the part for SAML 2.0 of an entity that may have several parts.
func onlyProvider(entity *xmldoc.Element) (*xmldoc.Element, error) {
	var found []*xmldoc.Element
	for _, p := range entity.All(metadataNS, "IDPSSODescriptor") {
		protocols, _ := p.Attr("protocolSupportEnumeration")
		if slices.Contains(strings.Fields(protocols), protocolNS) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0 && len(entity.All(metadataNS, "SPSSODescriptor")) > 0:
		return nil, errors.New("it describes a service provider: give the metadata of the identity provider")
	case len(found) != 1:
		return nil, fmt.Errorf("it has %d descriptions of an identity provider for SAML 2.0 in place of one", len(found))
	}
	return found[0], nil
}

// entityID is not trimmed: Entra compares it byte for byte.
func entityID(entity *xmldoc.Element) (string, error) {
	id, _ := entity.Attr("entityID")
	switch {
	case id == "":
		return "", errors.New("it has no entityID")
	case len(id) > maxEntityID:
		return "", fmt.Errorf("its entityID has more than %d characters", maxEntityID)
	case strings.ContainsFunc(id, isControl):
		return "", fmt.Errorf("its entityID %q has control characters", id)
	}
	return id, nil
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// signInURLs are the addresses by HTTP-POST and by HTTP-Redirect, the first of each.
func signInURLs(provider *xmldoc.Element) (post, redirect string, err error) {
	for _, service := range provider.All(metadataNS, "SingleSignOnService") {
		binding, _ := service.Attr("Binding")
		location, _ := service.Attr("Location")
		target := &post
		switch binding {
		case bindingPost:
		case bindingRedirect:
			target = &redirect
		default:
			continue
		}
		if err := checkEndpoint(location); err != nil {
			return "", "", fmt.Errorf("its SingleSignOnService by %s: %w", binding, err)
		}
		if *target == "" {
			*target = location
		}
	}
	if post == "" && redirect == "" {
		return "", "", errors.New("it has no SingleSignOnService by HTTP-POST, by which Entra sends its requests, nor by " +
			"HTTP-Redirect")
	}
	return post, redirect, nil
}

func checkEndpoint(location string) error {
	u, err := url.Parse(location)
	switch {
	case len(location) > maxEndpoint:
		return fmt.Errorf("its Location has more than %d characters", maxEndpoint)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsFunc(location, isControl):
		return fmt.Errorf("its Location %q is not a URL", location)
	case u.User != nil:
		return errors.New("its Location must not carry credentials")
	}
	return nil
}

func wantsSignedRequests(provider *xmldoc.Element) (*bool, error) {
	value, said := provider.Attr("WantAuthnRequestsSigned")
	wants := false
	switch value {
	case "true", "1":
		wants = true
	case "false", "0":
	default:
		if said {
			return nil, fmt.Errorf("its WantAuthnRequestsSigned %.100q is neither true nor false", value)
		}
	}
	return &wants, nil
}

// signingCertificates are those of the keys for signing, in the order of the document, each once.
func signingCertificates(provider *xmldoc.Element) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, key := range provider.All(metadataNS, "KeyDescriptor") {
		switch use, _ := key.Attr("use"); use {
		case "signing", "": // without a use, a key is for everything
		case "encryption":
			continue
		default:
			return nil, fmt.Errorf("the use %.100q of a KeyDescriptor is neither signing nor encryption", use)
		}
		certificates, err := certificatesOf(key)
		if err != nil {
			return nil, err
		}
		for _, c := range certificates {
			if !slices.ContainsFunc(all, c.Equal) {
				all = append(all, c)
			}
		}
		if len(all) > maxMetadataCertificates {
			return nil, fmt.Errorf("it has more than %d certificates for signing", maxMetadataCertificates)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("it has no certificate for signing")
	}
	return all, nil
}

func certificatesOf(key *xmldoc.Element) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, info := range key.All(signatureNS, "KeyInfo") {
		for _, data := range info.All(signatureNS, "X509Data") {
			for _, text := range data.All(signatureNS, "X509Certificate") {
				c, err := metadataCertificate(text.Text)
				if err != nil {
					return nil, err
				}
				all = append(all, c)
			}
		}
	}
	return all, nil
}

// metadataCertificate reads base64 of DER, in which XML allows white space.
func metadataCertificate(text string) (*x509.Certificate, error) {
	if len(text) > maxCertificateText {
		return nil, fmt.Errorf("a certificate has more than %d characters", maxCertificateText)
	}
	der, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("a certificate is not base64: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("a certificate cannot be read: %w", err)
	}
	return c, nil
}
