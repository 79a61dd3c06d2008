package adapters_test

import (
	"encoding/base64"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
)

const (
	svgLogo = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><circle r="1"/></svg>`
	pngLogo = "\x89PNG\r\n\x1a\n and so on"
)

// dressed is a Bridge with a brand.
func dressed(t *testing.T, brand adapters.Brand) *world {
	t.Helper()
	return newWorld(t, func(c *adapters.Config) { c.Brand = brand })
}

// policyOf returns the directives of the page's Content-Security-Policy.
func policyOf(recorder *httptest.ResponseRecorder) map[string]string {
	directives := map[string]string{}
	for directive := range strings.SplitSeq(recorder.Header().Get("Content-Security-Policy"), "; ") {
		name, sources, _ := strings.Cut(directive, " ")
		directives[name] = sources
	}
	return directives
}

func TestAPageBearsTheBrand(t *testing.T) {
	t.Parallel()
	w := dressed(t, adapters.Brand{
		Name:       "Contoso & Sons",
		Logo:       adapters.Logo{MediaType: "image/svg+xml", Content: []byte(svgLogo)},
		DarkLogo:   adapters.Logo{MediaType: "image/png", Content: []byte(pngLogo), Alt: "unused"},
		Light:      adapters.Colors{Accent: "#7a1f5c"},
		Font:       `"Segoe UI", sans-serif`,
		Stylesheet: "h1{color:var(--entrafed-accent)}",
	})
	recorder := w.browser().get(base + "/nothing")
	page := recorder.Body.String()
	require.Contains(t, page, "<title>This page does not exist – Contoso &amp; Sons</title>")
	require.Contains(t, page, `<img src="data:image/svg&#43;xml;base64,`+escaped(svgLogo)+`" alt="Contoso &amp; Sons" />`)
	require.Contains(t, page, `<source srcset="data:image/png;base64,`+escaped(pngLogo)+`" media="(prefers-color-scheme:dark)" />`)
	require.NotContains(t, page, "alert(1)", "an SVG is a picture, and no part of the page")
	require.Contains(t, page, "--entrafed-accent:#7a1f5c;")
	require.Contains(t, page, `--entrafed-font:"Segoe UI", sans-serif`)
	require.Contains(t, page, "h1{color:var(--entrafed-accent)}")
	require.Equal(t, "data:", policyOf(recorder)["img-src"])
	require.Equal(t, "'none'", policyOf(recorder)["script-src"])
}

// escaped is a picture as an attribute has it.
func escaped(content string) string {
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(content)), "+", "&#43;")
}

func TestAPageWithoutABrandIsPlain(t *testing.T) {
	t.Parallel()
	recorder := newWorld(t).browser().get(base + "/nothing")
	require.NotContains(t, recorder.Body.String(), "<img")
	require.NotContains(t, recorder.Body.String(), `class="brand"`)
	require.Contains(t, recorder.Body.String(), "<title>This page does not exist</title>")
	require.Equal(t, "'none'", policyOf(recorder)["img-src"])
}

func TestANameStandsWhereThereIsNoLogo(t *testing.T) {
	t.Parallel()
	page := dressed(t, adapters.Brand{Name: "Contoso"}).browser().get(base + "/nothing").Body.String()
	require.Contains(t, page, `<div class="brand">Contoso</div>`)
}

func TestLightOnlyKnowsNothingDark(t *testing.T) {
	t.Parallel()
	logo := adapters.Logo{MediaType: "image/png", Content: []byte(pngLogo)}
	page := dressed(t, adapters.Brand{Name: "Contoso", Logo: logo, DarkLogo: logo, LightOnly: true}).
		browser().get(base + "/nothing").Body.String()
	require.NotContains(t, page, "prefers-color-scheme")
	require.Contains(t, page, `<meta name="color-scheme" content="light" />`)
}

// Engines that know no CSS variables show the pages in the light colours all the same.
func TestEveryVariableHasAFallback(t *testing.T) {
	t.Parallel()
	page := dressed(t, adapters.Brand{Light: adapters.Colors{Accent: "#7a1f5c"}}).browser().get(base + "/nothing").Body.String()
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)[1]
	used := 0
	for _, rule := range regexp.MustCompile(`\{([^{}]*)\}`).FindAllStringSubmatch(style, -1) {
		before := ""
		for declaration := range strings.SplitSeq(rule[1], ";") {
			property, value, _ := strings.Cut(declaration, ":")
			if strings.Contains(value, "var(") {
				used++
				require.True(t, strings.HasPrefix(before, property+":"), "%s has no fallback", declaration)
				require.NotContains(t, before, "var(")
			}
			before = declaration
		}
	}
	require.GreaterOrEqual(t, used, 20)
	require.Contains(t, style, "a{color:#7a1f5c;color:var(--entrafed-accent)}")
	for _, modern := range []string{":has(", "grid", "@layer", "@container", "clamp(", "min(", "inset", "gap:", ":focus-visible", ":is("} {
		require.NotContains(t, style, modern)
	}
}

func TestABrandThatIsRefused(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		brand adapters.Brand
		want  string
	}{
		"a name that is too long":         {adapters.Brand{Name: strings.Repeat("x", 101)}, "Brand.Name"},
		"a name of two lines":             {adapters.Brand{Name: "a\nb"}, "Brand.Name"},
		"a logo of no kind":               {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/gif", Content: []byte("GIF89a")}}, "use image/png"},
		"a logo that is something else":   {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/png", Content: []byte(svgLogo)}}, "begins otherwise"},
		"a JPEG that is none":             {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/jpeg", Content: []byte(pngLogo)}}, "begins otherwise"},
		"an SVG that is HTML":             {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/svg+xml", Content: []byte("<html/>")}}, "namespace"},
		"an SVG that is broken":           {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/svg+xml", Content: []byte(svgLogo[:40])}}, "is not"},
		"an SVG that is empty":            {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/svg+xml", Content: []byte(" ")}}, "no svg element"},
		"a media type that breaks out":    {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: `image/png"><script>`, Content: []byte(pngLogo)}}, "use image/png"},
		"a logo without its file":         {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/png"}}, "no Content"},
		"a logo that is too large":        {adapters.Brand{Name: "C", Logo: adapters.Logo{MediaType: "image/png", Content: make([]byte, 48<<10+1)}}, "more than 49152"},
		"a logo that says nothing":        {adapters.Brand{Logo: adapters.Logo{MediaType: "image/png", Content: []byte(pngLogo)}}, "needs Alt or Brand.Name"},
		"only a dark logo":                {adapters.Brand{Name: "C", DarkLogo: adapters.Logo{MediaType: "image/png", Content: []byte(pngLogo)}}, "Logo is not"},
		"a colour by name":                {adapters.Brand{Light: adapters.Colors{Accent: "red"}}, "Light.Accent"},
		"a colour that breaks out":        {adapters.Brand{Dark: adapters.Colors{Text: "#fff}body{display:none"}}, "Dark.Text"},
		"a text that cannot be read":      {adapters.Brand{Light: adapters.Colors{Text: "#999"}}, "Light.Text #999 on"},
		"a link that cannot be told":      {adapters.Brand{Light: adapters.Colors{Accent: "#7fb2ff"}}, "contrast of"},
		"a button that cannot be read":    {adapters.Brand{Dark: adapters.Colors{OnAccent: "#ffffff"}}, "Dark.OnAccent"},
		"a field that cannot be seen":     {adapters.Brand{Light: adapters.Colors{Border: "#dddddd"}}, "Light.Border"},
		"a font that breaks out":          {adapters.Brand{Font: "x}body{display:none"}, "Brand.Font"},
		"a font that loads":               {adapters.Brand{Font: "url(https://example.net)"}, "Brand.Font"},
		"a style that breaks out":         {adapters.Brand{Stylesheet: "</sTyle><script>"}, "Stylesheet contains </"},
		"a style that loads a style":      {adapters.Brand{Stylesheet: `@import "x.css";`}, "Stylesheet loads"},
		"a style that loads a picture":    {adapters.Brand{Stylesheet: `a{background:url( 'https://example.net/x.png')}`}, "Stylesheet loads"},
		"a style that loads from here":    {adapters.Brand{Stylesheet: `a{background:URL(img/x.png)}`}, "Stylesheet loads"},
		"a style that is too long":        {adapters.Brand{Stylesheet: strings.Repeat("a", 64<<10+1)}, "more than 65536"},
		"a style that is no text":         {adapters.Brand{Stylesheet: "\xff"}, "not UTF-8"},
		"no language at all":              {adapters.Brand{Languages: []adapters.Language{}}, "Languages is empty"},
		"one language twice":              {adapters.Brand{Languages: []adapters.Language{adapters.English(), {Tag: "EN"}}}, `has "EN" twice`},
		"a layout without anything of us": {adapters.Brand{Layout: layout("<p>")}, "{{.Content}} must be there once"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cfg := newWorld(t).cfg
			cfg.Brand = test.brand
			_, err := adapters.New(cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestNewListsAllThatIsWrongWithTheBrand(t *testing.T) {
	t.Parallel()
	_, err := adapters.New(adapters.Config{Brand: adapters.Brand{
		Name: "\n", Font: "{", Light: adapters.Colors{Text: "black"}, Stylesheet: "</", Languages: []adapters.Language{{Tag: "x"}},
	}})
	for _, part := range []string{"Brand.Name", "Brand.Font", "Brand.Light.Text", "Brand.Stylesheet", "Brand.Languages", "Authenticator is missing"} {
		require.ErrorContains(t, err, part)
	}
}
