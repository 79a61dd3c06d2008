package adapters_test

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/saml"
)

// The pages in the host's own dress: its name, its colour, and its own frame around the content.
func ExampleBrand() {
	frame := template.Must(template.New("frame").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}"{{if .RightToLeft}} dir="rtl"{{end}}>
<head>{{.Head}}</head>
<body>
{{.Notice}}
<header>{{.Header}}</header>
{{.Content}}
<footer>{{.Name}}, service desk: extension 4711</footer>
</body>
</html>`))
	bridge, err := adapters.New(exampleConfig(adapters.Brand{
		Name:   "Contoso",
		Light:  adapters.Colors{Accent: "#7a1f5c"},
		Dark:   adapters.Colors{Accent: "#f0a6d2"},
		Layout: frame,
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer bridge.Close(context.Background())

	page := openIn("en", bridge, "/logout")
	fmt.Println(between(page, "<header>", "</header>"))
	fmt.Println(between(page, "<h1>", "</h1>"))
	fmt.Println(between(page, "<footer>", "</footer>"))
	// Output:
	// <div class="brand">Contoso</div>
	// You are signed out
	// Contoso, service desk: extension 4711
}

// A colour that not everybody can read is found when the Bridge is made.
func ExampleColors() {
	_, err := adapters.New(exampleConfig(adapters.Brand{Light: adapters.Colors{Accent: "#ff9900"}}))
	for line := range strings.Lines(err.Error()) {
		fmt.Print(line)
	}
	// Output:
	// adapters: Brand.Light.Accent #ff9900 on Background #f3f5f8 has a contrast of 1.96: not everybody can read it, it must be 4.5 at least
	// adapters: Brand.Light.Accent #ff9900 on Surface #ffffff has a contrast of 2.14: not everybody can read it, it must be 4.5 at least
	// adapters: Brand.Light.OnAccent #ffffff on Accent #ff9900 has a contrast of 2.14: not everybody can read it, it must be 4.5 at least
}

// exampleConfig is a Bridge's configuration with a brand.
func exampleConfig(brand adapters.Brand) adapters.Config {
	idp, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"}},
		Signer:              testSigner(),
		Now:                 func() time.Time { return testTime },
	})
	if err != nil {
		log.Fatal(err)
	}
	return adapters.Config{
		BaseURL:          "https://id.contoso.com/entra",
		IdentityProvider: idp,
		Authenticator:    adapters.AuthenticatorFunc(whoIsThere),
		Domain:           "contoso.com",
		Secret:           bytes.Repeat([]byte{1}, 32),
		Brand:            brand,
	}
}

// openIn opens one of the Bridge's pages with a browser that prefers a language.
func openIn(language string, bridge http.Handler, path string) string {
	r := httptest.NewRequest(http.MethodGet, "https://id.contoso.com/entra"+path, nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	bridge.ServeHTTP(w, r)
	return w.Body.String()
}

func between(page, before, after string) string {
	_, rest, _ := strings.Cut(page, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
