package entratest

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"testing"
)

// FuzzCertificate: nothing makes the tenant panic, and what it takes for a certificate it gives back unchanged.
func FuzzCertificate(f *testing.F) {
	armoured, err := os.ReadFile("testdata/vectors/keys/throwaway-contoso.crt")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "MIID", "MIID\n", "=", string(armoured), base64.StdEncoding.EncodeToString(armoured)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c := readCertificate(text); c != nil && base64.StdEncoding.EncodeToString(c.Raw) != text {
			t.Fatalf("%q became %q", text, base64.StdEncoding.EncodeToString(c.Raw))
		}
	})
}

// FuzzExternalFilter: no filter makes the tenant panic, and what it takes for one names a domain.
func FuzzExternalFilter(f *testing.F) {
	for _, seed := range []string{
		"domains/any(x: x/id eq 'contoso.com')", "domains/any(x:y/id eq 'contoso.com')", "domains/any(x: x/id eq '''')", "'", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		req := &graphRequest{query: url.Values{"$filter": {filter}}}
		if domain, refusal := req.externalFilter(); (domain == "") != (refusal != nil) {
			t.Fatalf("%q, %v", domain, refusal)
		}
	})
}

// FuzzTokenValidation: no policy makes the tenant panic, and what it takes for one is a policy that it knows.
func FuzzTokenValidation(f *testing.F) {
	for _, seed := range []string{
		`{"validatingDomains":{"@odata.type":"#microsoft.graph.allDomains","rootDomains":"none"}}`,
		`{"validatingDomains":{"@odata.type":"#microsoft.graph.enumeratedDomains","rootDomains":"enumerated",` +
			`"domainNames":["contoso.com"]}}`, `{"validatingDomains":[]}`, `{}`, `{"validatingDomains":{"domainNames":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var body map[string]any
		if json.Unmarshal(raw, &body) != nil {
			return
		}
		policy, refusal := readTokenValidation(body)
		if err := (SignInPolicy{TokenValidation: policy}).validate(); refusal == nil && err != nil {
			t.Fatal(err)
		}
	})
}
