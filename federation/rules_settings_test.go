package federation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDomainNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	for name, valid := range map[string]bool{
		"contoso.com": true, "Contoso.COM": true, "a.b.contoso.co.uk": true, "xn--bcher-kva.example": true, "1.com": true,
		long + ".com": true,

		"contoso": false, "contoso.com.": false, ".contoso.com": false, "contoso..com": false, "-contoso.com": false,
		"contoso-.com": false, "con_toso.com": false, "con toso.com": false, " contoso.com": false, "bücher.example": false,
		"me@contoso.com": false, "contoso.com/x": false, "192.0.2.1": false, long + "a.com": false,
		strings.Repeat("abc.", 63) + "com": false, "*.contoso.com": false,
	} {
		found := newScene(t, func(s *scene) { s.Domain = name }).plan().Findings
		require.Equal(t, valid, len(ofRule(found, "domain-name")) == 0, name)
	}
}

func TestIssuers(t *testing.T) {
	t.Parallel()
	for issuer, problem := range map[string]string{
		"https://id.contoso.com/entra": "", "http://id.contoso.com/adfs/services/trust/": "", "urn:contoso:id": "",
		"https://id.contoso.com": "", "HTTPS://ID.contoso.com": "",

		"contoso": "bare name", "id.contoso.com/entra": "bare name", "//id.contoso.com": "bare name",
		"https:id": "no host", "https://": "no host", "https:///entra": "no host", "urn:": "not a URI", "https://[": "not a URI",
		"https://id.contoso.com/a b": "blanks", "https://id.contoso.com/\n": "blanks",
		"https://id.contöso.com": "characters", "https://id.contoso.com/\x00": "characters",
	} {
		found := ofRule(newScene(t, func(s *scene) { s.Issuer = issuer }).plan().Findings, "issuer-not-uri")
		if problem == "" {
			require.Empty(t, found, "%q", issuer)
			continue
		}
		require.Len(t, found, 1, "%q", issuer)
		require.Contains(t, found[0].Summary, problem, "%q", issuer)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for url, problem := range map[string]string{
		"https://id.contoso.com/sso?a=b": "", "https://id.contoso.com:8443": "", "HTTPS://id.contoso.com": "",

		"http://id.contoso.com": "not with https", "ftp://id.contoso.com": "not with https", "/sso": "not absolute",
		"id.contoso.com/sso": "not absolute", "https://": "not absolute", "https:///sso": "not absolute",
		"https://:443/sso": "not absolute", "https://me:secret@id.contoso.com": "user name",
		"https://id.contoso.com/#sso": "fragment", "https://id.contoso.com/a b": "blanks", "https://[": "not a URL",
	} {
		found := ofRule(newScene(t, func(s *scene) { s.MetadataURL = url }).plan().Findings, "url")
		if problem == "" {
			require.Empty(t, found, "%q", url)
			continue
		}
		require.Len(t, found, 1, "%q", url)
		require.Contains(t, found[0].Summary, problem, "%q", url)
		require.NotContains(t, found[0].Summary, "secret")
	}
}
