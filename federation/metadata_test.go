package federation_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/saml"
)

// metadataOf is the metadata of an identity provider that has what is usual, and these keys.
func metadataOf(keys ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    entityID="https://id.contoso.com/entra/contoso.com">
  <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
` + strings.Join(keys, "\n") + `
    <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://id.contoso.com/slo"/>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://id.contoso.com/redirect"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://id.contoso.com/post"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://id.contoso.com/soap"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
`
}

// keyDescriptor is a key of metadata. use is "", "signing", "encryption" or something else.
func keyDescriptor(use string, certificates ...string) string {
	attribute := ""
	if use != "" {
		attribute = fmt.Sprintf(" use=%q", use)
	}
	text := "<md:KeyDescriptor" + attribute + "><ds:KeyInfo><ds:X509Data>"
	for _, c := range certificates {
		text += "<ds:X509Certificate>" + c + "</ds:X509Certificate>"
	}
	return text + "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
}

func TestReadMetadata(t *testing.T) {
	t.Parallel()
	first, second, other := keyed(t, "first"), keyed(t, "second"), keyed(t, "encryption")
	lines := bare(first)[:64] + "\n      " + bare(first)[64:] + "\n"
	idp, err := federation.ReadMetadata([]byte(metadataOf(keyDescriptor("signing", lines), keyDescriptor("encryption", bare(other)),
		keyDescriptor("", bare(second)), keyDescriptor("signing", bare(first)))))
	require.NoError(t, err)
	require.Equal(t, federation.IdentityProvider{
		Issuer: "https://id.contoso.com/entra/contoso.com", SignInURL: "https://id.contoso.com/post",
		RedirectURL: "https://id.contoso.com/redirect", Protocol: federation.SAML, SignedRequests: no(),
		Certificates: []*x509.Certificate{first, second},
	}, idp)
}

func TestReadMetadataAccepts(t *testing.T) {
	t.Parallel()
	key := keyDescriptor("signing", bare(keyed(t, "key")))
	change := func(old, with string) string {
		document := metadataOf(key)
		require.Contains(t, document, old)
		return strings.Replace(document, old, with, 1)
	}
	for _, test := range []struct {
		name, document string
		check          func(federation.IdentityProvider) bool
	}{
		{"an entity ID with white space and a slash, untouched", change(`"https://id.contoso.com/entra/contoso.com"`, `" HTTPS://id/ "`),
			func(p federation.IdentityProvider) bool { return p.Issuer == " HTTPS://id/ " }},
		{"an entity ID with an entity", change(`entra/contoso.com"`, `entra?a=1&amp;b=2"`),
			func(p federation.IdentityProvider) bool { return p.Issuer == "https://id.contoso.com/entra?a=1&b=2" }},
		{"signed requests wanted", change(`WantAuthnRequestsSigned="false"`, `WantAuthnRequestsSigned="1"`),
			func(p federation.IdentityProvider) bool { return *p.SignedRequests }},
		{"nothing said of requests", change(`WantAuthnRequestsSigned="false" `, ``),
			func(p federation.IdentityProvider) bool { return !*p.SignedRequests }},
		{"several protocols", change(`protocolSupportEnumeration="`, `protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol `),
			func(p federation.IdentityProvider) bool { return p.Protocol == federation.SAML }},
		{"the first of several addresses", change(`bindings:SOAP`, `bindings:HTTP-POST`),
			func(p federation.IdentityProvider) bool { return p.SignInURL == "https://id.contoso.com/post" }},
		{"HTTP-Redirect alone", change(`bindings:HTTP-POST" Location="https://id.contoso.com/post"`, `bindings:SOAP" Location=""`),
			func(p federation.IdentityProvider) bool { return p.SignInURL == "" && p.RedirectURL != "" }},
		{"one entity in a list", strings.NewReplacer(
			`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"`,
			`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><md:EntityDescriptor`,
			`</md:EntityDescriptor>`, `</md:EntityDescriptor></md:EntitiesDescriptor>`).Replace(metadataOf(key)),
			func(p federation.IdentityProvider) bool {
				return p.Issuer == "https://id.contoso.com/entra/contoso.com"
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			idp, err := federation.ReadMetadata([]byte(test.document))
			require.NoError(t, err)
			require.True(t, test.check(idp), "%+v", idp)
			require.Len(t, idp.Certificates, 1)
		})
	}
}

// refusedMetadata breaks one rule each.
func refusedMetadata(t testing.TB) map[string]struct{ document, says string } {
	t.Helper()
	certificate := bare(keyed(t, "key"))
	key := keyDescriptor("signing", certificate)
	whole := metadataOf(key)
	change := func(old, with string) string {
		require.Contains(t, whole, old)
		return strings.Replace(whole, old, with, 1)
	}
	provider := whole[strings.Index(whole, "  <md:IDPSSODescriptor") : strings.Index(whole, "</md:IDPSSODescriptor>")+
		len("</md:IDPSSODescriptor>")]
	entity := strings.TrimPrefix(whole, `<?xml version="1.0" encoding="UTF-8"?>`)
	var many []string
	for range 21 {
		many = append(many, keyDescriptor("signing", bare(keyed(t, "one of many"))))
	}
	return map[string]struct{ document, says string }{
		"nothing":               {"", "there is no element"},
		"no XML":                {"{}", "not well-formed"},
		"a page":                {"<html></html>", `begins with "html"`},
		"a document type":       {`<!DOCTYPE x [<!ENTITY e "x">]>` + entity, "document type"},
		"a comment":             {change("<md:NameIDFormat>", "<!-- --><md:NameIDFormat>"), "save it to a file, take them out"},
		"another namespace":     {change(`SAML:2.0:metadata"`, `SAML:1.1:metadata"`), "begins with"},
		"several entities":      {`<e:EntitiesDescriptor xmlns:e="urn:oasis:names:tc:SAML:2.0:metadata">` + entity + entity + `</e:EntitiesDescriptor>`, "several entities"},
		"a list of lists":       {`<e:EntitiesDescriptor xmlns:e="urn:oasis:names:tc:SAML:2.0:metadata">` + entity + `<e:EntitiesDescriptor/></e:EntitiesDescriptor>`, "several entities"},
		"an empty list":         {`<e:EntitiesDescriptor xmlns:e="urn:oasis:names:tc:SAML:2.0:metadata"></e:EntitiesDescriptor>`, "several entities"},
		"no identity provider":  {change(provider, ""), "0 descriptions"},
		"two":                   {change(provider, provider+provider), "2 descriptions"},
		"a service provider":    {change(provider, "<md:SPSSODescriptor/>"), "a service provider"},
		"another protocol":      {change("SAML:2.0:protocol", "SAML:1.1:protocol"), "0 descriptions"},
		"no entity ID":          {change(`entityID="https://id.contoso.com/entra/contoso.com"`, ""), "no entityID"},
		"a long entity ID":      {change("entra/contoso.com", strings.Repeat("x", 1024)), "more than 1024"},
		"a line in the ID":      {change("entra/contoso.com", "entra&#10;contoso.com"), "control characters"},
		"no address":            {strings.ReplaceAll(whole, "SingleSignOnService", "NameIDMappingService"), "HTTP-POST"},
		"an address of nothing": {change("https://id.contoso.com/post", ""), "not a URL"},
		"a relative address":    {change("https://id.contoso.com/post", "/post"), "not a URL"},
		"an address of script":  {change("https://id.contoso.com/post", "javascript:alert(1)"), "not a URL"},
		"a long address":        {change("https://id.contoso.com/post", "https://id.contoso.com/"+strings.Repeat("x", 2048)), "more than 2048"},
		"a password":            {change("https://id.contoso.com/post", "https://user:secret@id.contoso.com/post"), "credentials"},
		"a strange boolean":     {change(`Signed="false"`, `Signed="maybe"`), "neither true nor false"},
		"a strange use":         {metadataOf(keyDescriptor("decoration", certificate)), "neither signing nor encryption"},
		"no key":                {metadataOf(), "no certificate"},
		"a key to encrypt":      {metadataOf(keyDescriptor("encryption", certificate)), "no certificate"},
		"a key by name":         {metadataOf(keyDescriptor("signing")), "no certificate"},
		"no base64":             {metadataOf(keyDescriptor("signing", "%")), "not base64"},
		"bits beyond the end":   {metadataOf(keyDescriptor("signing", "bm90aGluZx==")), "not base64"},
		"armour":                {metadataOf(keyDescriptor("signing", "-----BEGIN CERTIFICATE-----"+certificate)), "not base64"},
		"no certificate":        {metadataOf(keyDescriptor("signing", "bm90aGluZw==")), "cannot be read"},
		"a long certificate":    {metadataOf(keyDescriptor("signing", strings.Repeat("A", 16<<10+1))), "more than 16384"},
		"many certificates":     {metadataOf(many...), "more than 20"},
		"more than a MiB":       {change("<md:NameIDFormat>", "<md:NameIDFormat>"+strings.Repeat(" ", 1<<20)), "more than 1048576 bytes"},
	}
}

func TestReadMetadataRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range refusedMetadata(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp, err := federation.ReadMetadata([]byte(test.document))
			require.ErrorIs(t, err, federation.ErrMetadata)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "secret")
			require.Zero(t, idp)
		})
	}
}

func TestTheMetadataOfPackageSAMLIsRead(t *testing.T) {
	t.Parallel()
	certificate, next := newCertificate(t, "now"), newCertificate(t, "next")
	idp, err := saml.New(saml.Config{
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra/contoso.com"}},
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Signer:              saml.Signer{Key: rsaKey(), Certificate: certificate},
		NextSigner:          saml.Signer{Key: rsaKey(), Certificate: next},
		Now:                 func() time.Time { return today },
	})
	require.NoError(t, err)
	document, err := idp.Metadata("contoso.com")
	require.NoError(t, err)
	read, err := federation.ReadMetadata(document)
	require.NoError(t, err)
	require.Equal(t, "https://id.contoso.com/entra/contoso.com", read.Issuer)
	require.Equal(t, "https://id.contoso.com/entra/sso", read.SignInURL)
	require.Equal(t, []*x509.Certificate{certificate, next}, read.Certificates)
}

// FuzzReadMetadata: whatever is read is within the limits and complete, and what is refused leaves nothing behind.
func FuzzReadMetadata(f *testing.F) {
	key := keyed(f, "key")
	f.Add([]byte(metadataOf(keyDescriptor("signing", bare(key)))))
	for _, test := range refusedMetadata(f) {
		if len(test.document) < 1<<16 {
			f.Add([]byte(test.document))
		}
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		idp, err := federation.ReadMetadata(document)
		if err != nil {
			require.ErrorIs(t, err, federation.ErrMetadata)
			require.Zero(t, idp)
			return
		}
		require.NotEmpty(t, idp.Issuer)
		require.LessOrEqual(t, len(idp.Issuer), 1024)
		require.NotEmpty(t, idp.SignInURL+idp.RedirectURL)
		require.Equal(t, federation.SAML, idp.Protocol)
		require.NotNil(t, idp.SignedRequests)
		require.NotEmpty(t, idp.Certificates)
		require.LessOrEqual(t, len(idp.Certificates), 20)
		for i, c := range idp.Certificates {
			require.NotNil(t, c)
			for _, other := range idp.Certificates[:i] {
				require.False(t, bytes.Equal(other.Raw, c.Raw))
			}
			_, err := x509.ParseCertificate(c.Raw)
			require.NoError(t, err)
			require.NotEmpty(t, base64.StdEncoding.EncodeToString(c.Raw))
		}
	})
}

// serve answers with what the handler says, over TLS; the client trusts it.
func serve(t *testing.T, handler http.HandlerFunc) (address string, client *http.Client) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/metadata", server.Client()
}

func fixed() time.Time { return today }

func TestFetchMetadata(t *testing.T) {
	t.Parallel()
	certificate := keyed(t, "key")
	document := metadataOf(keyDescriptor("signing", bare(certificate)))
	for name, test := range map[string]struct {
		headers map[string]string
		time    time.Time
	}{
		"with a clock":              {map[string]string{"Date": "Mon, 02 Mar 2026 09:04:00 GMT"}, today.Add(4 * time.Minute)},
		"from a cache":              {map[string]string{"Date": "Mon, 02 Mar 2026 08:00:00 GMT", "Age": "3600"}, today},
		"with a strange age":        {map[string]string{"Date": "Mon, 02 Mar 2026 08:00:00 GMT", "Age": "-1"}, today.Add(-time.Hour)},
		"with a clock that is none": {map[string]string{"Date": "yesterday"}, time.Time{}},
		"without a clock":           {map[string]string{"Date": ""}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet {
					http.Error(w, "", http.StatusMethodNotAllowed)
					return
				}
				for name, value := range test.headers {
					w.Header().Set(name, value)
				}
				_, _ = w.Write([]byte(document))
			})
			idp, err := federation.FetchMetadata(context.Background(), client, address, federation.MetadataOptions{Now: fixed})
			require.NoError(t, err)
			require.Equal(t, []*x509.Certificate{certificate}, idp.Certificates)
			require.Equal(t, test.time, idp.Time)
			require.Equal(t, test.time.IsZero(), idp.TimeRead.IsZero())
			if !test.time.IsZero() {
				require.Equal(t, today, idp.TimeRead)
			}
		})
	}
}

func TestFetchMetadataRefuses(t *testing.T) {
	t.Parallel()
	document := metadataOf(keyDescriptor("signing", bare(keyed(t, "key"))))
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		says    string
		is      error
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metadata" {
				_, _ = w.Write([]byte(document))
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, "/elsewhere: give that URL", nil},
		"an error": {http.NotFound, "404 Not Found", nil},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html></html>")) }, "read from https://",
			federation.ErrMetadata},
		"more than a MiB": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20+1))
		}, "more than 1048576 bytes", federation.ErrMetadata},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write([]byte(document))
		}, "EOF", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, client := serve(t, test.handler)
			idp, err := federation.FetchMetadata(context.Background(), client, address, federation.MetadataOptions{})
			require.ErrorContains(t, err, test.says)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			require.Zero(t, idp)
		})
	}
}

func TestFetchMetadataWantsHTTPS(t *testing.T) {
	t.Parallel()
	document := metadataOf(keyDescriptor("signing", bare(keyed(t, "key"))))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(document)) }))
	t.Cleanup(server.Close)
	insecure := federation.MetadataOptions{InsecureLoopback: true}

	_, err := federation.FetchMetadata(context.Background(), nil, server.URL, federation.MetadataOptions{})
	require.ErrorContains(t, err, "must begin with https://")
	idp, err := federation.FetchMetadata(context.Background(), nil, server.URL, insecure)
	require.NoError(t, err)
	require.False(t, idp.Time.IsZero(), "the server's own clock")
	for _, address := range []string{"http://id.contoso.com/", "file:///etc/passwd", "", "https://user:secret@id.contoso.com/"} {
		_, err := federation.FetchMetadata(context.Background(), nil, address, insecure)
		require.ErrorContains(t, err, "cannot be used", address)
		require.NotContains(t, err.Error(), "secret")
	}
	ended, end := context.WithCancel(context.Background())
	end()
	_, err = federation.FetchMetadata(ended, nil, server.URL, insecure)
	require.ErrorIs(t, err, context.Canceled)
}
