// Package dsig makes the one XML signature that this module issues: enveloped, exclusive canonicalisation, RSA with
// SHA-256, the certificate in KeyInfo (https://www.w3.org/TR/xmldsig-core1/).
//
// It signs bytes that are canonical already, as package xmldoc writes them. Nothing is parsed, changed or serialised
// again between digest and wire.
package dsig
