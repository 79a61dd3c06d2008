package adapters_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// upstream is a host whose people sign in at a provider that comes back to one address with a code.
func upstream(t *testing.T, kept string) func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
	return func(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
		if code := r.URL.Query().Get("code"); code != "" {
			require.Equal(t, "good", code)
			require.Equal(t, ask.Handle, r.URL.Query().Get("state"))
			require.Equal(t, kept, string(ask.Kept))
			return signedIn(), nil
		}
		require.NoError(t, ask.Keep(w, []byte(kept)))
		http.Redirect(w, r, "https://provider.example/?state="+ask.Handle+"&redirect_uri="+url.QueryEscape(ask.CallbackURL),
			http.StatusFound)
		return nil, nil
	}
}

func TestAProviderComesBackToOneAddress(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(b *browser, state string) *httptest.ResponseRecorder{
		"by GET": func(b *browser, state string) *httptest.ResponseRecorder {
			return b.get(base + "/callback?code=good&state=" + state)
		},
		"by POST": func(b *browser, state string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodPost, base+"/callback", strings.NewReader("code=good&state="+state))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return b.do(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.host = upstream(t, "nonce and verifier")
			b := w.browser()
			address := b.request("", "state", testTime)
			left := b.get(address)
			require.Equal(t, http.StatusFound, left.Code)
			handle := strings.TrimPrefix(address, base+"/signin/")

			led := back(b, handle)
			require.Equal(t, http.StatusSeeOther, led.Code)
			require.Equal(t, address+"?code=good&state="+handle, led.Header().Get("Location"))
			require.Equal(t, "no-store", led.Header().Get("Cache-Control"))
			requireAnswered(t, b.get(led.Header().Get("Location")), "state")
		})
	}
}

func TestACallbackThatIsRefused(t *testing.T) {
	t.Parallel()
	for rule, query := range map[string]string{
		"no state":                  "?code=good",
		"a state that is no handle": "?code=good&state=..%2F..%2Fgo",
		"more than any provider sends": "?state=" + strings.Repeat("0", 32) + "&code=" +
			strings.Repeat("x", 9<<10),
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			recorder := w.browser().get(base + "/callback" + query)
			require.Empty(t, recorder.Header().Get("Location"))
			w.requireFailure(recorder, http.StatusBadRequest, "This sign-in is over")
		})
	}
}

// A callback in another browser than the one that began the sign-in comes to nothing: the cookies are not there.
func TestACallbackInAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = upstream(t, "kept")
	b := w.browser()
	address := b.request("", "state", testTime)
	b.get(address)
	other := w.browser()
	led := other.get(base + "/callback?code=good&state=" + strings.TrimPrefix(address, base+"/signin/"))
	w.requireFailure(other.get(led.Header().Get("Location")), http.StatusBadRequest, "This sign-in is over")
}

func TestWhatIsKeptHasALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = func(rw http.ResponseWriter, _ *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
		return nil, ask.Keep(rw, make([]byte, 2049))
	}
	b := w.browser()
	w.requireFailure(b.get(b.request("", "", testTime)), http.StatusBadGateway, "You could not be signed in")
	require.Contains(t, w.log.String(), "2049 bytes are more than the 2048")
	require.ErrorContains(t, adapters.Ask{}.Keep(httptest.NewRecorder(), nil), "not a Bridge's")
	require.ErrorContains(t, adapters.Ask{}.ShowForm(httptest.NewRecorder(), adapters.Form{}), "not a Bridge's")
}

// typing is a host that shows the Bridge's form until the password is right.
func typing(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	typed, ok, err := adapters.ReadForm(w, r)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ask.ShowForm(w, adapters.Form{Username: ask.LoginHint})
	case typed != adapters.Credentials{Username: "ada", Password: "right"}:
		return nil, ask.ShowForm(w, adapters.Form{Username: typed.Username, Problem: adapters.FormWrong})
	}
	return signedIn(), nil
}

func post(address string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestTheFormIsShownUntilThePasswordIsRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = typing
	b := w.browser()
	address := b.request("", "state", testTime)
	shown := b.get(address)
	require.Equal(t, http.StatusOK, shown.Code)
	require.Contains(t, shown.Body.String(), `value="contractor@contoso.com"`)
	require.Contains(t, shown.Header().Get("Content-Security-Policy"), "form-action 'self'")

	wrong := b.do(post(address, url.Values{"username": {`"><script>`}, "password": {"wrong"}}))
	require.Equal(t, http.StatusUnprocessableEntity, wrong.Code)
	require.Contains(t, wrong.Body.String(), "The user name or the password is not right.")
	require.NotContains(t, wrong.Body.String(), `"><script>`)

	right := b.do(post(address, url.Values{"username": {"ada"}, "password": {"right"}}))
	require.Equal(t, http.StatusSeeOther, right.Code, "a page that is loaded again must not post again")
	require.Equal(t, address, right.Header().Get("Location"))
	requireAnswered(t, b.get(address), "state")
	require.NotContains(t, w.log.String(), "right\"")
}

func TestTheFormCanBeLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = typing
	b := w.browser()
	address := b.request("", "state", testTime)
	w.requireFailure(b.get(address+"?cancel"), http.StatusForbidden, "You cancelled the sign-in")
}

// A form that another site makes the browser send has no cookie of the sign-in.
func TestAFormFromElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = typing
	b := w.browser()
	address := b.request("", "state", testTime)
	recorder := w.browser().do(post(address, url.Values{"username": {"ada"}, "password": {"right"}}))
	w.requireFailure(recorder, http.StatusBadRequest, "This sign-in is over")
}

func TestFormsThatAreNotRead(t *testing.T) {
	t.Parallel()
	large := post(base, url.Values{"username": {strings.Repeat("x", 17<<10)}})
	_, ok, err := adapters.ReadForm(httptest.NewRecorder(), large)
	require.NoError(t, err)
	require.False(t, ok, "too large")
	_, ok, err = adapters.ReadForm(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, base+"?username=a&password=b", nil))
	require.NoError(t, err)
	require.False(t, ok, "a password in the address")
}

// knowing is a host that knows more of people than it states at sign-in.
type knowing struct {
	*world
	profile func(adapters.SignedIn) (provision.Person, error)
}

func (k *knowing) Profile(_ context.Context, s adapters.SignedIn) (provision.Person, error) {
	return k.profile(s)
}

func newKnowing(t *testing.T, profile func(adapters.SignedIn) (provision.Person, error)) *world {
	t.Helper()
	return newWorld(t, func(c *adapters.Config) { c.Authenticator = &knowing{c.Authenticator.(*world), profile} })
}

func TestTheWholeProfileIsProvisioned(t *testing.T) {
	t.Parallel()
	w := newKnowing(t, func(s adapters.SignedIn) (provision.Person, error) {
		p := s.Person
		p.DisplayName = "Ada"
		return p, nil
	})
	var provisioned provision.Person
	w.people = func(_ context.Context, p provision.Person, _ func(provision.Event)) (provision.Account, error) {
		provisioned = p
		return account, nil
	}
	b := w.browser()
	requireAnswered(t, b.get(b.request("", "", testTime)), "")
	require.Equal(t, "Ada", provisioned.DisplayName)
}

func TestAProfileThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		profile func(adapters.SignedIn) (provision.Person, error)
		status  int
		title   string
	}{
		"none": {
			func(adapters.SignedIn) (provision.Person, error) { return provision.Person{}, errors.New("down") },
			http.StatusBadGateway, "You could not be signed in",
		},
		"somebody else's": {
			func(adapters.SignedIn) (provision.Person, error) {
				return provision.Person{Connection: "google", ID: "105"}, nil
			},
			http.StatusBadGateway, "You could not be signed in",
		},
		"the person may not": {
			func(adapters.SignedIn) (provision.Person, error) { return provision.Person{}, adapters.ErrDenied },
			http.StatusForbidden, "You cannot sign in to Microsoft 365 here",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newKnowing(t, test.profile)
			w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
				t.Error("somebody was provisioned")
				return account, nil
			}
			b := w.browser()
			w.requireFailure(b.get(b.request("", "", testTime)), test.status, test.title)
		})
	}
}

// leaving is a host behind which there is a provider to sign out of.
type leaving struct {
	*ending
	target string
	err    error
	state  string
}

func (l *leaving) SignOutURL(_ *http.Request, _ saml.LogoutRequest, returnTo, state string) (string, error) {
	l.state = state
	return strings.ReplaceAll(l.target, "{back}", url.QueryEscape(returnTo)), l.err
}

func newLeaving(t *testing.T, target string, err error) (*world, *leaving) {
	t.Helper()
	host := &leaving{ending: &ending{}, target: target, err: err}
	w := newWorld(t, func(c *adapters.Config) {
		host.world = c.Authenticator.(*world)
		c.Authenticator = host
	})
	return w, host
}

func TestTheProviderBehindTheHostIsSignedOutOfFirst(t *testing.T) {
	t.Parallel()
	w, host := newLeaving(t, "https://provider.example/out?to={back}", nil)
	b := w.browser()
	led := b.do(logoutRequest())
	require.Equal(t, http.StatusSeeOther, led.Code)
	require.Equal(t, "https://provider.example/out?to="+url.QueryEscape(base+"/logout/done"), led.Header().Get("Location"))
	require.Len(t, host.ended, 1)

	back := b.get(base + "/logout/done?state=" + host.state)
	require.Equal(t, http.StatusOK, back.Code)
	require.Contains(t, back.Body.String(), "SAMLResponse", "Entra waits for an answer")

	again := b.get(base + "/logout/done?state=" + host.state)
	require.Contains(t, again.Body.String(), "You are signed out", "it is answered once")
}

func TestASignOutWithoutAWayBackStillEnds(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		target string
		err    error
	}{"nothing to end there": {}, "the provider is not known": {err: errors.New("down")}} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w, host := newLeaving(t, test.target, test.err)
			recorder := w.browser().do(logoutRequest())
			require.Contains(t, recorder.Body.String(), "SAMLResponse")
			require.Len(t, host.ended, 1)
		})
	}
	w, _ := newLeaving(t, "https://provider.example/", nil)
	require.Contains(t, w.browser().get(base+"/logout/done?state=forged").Body.String(), "You are signed out")
}

func logoutRequest() *http.Request {
	return post(base+"/logout", url.Values{
		"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(logoutDocument))}, "RelayState": {"state"},
	})
}

func TestARelayStateOfAnyLength(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x+/=", 8<<10)
	refused := newWorld(t)
	recorder := httptest.NewRecorder()
	refused.bridge.ServeHTTP(recorder, authnRequest("", long, testTime))
	refused.requireFailure(recorder, http.StatusInternalServerError, "Something went wrong here")
	require.Contains(t, refused.log.String(), "set Config.Pending")

	w := newWorld(t)
	store := adapters.NewMemoryPending(w.Now)
	w.cfg.Pending = store
	w.bridge = w.newBridge()
	b := w.browser()
	address := b.request("", long, testTime)
	w.bridge = w.newBridge() // the store is what the replicas share
	b.handler = w.bridge
	requireAnswered(t, b.get(address), long)

	address = b.request("", long, testTime)
	w.Advance(16 * time.Minute)
	w.requireFailure(b.get(address), http.StatusBadRequest, "This sign-in is over")
}

// What the host says of a person has the same limit as what Entra says, and is never cut.
func TestAPersonOfAnyLength(t *testing.T) {
	t.Parallel()
	host := func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		person := signedIn()
		person.Person.Claims = map[string]string{"groups": strings.Repeat("CN=Staff,OU=Groups,DC=contoso,DC=com\n", 400)}
		return person, nil
	}
	refused := newWorld(t)
	refused.host = host
	b := refused.browser()
	recorder := b.get(b.request("", "state", testTime))
	refused.requireFailure(recorder, http.StatusInternalServerError, "Something went wrong here")
	require.Contains(t, refused.log.String(), "set Config.Pending")
	require.Contains(t, refused.log.String(), "what the Authenticator says of the person")
	require.Empty(t, recorder.Result().Cookies(), "half a person")

	w := newWorld(t)
	w.cfg.Pending = adapters.NewMemoryPending(w.Now)
	w.bridge, w.host = w.newBridge(), host
	b = w.browser()
	requireAnswered(t, b.get(b.request("", "state", testTime)), "state")
}

func TestAMemoryPendingIsBounded(t *testing.T) {
	t.Parallel()
	now := testTime
	store := adapters.NewMemoryPending(func() time.Time { return now })
	put := func(keys ...int) {
		for _, key := range keys {
			require.NoError(t, store.Put(t.Context(), fmt.Sprint(key), fmt.Appendf(nil, "of %d", key), now.Add(time.Minute)))
		}
	}
	kept := func(key int) string {
		value, err := store.Get(t.Context(), fmt.Sprint(key))
		require.NoError(t, err)
		return string(value)
	}
	for key := range 1000 {
		put(key)
	}
	require.Equal(t, "of 0", kept(0))
	put(1000)
	require.Empty(t, kept(1), "nobody has used any for longer")
	for _, key := range []int{0, 2, 999, 1000} {
		require.Equal(t, fmt.Sprintf("of %d", key), kept(key))
	}
	now = now.Add(time.Minute)
	require.Empty(t, kept(0))
	put(1)
	require.Equal(t, "of 1", kept(1))
}

// Anybody can ask as Entra does. Whoever asks very often takes the room of those who are not heard of, and of nobody who is
// signing in or comes later.
func TestAStrangerWhoAsksOftenThrowsNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Pending = adapters.NewMemoryPending(w.Now)
	w.bridge = w.newBridge()
	w.host = func(rw http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
		if r.Method == http.MethodPost {
			return signedIn(), nil
		}
		return nil, ask.ShowForm(rw, adapters.Form{})
	}
	state := relayStateOf(20_000)
	askedOften := func() {
		for range 999 {
			recorder := httptest.NewRecorder()
			w.bridge.ServeHTTP(recorder, authnRequest("", state, testTime))
			require.Equal(t, http.StatusSeeOther, recorder.Code)
		}
	}
	signsIn := func(b *browser, address string) {
		require.Equal(t, http.StatusSeeOther, b.do(post(address, url.Values{})).Code)
		requireAnswered(t, b.get(address), state)
	}
	early, silent := w.browser(), w.browser()
	forgotten := silent.request("", state, testTime)
	address := early.request("", state, testTime)
	askedOften()
	require.Contains(t, early.get(address).Body.String(), "<form")
	askedOften()
	signsIn(early, address)
	late := w.browser()
	signsIn(late, late.request("", state, testTime))

	w.requireFailure(silent.get(forgotten), http.StatusBadRequest, "This sign-in is over")
	require.Contains(t, w.log.String(), "Config.Pending has it no more")
}
