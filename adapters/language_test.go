package adapters_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

func builtIn() map[string]adapters.Language {
	return map[string]adapters.Language{"en": adapters.English(), "de": adapters.German(), "fr": adapters.French()}
}

func TestTheBuiltInLanguagesSayEverything(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(adapters.Messages()), 50)
	for tag, l := range builtIn() {
		require.Equal(t, tag, l.Tag)
		require.NoError(t, l.Check())
		require.Equal(t, adapters.Messages(), slices.Sorted(maps.Keys(l.Words)), "%s is complete by itself", tag)
		if tag == "en" {
			continue
		}
		for m, text := range l.Words {
			require.NotEqual(t, m.English(), text, "%s: %q is still English", tag, m)
		}
	}
}

// The templates and the language name the same messages.
func TestEveryMessageIsShownSomewhere(t *testing.T) {
	t.Parallel()
	var sources strings.Builder
	for _, name := range []string{"page.html", "failure.go", "begin.go", "response.go", "bridge.go", "form.go", "logout.go", "progress.go", "waiting.go"} {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		sources.Write(content)
	}
	constants, err := os.ReadFile("message.go")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile(`Say "([a-z.-]+)"`).FindAllStringSubmatch(sources.String(), -1) {
		require.Contains(t, adapters.Messages(), adapters.Message(found[1]))
	}
	for _, found := range regexp.MustCompile(`(msg\w+)\s+Message = "([a-z.-]+)"`).FindAllStringSubmatch(string(constants), -1) {
		if strings.HasPrefix(found[2], "step.") || strings.HasPrefix(found[2], "state.") {
			continue // by the names of steps and states
		}
		require.Regexp(t, `\b`+found[1]+`\b|"`+regexp.QuoteMeta(found[2])+`"`, sources.String(), "%s is never shown", found[2])
	}
}

func TestAFailureIsSaidInTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	for rule, err := range map[string]error{
		"account.details": provision.ErrInvalidPerson, "account.no-licence": provision.ErrNoLicense,
		"account.retired": provision.ErrRetired, "account.not-allowed": provision.ErrRefused, "account.other": provision.ErrConflict,
	} {
		for tag, l := range builtIn() {
			t.Run(rule+" "+tag, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
					return provision.Account{}, stopped(err)
				}
				b := w.browser()
				page := b.getIn(tag, b.request("", "", testTime)).Body.String()
				require.Contains(t, page, `<html lang="`+tag+`">`)
				require.Contains(t, page, `<p role="alert">`+l.Words[adapters.Message(rule)]+`</p>`)
				require.Contains(t, page, "<h1>"+l.Words["account.title"]+"</h1>")
				if tag == "en" {
					var stop *provision.Error
					require.True(t, errors.As(stopped(err), &stop))
					require.Contains(t, page, stop.Public(), "the pipeline's own words")
				}
			})
		}
	}
}

// getIn asks for a language.
func (b *browser) getIn(accept, address string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Header.Set("Accept-Language", accept)
	return b.do(r)
}

func TestTheStepsAreSaidInTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	german := adapters.German()
	german.Words["step.badge"] = "Ihren Ausweis drucken"
	w := newWorld(t, func(c *adapters.Config) {
		c.Patience = time.Nanosecond
		c.Brand.Languages = []adapters.Language{adapters.English(), german}
	})
	next := make(chan provision.Event)
	defer close(next)
	w.people = slowly(next)
	b := w.browser()
	address := b.request("", "", testTime)
	b.get(address)
	next <- event(provision.StepCreate, provision.Done, "Creating your account")
	next <- event("badge", provision.Done, "Printing your badge")
	next <- event("keys", provision.Started, "Finding your keys")
	var page string
	require.Eventually(t, func() bool {
		page = b.getIn("de", address).Body.String()
		return strings.Contains(page, "Finding your keys")
	}, 10*time.Second, time.Millisecond)
	require.Contains(t, page, `<li class="done">Ihr Konto anlegen<span class="hidden"> (erledigt)</span></li>`)
	require.Contains(t, page, `<li class="done">Ihren Ausweis drucken`, "the host's own step, in the host's catalogue")
	require.Contains(t, page, `<li class="doing">Finding your keys`, "a step that no catalogue has keeps its words")
	require.Contains(t, page, `data-doing="läuft" data-done="erledigt" data-failed="fehlgeschlagen"`, "the script's words")

	english := b.get(address).Body.String()
	require.Contains(t, english, `<li class="done">Creating your account`)
	require.Contains(t, english, `<li class="done">Printing your badge`)
}

func TestTheFormIsInTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = typing
	b := w.browser()
	address := b.request("", "", testTime)
	recorder := b.getIn("fr-CH, en;q=0.5", address)
	require.Contains(t, recorder.Body.String(), "Mot de passe")
	require.Equal(t, "fr", recorder.Header().Get("Content-Language"))
	require.Equal(t, "Accept-Language", recorder.Header().Get("Vary"))
}

func TestARefusedLinkIsExplainedInTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	page := newWorld(t).browser().getIn("de", base+"/go?to=https%3A%2F%2Fexample.net%2F").Body.String()
	require.Contains(t, page, `<html lang="de"`)
	require.Contains(t, page, "Dieser Link lässt sich nicht öffnen")
}

func TestAHostsCatalogue(t *testing.T) {
	t.Parallel()
	var words adapters.Catalogue
	require.NoError(t, json.Unmarshal([]byte(`{"sign-in.username": "Staff number"}`), &words))
	w := dressed(t, adapters.Brand{Languages: []adapters.Language{{Tag: "en", Words: words}}})
	w.host = typing
	b := w.browser()
	page := b.get(b.request("", "", testTime)).Body.String()
	require.Contains(t, page, "Staff number", "the host's word")
	require.Contains(t, page, "Password", "and the rest of the language")
}

func TestALanguageThatIsRefused(t *testing.T) {
	t.Parallel()
	complete := func(change func(adapters.Catalogue)) adapters.Language {
		l := adapters.English()
		l.Tag = "it"
		change(l.Words)
		return l
	}
	for rule, test := range map[string]struct {
		language adapters.Language
		want     string
	}{
		"no tag":              {adapters.Language{}, `Tag "" is not`},
		"a tag that is none":  {adapters.Language{Tag: `en"><script>`}, "is not a language tag"},
		"a text is missing":   {complete(func(c adapters.Catalogue) { delete(c, "sign-in.password") }), `"sign-in.password" is missing; in English it is "Password"`},
		"a text is unknown":   {complete(func(c adapters.Catalogue) { c["sing-in.password"] = "Parola" }), `"sing-in.password" is no message`},
		"a text is empty":     {complete(func(c adapters.Catalogue) { c["state.done"] = " " }), `"state.done" is empty`},
		"a text is too long":  {complete(func(c adapters.Catalogue) { c["state.done"] = strings.Repeat("x", 1001) }), "more than 1000"},
		"a text has lines":    {complete(func(c adapters.Catalogue) { c["state.done"] = "a\nb" }), "control character"},
		"a number is dropped": {complete(func(c adapters.Catalogue) { c["waiting.seconds"] = "presto" }), "{seconds}"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, test.language.Check(), test.want)
			cfg := newWorld(t).cfg
			cfg.Brand.Languages = []adapters.Language{test.language}
			_, err := adapters.New(cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
	require.NoError(t, complete(func(c adapters.Catalogue) { c["step.badge"] = "Stampa del badge" }).Check(), "a step of the host's own")
}

// speaking is a Bridge whose languages have these tags.
func speaking(t *testing.T, tags ...string) *world {
	t.Helper()
	var languages []adapters.Language
	for _, tag := range tags {
		l := adapters.English()
		l.Tag = tag
		languages = append(languages, l)
	}
	return dressed(t, adapters.Brand{Languages: languages})
}

func TestTheBrowserChoosesTheLanguage(t *testing.T) {
	t.Parallel()
	w := speaking(t, "en", "de", "fr", "pt-BR", "zh-Hant")
	for accept, want := range map[string]string{
		"":                                "en",
		"de":                              "de",
		"DE-at":                           "de",
		"es":                              "en",
		"es, fr;q=0.5, de;q=0.6":          "de",
		"fr;q=0.5,de;q=0.50":              "fr",
		"de;q=0, *":                       "en",
		"en;q=0, *;q=0.1":                 "de",
		"en;q=0":                          "en", // something must be shown
		"pt":                              "pt-BR",
		"pt-PT":                           "en",
		"zh-Hant-TW":                      "zh-Hant",
		"zh-Hant-x-private":               "zh-Hant",
		"*":                               "en",
		"de;q=1.001, fr;q=0.1":            "fr",
		"de;q=-1, fr":                     "fr",
		"de;level=1, fr;q=0.1":            "fr",
		"de;q=0.1234, fr;q=0.1":           "fr",
		" \tde ; q=0.9 , fr;Q=1":          "fr",
		",,,de,":                          "de",
		"d€, fr":                          "fr",
		strings.Repeat("xx,", 31) + "de":  "de",
		strings.Repeat("xx,", 32) + "de":  "en", // beyond what is read
		strings.Repeat("x", 2000) + ",de": "en",
	} {
		recorder := w.browser().getIn(accept, base+"/nothing")
		require.Equal(t, want, recorder.Header().Get("Content-Language"), "%.40q", accept)
		require.Contains(t, recorder.Body.String(), fmt.Sprintf("<html lang=%q>", want))
	}
}

func FuzzAcceptLanguage(f *testing.F) {
	for _, seed := range []string{"", "de", "de-AT;q=0.5, *;q=0", "a-b-c-d;q=1.000", ";q=", "*-*", strings.Repeat("de,", 500)} {
		f.Add(seed)
	}
	bridge, err := adapters.New(exampleConfig(adapters.Brand{Languages: []adapters.Language{adapters.English(), adapters.German()}}))
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, bridge.Close(context.Background())) })
	f.Fuzz(func(t *testing.T, accept string) {
		b := &browser{t, bridge, newJar(t)}
		got := b.getIn(accept, base+"/nothing").Header().Get("Content-Language")
		if !strings.Contains(strings.ToLower(accept), "de") && !strings.Contains(accept, "*") {
			require.Equal(t, "en", got, "nobody asked for German")
		}
		require.Contains(t, []string{"en", "de"}, got)
	})
}

func TestARightToLeftLanguage(t *testing.T) {
	t.Parallel()
	l := adapters.English()
	l.Tag, l.RightToLeft = "ar", true
	page := dressed(t, adapters.Brand{Languages: []adapters.Language{l}}).browser().get(base + "/nothing").Body.String()
	require.Contains(t, page, `<html lang="ar" dir="rtl">`)
}

func TestARuleThatRefusesHasWordsOfTheHosts(t *testing.T) {
	t.Parallel()
	words := adapters.Catalogue{"refusal.partners": "Partners use the other portal."}
	for rule, want := range map[string]string{
		"partners": words["refusal.partners"], "unheard-of": adapters.Message("account.not-allowed").English(),
		"": adapters.Message("account.not-allowed").English(),
	} {
		t.Run("the message "+rule, func(t *testing.T) {
			t.Parallel()
			w := dressed(t, adapters.Brand{Languages: []adapters.Language{{Tag: "en", Words: words}}})
			w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
				return provision.Account{}, stopped(&provision.RefusedError{Rule: "internal name", Reason: "secret", Message: rule})
			}
			b := w.browser()
			page := b.getIn("en", b.request("", "", testTime)).Body.String()
			require.Contains(t, page, want)
			require.NotContains(t, page, "internal name")
			require.NotContains(t, page, "secret")
		})
	}
}
