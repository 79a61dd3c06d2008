package browsertest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown is one of the bridge's pages: how to come there, and its heading in each language.
type shown struct {
	path     string // below the dress
	status   int
	headings map[string]string
	leaves   bool // by sending its form
}

func everyShownPage() map[string]shown {
	const scene, asked = "/start?login_hint=", "/ask?login_hint="
	return map[string]shown{
		"the form": {path: scene + "form", status: 200, headings: map[string]string{
			"en": "Sign in to go on to Microsoft 365", "de": "Melden Sie sich an, um mit Microsoft 365 fortzufahren",
			"fr": "Connectez-vous pour accéder à Microsoft 365"}},
		"the form again": {path: scene + "form-wrong", status: 422, headings: map[string]string{
			"en": "Sign in to go on to Microsoft 365", "de": "Melden Sie sich an, um mit Microsoft 365 fortzufahren",
			"fr": "Connectez-vous pour accéder à Microsoft 365"}},
		"the steps": {path: scene + "progress", status: 200, headings: map[string]string{
			"en": "Getting Microsoft 365 ready for you", "de": "Microsoft 365 wird für Sie vorbereitet",
			"fr": "Nous préparons Microsoft 365 pour vous"}},
		"longer than usual": {path: scene + "long", status: 503, headings: map[string]string{
			"en": "This takes longer than usual", "de": "Das dauert länger als üblich",
			"fr": "L’opération est plus longue que d’habitude"}},
		"too long": {path: scene + "late", status: 503, headings: map[string]string{
			"en": "This takes longer than usual", "de": "Das dauert länger als üblich",
			"fr": "L’opération est plus longue que d’habitude"}},
		"no licence": {path: scene + "no-licence", status: 403, headings: map[string]string{
			"en": "Your account could not be set up", "de": "Ihr Konto konnte nicht eingerichtet werden",
			"fr": "Votre compte n’a pas pu être configuré"}},
		"denied": {path: scene + "denied", status: 403, headings: map[string]string{
			"en": "You cannot sign in to Microsoft 365 here", "de": "Sie können sich hier nicht bei Microsoft 365 anmelden",
			"fr": "Vous ne pouvez pas vous connecter à Microsoft 365 ici"}},
		"the response": {path: asked + "signed-in", status: 200, leaves: true, headings: map[string]string{
			"en": "Taking you to Microsoft 365", "de": "Sie werden zu Microsoft 365 weitergeleitet",
			"fr": "Redirection vers Microsoft 365"}},
		"signed out": {path: "/logout", status: 200, headings: map[string]string{
			"en": "You are signed out", "de": "Sie sind abgemeldet", "fr": "Votre session est fermée"}},
		"a refused link": {path: "/go?to=https%3A%2F%2Fexample.net%2F", status: 400, headings: map[string]string{
			"en": "This link cannot be opened", "de": "Dieser Link lässt sich nicht öffnen",
			"fr": "Ce lien ne peut pas être ouvert"}},
	}
}

// Every page of the bridge, in every dress and language, keeps the rules that axe-core knows and those of the other tests.
func TestEveryDressIsForEverybody(t *testing.T) {
	t.Parallel()
	site := startShowcase(t)
	for name, s := range everyShownPage() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, dressed := range []struct{ dress, asked, language string }{
				{"plain", "en", "en"}, {"plain", "de-AT,de;q=0.8,en;q=0.5", "de"}, {"plain", "fr", "fr"},
				{"branded", "es,en;q=0.1", "en"}, {"branded", "de", "de"}, {"branded", "fr-CA", "fr"},
				{"layout", "de", "de"}, {"mirrored", "en", "ar"},
			} {
				heading := s.headings[dressed.language]
				if dressed.language == "ar" {
					heading = s.headings["en"] // the words of this dress
				}
				v := newVisitor(t)
				if s.leaves {
					v.sendsNoForms()
				}
				v.speaks(dressed.asked)
				v.opens(site.address(dressed.dress, s.path))
				v.comesTo(page{Heading: heading, Status: s.status, Plain: true})
				how := dressed.dress + " in " + dressed.language
				require.Equal(t, dressed.language, evaluate[string](v, `document.documentElement.lang`), how)
				if s.path[:3] != "/go" {
					require.Equal(t, dressed.dress == "mirrored", evaluate[string](v, `document.documentElement.dir`) == "rtl", how)
				}
				v.isToldTheNamesOfEverything()
				for _, scheme := range []string{"light", "dark"} {
					v.prefers(scheme)
					v.canReadEverything(how + ", " + scheme)
					v.meetsNoBarrier(how + ", " + scheme)
				}
				v.hasScreen(320, 568)
				v.scrollsDownOnly()
				v.meetsNoBarrier(how + ", on a small screen")
				assert.Equal(t, heading, evaluate[string](v, `document.querySelector("h1").textContent`), "it was this page all along")
			}
		})
	}
}

// The provisioning outlasts its budget: the page begins the next attempt by itself.
func TestAPageThatWaitsGoesOnByItself(t *testing.T) {
	t.Parallel()
	site := startShowcase(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t)
			if !scripts {
				v.runsNoScripts()
			}
			v.opens(site.scene("plain", "once"))
			v.comesTo(waitingPage)
			v.comesTo(stepsPage)
		})
	}
}

// The pictures of the documentation.
func TestPicturesOfTheDresses(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("no pictures are asked for: see -pictures")
	}
	site := startShowcase(t)
	const start, ask = "/start?login_hint=", "/ask?login_hint="
	for name, p := range map[string]struct{ dress, path, language, scheme string }{
		"progress":      {"plain", start + "progress", "en", "light"},
		"branded":       {"branded", start + "progress", "en", "light"},
		"german":        {"branded", start + "progress", "de", "light"},
		"dark":          {"branded", start + "progress", "en", "dark"},
		"sign-in":       {"branded", start + "form-wrong", "en", "light"},
		"sign-in-dark":  {"plain", start + "form", "fr", "dark"},
		"waiting":       {"branded", start + "waiting", "en", "light"},
		"failure":       {"plain", start + "no-licence", "de", "light"},
		"layout":        {"layout", start + "form", "de", "light"},
		"right-to-left": {"mirrored", start + "progress", "ar", "light"},
		"too-long":      {"branded", start + "late", "fr", "light"},
		"response":      {"branded", ask + "signed-in", "en", "light"},
		"response-dark": {"branded", ask + "signed-in", "de", "dark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t)
			v.sendsNoForms()
			v.speaks(p.language)
			v.prefers(p.scheme)
			v.opens(site.address(p.dress, p.path))
			v.waits("the page", func() bool {
				return evaluate[bool](v, `document.readyState === "complete" && document.querySelector("main h1") !== null`)
			})
			v.takesPictureOf("bridge", name)
		})
	}
}
