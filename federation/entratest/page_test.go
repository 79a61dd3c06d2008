package entratest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shown is a page and its headers.
type shown struct {
	header http.Header
	body   string
}

// everyPage visits each kind of page.
func everyPage(t *testing.T) map[string]shown {
	t.Helper()
	w := newWorld(t)
	withIdentityProvider(t, w)
	pages := map[string]shown{}
	b := w.browser()
	add := func(name, address string) {
		page := b.open(t, address)
		pages[name] = shown{page.Header, page.Body}
	}
	add("ask", smartLink("wreply", hrSite))
	add("ask again", smartLink("wreply", hrSite, "login_hint", "somebody@example.org"))
	add("error", smartLink("wa", "unknown"))
	add("application", smartLink("whr", "contoso.com", "wreply", hrSite))
	add("signed out", "https://login.microsoftonline.com/logout")
	for name, res := range map[string]*http.Response{
		"refused": w.post(t, loginSRF, url.Values{"SAMLResponse": {"x"}}),
		"message": w.post(t, hrSite, nil),
	} {
		pages[name] = shown{res.Header, bodyOf(t, res)}
	}
	for _, p := range b.pages {
		if strings.Contains(p.Body, "SAMLRequest") {
			pages["post"] = shown{p.Header, p.Body}
		}
	}
	require.Len(t, pages, 8)
	return pages
}

func TestEveryPageSaysThatItIsSimulated(t *testing.T) {
	t.Parallel()
	for name, p := range everyPage(t) {
		require.Contains(t, p.body, "Simulated Microsoft 365 – nothing leaves this machine", name)
		require.Contains(t, p.body, `<html lang="en">`, name)
		require.Contains(t, p.body, `name="viewport"`, name)
		require.Equal(t, 1, strings.Count(p.body, "<h1>"), name)
		require.Equal(t, 1, strings.Count(p.body, "<main>"), name)
		require.NotContains(t, p.body, "ZgotmplZ", name)
		require.NotContains(t, p.body, "<img", name)
		require.NotRegexp(t, `\s(on[a-z]+|style)="`, p.body, name)
	}
}

func TestEveryPageIsWellFormed(t *testing.T) {
	t.Parallel()
	for name, p := range everyPage(t) {
		decoder := xml.NewDecoder(strings.NewReader(p.body))
		decoder.Entity = xml.HTMLEntity
		for {
			_, err := decoder.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err, name)
		}
	}
}

func TestThePolicyAllowsExactlyThePagesOwnStyleAndScript(t *testing.T) {
	t.Parallel()
	for name, p := range everyPage(t) {
		policy := p.header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'", name)
		require.Contains(t, policy, "base-uri 'none'", name)
		require.Contains(t, policy, "frame-ancestors 'none'", name)
		require.NotContains(t, policy, "unsafe", name)
		require.NotContains(t, policy, "form-action", "it would apply to the redirects after a post")
		for _, tag := range []string{"style", "script"} {
			for _, m := range regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(p.body, -1) {
				sum := sha256.Sum256([]byte(m[1]))
				require.Contains(t, policy, tag+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", name)
			}
		}
		require.Equal(t, "nosniff", p.header.Get("X-Content-Type-Options"), name)
		require.Equal(t, "no-store", p.header.Get("Cache-Control"), name)
		require.Equal(t, "strict-origin", p.header.Get("Referrer-Policy"), name)
		require.Equal(t, "text/html; charset=utf-8", p.header.Get("Content-Type"), name)
	}
}

// The auto-post page works without scripts: there is a button.
func TestThePostPageHasAButton(t *testing.T) {
	t.Parallel()
	p := everyPage(t)["post"]
	require.Contains(t, p.body, `<form id="saml" method="post" action="https://id.contoso.com/sso">`)
	require.Contains(t, p.body, `<button type="submit">Continue</button>`)
}

// WCAG 2.2 success criterion 1.4.3: text has a contrast of 4.5 to 1.
func TestColoursHaveContrast(t *testing.T) {
	t.Parallel()
	body := everyPage(t)["application"].body
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(body, -1)
	require.Len(t, schemes, 2, "light and dark")
	for i, scheme := range schemes {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`).FindAllStringSubmatch(scheme[1], -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, pair := range [][2]string{
			{"ink", "ground"}, {"ink", "sheet"}, {"quiet", "sheet"}, {"accent", "sheet"}, {"on-accent", "accent"}, {"on-note", "note"},
		} {
			light, dark := max(colours[pair[0]], colours[pair[1]]), min(colours[pair[0]], colours[pair[1]])
			require.GreaterOrEqual(t, (light+0.05)/(dark+0.05), 4.5, "scheme %d: %v", i, pair)
		}
		light, dark := max(colours["line"], colours["sheet"]), min(colours["line"], colours["sheet"])
		require.GreaterOrEqual(t, (light+0.05)/(dark+0.05), 3.0, "scheme %d: the borders of controls", i)
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
