package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/examples/internal/userfile"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// door is the host's own pages without a tenant, and with hashes that cost nothing.
type door struct {
	*host
	clock   *entratest.Clock
	log     bytes.Buffer
	handler http.Handler
}

const returnTo = testBaseURL + "/signin/0123456789abcdef0123456789abcdef"

func newDoor(t *testing.T) *door {
	d := &door{clock: newClock()}
	users := contractorWith(t, testPassword)
	r := realm{baseURL: testBaseURL, origin: "https://id.contoso.com", domain: "contoso.com"}
	d.host = newHost(settings{realm: r, users: users}, keep(t, d.clock.Now), d.clock.Now, newLog(&d.log))
	var err error
	d.handler, err = routes(r, d.host, http.NotFoundHandler())
	require.NoError(t, err)
	return d
}

// contractorWith are the users of which only the contractor is one, with this password.
func contractorWith(t *testing.T, password string) *userfile.Users {
	hash, err := userfile.NewHash(password, 1)
	require.NoError(t, err)
	person := provision.Person{Connection: "people", ID: "104"}
	return userfile.New([]userfile.User{{Login: "contractor", Password: hash, Person: person}}, 1)
}

func (d *door) do(r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, r)
	return recorder.Result()
}

func (d *door) get(path string) *http.Response {
	return d.do(httptest.NewRequest(http.MethodGet, "https://id.contoso.com"+path, nil))
}

// post is what a browser sends from the form.
func post(login, password, to string) *http.Request {
	fields := url.Values{"login": {login}, "password": {password}, "to": {to}}
	r := httptest.NewRequest(http.MethodPost, "https://id.contoso.com/login", strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "https://id.contoso.com")
	return r
}

func bodyOf(t *testing.T, answer *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(body)
}

func TestTheRightPasswordLeadsBackToTheBridge(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	answer := d.do(post(" Contractor", testPassword, returnTo))
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Equal(t, returnTo, answer.Header.Get("Location"))
	require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	require.Len(t, answer.Cookies(), 1)
	require.NotContains(t, d.log.String(), testPassword)
}

func TestASignInWithoutAWayBackLeadsToMicrosoft365(t *testing.T) {
	t.Parallel()
	answer := newDoor(t).do(post("contractor", testPassword, ""))
	require.Equal(t, testBaseURL+"/go", answer.Header.Get("Location"))
}

func TestAWrongPasswordShowsTheFormAgain(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	var pages []string
	for _, login := range []string{"contractor", "stranger99"} {
		answer := d.do(post(login, "wrong password", returnTo))
		require.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode)
		require.Empty(t, answer.Cookies())
		body := bodyOf(t, answer)
		require.Contains(t, body, `<p id="error" class="error" role="alert">The sign-in name or the password is wrong.`)
		require.Contains(t, body, `<title>Error: Sign in to contoso.com</title>`)
		require.Equal(t, 2, strings.Count(body, `aria-invalid="true" aria-describedby="error"`))
		require.Contains(t, body, `value="`+login+`"`)
		require.Contains(t, body, `value="`+returnTo+`"`)
		require.NotContains(t, body, "wrong password\"")
		pages = append(pages, strings.ReplaceAll(body, login, ""))
	}
	require.Equal(t, pages[0], pages[1], "the page does not tell whether the login exists")
	require.Contains(t, d.log.String(), "login=contractor")
	require.NotContains(t, d.log.String(), "stranger99", "it may be a password in the wrong field")
}

func TestAnIncompleteFormSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for name, test := range map[string]struct {
		login, password, says string
		marked                int
	}{
		"everything": {"", "", "Enter your sign-in name and your password.", 2},
		"the name":   {" ", "x", "Enter your sign-in name.", 1},
		"password":   {"contractor", "", "Enter your password.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			answer := d.do(post(test.login, test.password, returnTo))
			require.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode)
			body := bodyOf(t, answer)
			require.Contains(t, body, test.says)
			require.Equal(t, test.marked, strings.Count(body, "aria-invalid"+`="true"`))
		})
	}
	require.Empty(t, d.attempts.byLogin, "nothing was tried")
}

func TestPasswordsCannotBeGuessedWithoutEnd(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for range loginBurst {
		require.Equal(t, http.StatusUnprocessableEntity, d.do(post("contractor", "wrong", returnTo)).StatusCode)
	}
	answer := d.do(post("CONTRACTOR", testPassword, returnTo))
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode, "even the right password must wait")
	require.Equal(t, "60", answer.Header.Get("Retry-After"))
	require.Contains(t, bodyOf(t, answer), "There were too many attempts. Please wait 1 minute and try again.")

	d.clock.Advance(time.Minute)
	require.Equal(t, http.StatusSeeOther, d.do(post("contractor", testPassword, returnTo)).StatusCode)
}

func TestWhoKnowsThePasswordMaySignInAsOftenAsTheyLike(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for range 2 * loginBurst {
		require.Equal(t, http.StatusSeeOther, d.do(post("contractor", testPassword, returnTo)).StatusCode)
	}
}

func TestAVeryLongPasswordIsNobodys(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	long := strings.Repeat("a", userfile.MaxPasswordBytes+1)
	d.users = contractorWith(t, long)
	require.Equal(t, http.StatusUnprocessableEntity, d.do(post("contractor", long, returnTo)).StatusCode)
}

func TestTooManyAtOnceAreAskedToComeAgain(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for range cap(d.hashing.near) {
		d.hashing.near <- struct{}{}
	}
	answer := d.do(post("contractor", testPassword, returnTo))
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.Equal(t, "5", answer.Header.Get("Retry-After"))
	require.Contains(t, bodyOf(t, answer), "Please try again in 5 seconds.")
}

func TestABrowserIsSentNowhereElse(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for _, to := range []string{
		"https://www.example.org/", "//www.example.org/entra/signin/a", "https://id.contoso.com.example.org/entra/signin/a",
		"https://id.contoso.com@www.example.org/entra/signin/a", "http://id.contoso.com/entra/signin/a", "/entra/signin/a",
		testBaseURL, testBaseURL + "/", testBaseURL + "/signin", testBaseURL + "/signin/", testBaseURL + "/go",
		testBaseURL + "/go?to=https://www.example.org/", testBaseURL + "/signin/../go", testBaseURL + "/signin/a/../../b",
		testBaseURL + "/signin/a?retry", testBaseURL + "/signin/a#b", testBaseURL + "/signin/a%2e",
		testBaseURL + "/signin/a\n",
		testBaseURL + "/signin/a\r\nSet-Cookie: a=b", testBaseURL + "/signin/" + strings.Repeat("a", 65),
		`\\www.example.org`, "javascript:alert(1)", " " + returnTo, strings.ToUpper(returnTo),
	} {
		for _, answer := range []*http.Response{
			d.get("/login?" + url.Values{"to": {to}}.Encode()), d.do(post("contractor", testPassword, to)),
		} {
			require.Equal(t, http.StatusBadRequest, answer.StatusCode, to)
			require.Empty(t, answer.Header.Get("Location"), to)
			require.Empty(t, answer.Cookies(), to)
			require.NotContains(t, bodyOf(t, answer), "example.org", to)
		}
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		site, origin string
		status       int
	}{
		"another site":                   {"cross-site", "https://www.example.org", http.StatusForbidden},
		"a neighbour of the same domain": {"same-site", "https://www.contoso.com", http.StatusForbidden},
		"an old browser, another site":   {"", "https://www.example.org", http.StatusForbidden},
		"an old browser, no origin told": {"", "null", http.StatusForbidden},
		"an old browser, this site":      {"", "https://id.contoso.com", http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			r := post("contractor", testPassword, returnTo)
			r.Header.Set("Sec-Fetch-Site", test.site)
			r.Header.Set("Origin", test.origin)
			answer := d.do(r)
			require.Equal(t, test.status, answer.StatusCode)
			require.Equal(t, test.status == http.StatusSeeOther, len(answer.Cookies()) > 0)
		})
	}
}

func TestAProxyMayChangeTheHostHeader(t *testing.T) {
	t.Parallel()
	r := post("contractor", testPassword, returnTo)
	r.Host = "127.0.0.1:8080"
	r.Header.Del("Sec-Fetch-Site")
	require.Equal(t, http.StatusSeeOther, newDoor(t).do(r).StatusCode)
}

func TestAFormThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	long := post("contractor", strings.Repeat("a", maxForm), returnTo)
	require.Equal(t, http.StatusBadRequest, d.do(long).StatusCode, "it is larger than a form")
	plain := post("contractor", testPassword, returnTo)
	plain.Header.Set("Content-Type", "text/plain")
	require.Equal(t, http.StatusUnprocessableEntity, d.do(plain).StatusCode, "its fields are not looked at")
	query := httptest.NewRequest(http.MethodPost, "https://id.contoso.com/login?login=contractor&password="+
		url.QueryEscape(testPassword), nil)
	require.Equal(t, http.StatusUnprocessableEntity, d.do(query).StatusCode, "a password in the address is not taken")
}

func TestTheFormIsMadeForEverybody(t *testing.T) {
	t.Parallel()
	answer := newDoor(t).get("/login?" + url.Values{"to": {returnTo}, "login_hint": {`a"><script>b`}}.Encode())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	body := bodyOf(t, answer)
	wellFormed(t, body)
	require.Contains(t, body, `<html lang="en">`)
	require.Contains(t, body, `name="viewport" content="width=device-width, initial-scale=1"`)
	require.Contains(t, body, `<label for="login">`)
	require.Contains(t, body, `<label for="password">`)
	require.Contains(t, body, `autocomplete="username"`)
	require.Contains(t, body, `autocomplete="current-password"`)
	require.Contains(t, body, "prefers-color-scheme:dark")
	require.Equal(t, 1, strings.Count(body, "<button"), "there is one thing to do")
	require.NotContains(t, body, "<script")
	require.NotContains(t, body, `role="alert"`, "nothing is wrong yet")
	require.NotContains(t, body, " style=")

	_, style, _ := strings.Cut(body, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))

	header := answer.Header
	require.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Equal(t, "DENY", header.Get("X-Frame-Options"))
	require.Equal(t, "same-origin", header.Get("Referrer-Policy"))
	require.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; form-action https:; base-uri 'none'; frame-ancestors 'none'", header.Get("Content-Security-Policy"))
}

// wellFormed reads a page as XML, which all pages here are on purpose.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(strings.Replace(page, " required", ` required=""`, 2)))
	decoder.Strict = false
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func TestOtherPagesSayOneThingAndLeadOn(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for path, status := range map[string]int{
		"/nowhere": http.StatusNotFound, "/login?to=x": http.StatusBadRequest,
	} {
		answer := d.get(path)
		require.Equal(t, status, answer.StatusCode, path)
		body := bodyOf(t, answer)
		wellFormed(t, body)
		require.Contains(t, body, `<a class="button" href="`+testBaseURL+`/go">`, path)
		require.NotEmpty(t, answer.Header.Get("Content-Security-Policy"))
	}
	start := d.get("/")
	require.Equal(t, http.StatusSeeOther, start.StatusCode)
	require.Equal(t, testBaseURL+"/go", start.Header.Get("Location"))
	health := d.get("/healthz")
	require.Equal(t, http.StatusOK, health.StatusCode)
	require.Equal(t, "ok", bodyOf(t, health))
}

func TestASignOutEndsTheSessionOfThisBrowser(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	cookie, other := signedIn(t, d.sessions, "contractor"), signedIn(t, d.sessions, "contractor")
	answer := d.get("/logout")
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Equal(t, testBaseURL+"/logout", answer.Header.Get("Location"))

	require.NoError(t, d.EndSession(httptest.NewRecorder(), requestWith(cookie), saml.LogoutRequest{}))
	require.False(t, known(t, d.sessions, cookie))
	require.True(t, known(t, d.sessions, other))
}

func TestTheAuthenticatorStatesWhatIsTrue(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	began := d.clock.Now()
	cookie := signedIn(t, d.sessions, "contractor")
	d.clock.Advance(time.Minute)
	ask := adapters.Ask{ReturnTo: returnTo, Asked: d.clock.Now()}

	t.Run("a session is stated with its time, and without a second factor", func(t *testing.T) {
		ask := ask
		ask.MFA = true
		found, err := d.Authenticate(httptest.NewRecorder(), requestWith(cookie), ask)
		require.NoError(t, err)
		require.Equal(t, "104", found.Person.ID)
		require.True(t, began.Equal(found.At))
		require.False(t, found.MFA)
		require.NotEmpty(t, found.Session)
	})
	t.Run("a fresh sign-in needs the password again", func(t *testing.T) {
		ask := ask
		ask.Fresh = true
		recorder := httptest.NewRecorder()
		found, err := d.Authenticate(recorder, requestWith(cookie), ask)
		require.NoError(t, err)
		require.Nil(t, found)
		require.Equal(t, http.StatusSeeOther, recorder.Code)

		again := d.do(post("contractor", testPassword, returnTo)).Cookies()[0]
		found, err = d.Authenticate(httptest.NewRecorder(), requestWith(again), ask)
		require.NoError(t, err)
		require.True(t, ask.Asked.Equal(found.At))
	})
	t.Run("nobody is sent to the form, which knows whom Entra expects", func(t *testing.T) {
		ask := ask
		ask.LoginHint = "contractor@contoso.com"
		recorder := httptest.NewRecorder()
		found, err := d.Authenticate(recorder, requestWith(), ask)
		require.NoError(t, err)
		require.Nil(t, found)
		require.Equal(t, "https://id.contoso.com/login?login_hint=contractor%40contoso.com&to="+url.QueryEscape(returnTo),
			recorder.Header().Get("Location"))
	})
	t.Run("a hint that is only the domain is not a name", func(t *testing.T) {
		ask := ask
		ask.LoginHint = "Contoso.com"
		recorder := httptest.NewRecorder()
		_, err := d.Authenticate(recorder, requestWith(), ask)
		require.NoError(t, err)
		require.NotContains(t, recorder.Header().Get("Location"), "login_hint")
	})
	t.Run("a passive request is denied where somebody would have to act", func(t *testing.T) {
		ask := ask
		ask.Passive = true
		_, err := d.Authenticate(httptest.NewRecorder(), requestWith(), ask)
		require.ErrorIs(t, err, adapters.ErrDenied)
		ask.Fresh = true
		_, err = d.Authenticate(httptest.NewRecorder(), requestWith(cookie), ask)
		require.ErrorIs(t, err, adapters.ErrDenied)
		ask.Fresh = false
		found, err := d.Authenticate(httptest.NewRecorder(), requestWith(cookie), ask)
		require.NoError(t, err)
		require.NotNil(t, found)
	})
}

func TestAStreamEndsWhenTheProgramStops(t *testing.T) {
	t.Parallel()
	stopping, stop := context.WithCancel(context.Background())
	handler := endingStreams(stopping, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop()
		if r.Header.Get("Accept") == "text/event-stream" {
			<-r.Context().Done()
			return
		}
		require.NoError(t, r.Context().Err(), "a page is finished")
		w.WriteHeader(http.StatusNoContent)
	}))
	stream := httptest.NewRequest(http.MethodGet, testBaseURL, nil)
	stream.Header.Set("Accept", "text/event-stream")
	handler.ServeHTTP(httptest.NewRecorder(), stream)

	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, testBaseURL, nil))
	require.Equal(t, http.StatusNoContent, recorder.Code)
}

func TestAWaitIsSaidInWords(t *testing.T) {
	t.Parallel()
	for wait, words := range map[time.Duration]string{
		1: "1 second", time.Second: "1 second", 1500 * time.Millisecond: "2 seconds", 59 * time.Second: "59 seconds",
		59500 * time.Millisecond: "1 minute", time.Minute: "1 minute", 61 * time.Second: "2 minutes",
	} {
		require.Equal(t, words, inWords(wait), wait)
	}
}
