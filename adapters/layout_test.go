package adapters_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
)

func layout(text string) *template.Template {
	return template.Must(template.New("layout").Parse(text))
}

const goodLayout = `<!DOCTYPE html>
<html lang="{{.Language}}"{{if .RightToLeft}} dir="rtl"{{end}}>
<head>{{.Head}}<style>footer{color:#333}</style></head>
<body class="{{.Kind}}">{{.Notice}}<header>{{.Header}}</header>{{.Content}}<footer>{{.Name}}</footer>` +
	"<script>\r\nvar year = 2026;\r\n</script></body></html>"

func TestTheHostsLayoutGoesAroundThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) {
		c.Brand = adapters.Brand{Name: "Contoso", Layout: layout(goodLayout)}
		c.Notice = "A test & nothing else"
	})
	recorder := w.browser().get(base + "/nothing")
	page := recorder.Body.String()
	for _, part := range []string{
		`<body class="failure">A test &amp; nothing else`, `<header><div class="brand">Contoso</div></header>`,
		"<h1>This page does not exist</h1>", "<footer>Contoso</footer>", `<html lang="en">`,
	} {
		require.Contains(t, page, part)
	}
	policy := policyOf(recorder)
	require.Contains(t, policy["style-src"], hash("footer{color:#333}"))
	require.Equal(t, hash("\nvar year = 2026;\n"), policy["script-src"], "browsers see single newlines")
	require.Equal(t, "'none'", policy["img-src"])
}

func hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestANoticeMayHaveAnySigns(t *testing.T) {
	t.Parallel()
	newWorld(t, func(c *adapters.Config) { c.Notice = `A "test" + nothing's <else>` })
}

// Each mistake is told once, although every page has it.
func TestAMistakeOfALayoutIsToldOnce(t *testing.T) {
	t.Parallel()
	cfg := newWorld(t).cfg
	cfg.Brand.Layout = layout(strings.Replace(goodLayout, "{{.Head}}", "", 1))
	_, err := adapters.New(cfg)
	require.Equal(t, 1, strings.Count(err.Error(), "{{.Head}}"), err)
}

func TestALayoutMayShowPictures(t *testing.T) {
	t.Parallel()
	with := strings.Replace(goodLayout, "<footer>", `<img src="data:image/png;base64,AAAA" alt="" /><footer>`, 1)
	recorder := dressed(t, adapters.Brand{Layout: layout(with)}).browser().get(base + "/nothing")
	require.Equal(t, "data:", policyOf(recorder)["img-src"])
}

// What the browser would not load, run or show is told when the Bridge is made, and not missed on the page.
func TestALayoutThatIsRefused(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ old, new, want string }{
		"without the head":              {"{{.Head}}", "", "{{.Head}} must be there once"},
		"with the head twice":           {"{{.Head}}", "{{.Head}}{{.Head}}", "{{.Head}} must be there once"},
		"without the content":           {"{{.Content}}", "", "{{.Content}} must be there once"},
		"without the content on a page": {"{{.Content}}", `{{if ne .Kind "waiting"}}{{.Content}}{{end}}`, `page "waiting"`},
		"without the notice":            {"{{.Notice}}", "", "{{.Notice}} must be there"},
		"without a document type":       {"<!DOCTYPE html>", "", "<!DOCTYPE html>"},
		"in one language":               {`lang="{{.Language}}"`, `lang="en"`, `page "progress" in "de"`},
		"from left to right only":       {`{{if .RightToLeft}} dir="rtl"{{end}}`, "", `page "progress" in "ar"`},
		"with a script from elsewhere":  {"<footer>", `<script src="https://example.net/x.js"></script><footer>`, "only data: images"},
		"with a style from elsewhere":   {"<footer>", `<link rel="stylesheet" href="/site.css"><footer>`, "loads something"},
		"with a picture from elsewhere": {"<footer>", `<img src="/logo.png" alt=""><footer>`, "only data: images"},
		"with a frame":                  {"<footer>", `<iframe src="/x"></iframe><footer>`, "loads something"},
		"with a base":                   {"<footer>", `<base href="/x/"><footer>`, "loads something"},
		"with a style attribute":        {"<footer>", `<footer style="color:red">`, "an attribute that does not work here"},
		"with a script attribute":       {"<footer>", `<footer onclick="go()">`, "an attribute that does not work here"},
		"with a style that loads":       {"color:#333", "background:url(https://example.net/)", "a style loads something"},
		"with a script that changes":    {"var year = 2026;", "var title = {{.Title}};", "changes with what the page says"},
		"that fails":                    {"{{.Name}}", "{{.Nonsense}}", "Nonsense"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, goodLayout, test.old)
			mirrored := adapters.English()
			mirrored.Tag, mirrored.RightToLeft = "ar", true
			cfg := newWorld(t).cfg
			cfg.Notice = "A test"
			cfg.Brand = adapters.Brand{
				Name: "Contoso", Layout: layout(strings.Replace(goodLayout, test.old, test.new, 1)),
				Languages: []adapters.Language{adapters.English(), adapters.German(), mirrored},
			}
			_, err := adapters.New(cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// A layout cannot make the pages weaker: what it brings is allowed by its hash, and nothing else is.
func TestALayoutChangesNothingElseOfThePolicy(t *testing.T) {
	t.Parallel()
	plain := policyOf(newWorld(t).browser().get(base + "/nothing"))
	own := policyOf(dressed(t, adapters.Brand{Layout: layout(goodLayout)}).browser().get(base + "/nothing"))
	for name, sources := range plain {
		if name != "style-src" && name != "script-src" {
			require.Equal(t, sources, own[name], name)
		}
	}
	require.Len(t, own, len(plain))
}
