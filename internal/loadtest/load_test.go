package loadtest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"html"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

const base = "https://id.contoso.com/entra"

// crowd is how many come at once, and how much of its usual limits the tenant allows.
type crowd struct {
	people, signIns int
	throttle        float64
}

// What a sign-in may cost in memory, in bytes: about twice of what was measured. The heap and the stacks are counted, of
// everybody: the Bridge, the pipeline, the tenant and the browsers.
const (
	maxUnderWay = 64 << 10 // for each sign-in, while all of them are under way
	maxLeft     = 96 << 10 // for each person when all is over; most of it is the tenant's
	maxInBridge = 4 << 10  // of that, what the Bridge keeps for a minute
)

func TestACrowdOfFirstSignIns(t *testing.T) {
	c := crowd{people: 1000, signIns: 10_000, throttle: 1}
	if testing.Short() {
		c = crowd{people: 60, signIns: 600, throttle: 1}
	}
	h := admit(t, c)
	require.Zero(t, h.retried.Load(), "nobody has to try again")
}

// A tenant whose limits other programs have used up serves everybody as well. It takes longer than the pipeline's budget,
// and people's pages try again.
func TestACrowdInFrontOfATenantThatIsBusy(t *testing.T) {
	c := crowd{people: 300, signIns: 1500, throttle: 0.1}
	if testing.Short() {
		c = crowd{people: 60, signIns: 300, throttle: 0.02}
	}
	h := admit(t, c)
	require.NotZero(t, h.retried.Load(), "the budget was outlasted")
}

// admit lets a crowd in.
func admit(t *testing.T, c crowd) (h *hall) {
	t.Helper()
	signer := newSigner()
	goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		h = newHall(t, c, signer)
		h.serve()
	})
	goleak.VerifyNone(t)
	return h
}

// hall is a Bridge, its pipeline, a tenant, and the crowd in front of it.
type hall struct {
	*testing.T
	crowd
	tenant *entratest.Tenant
	people *provision.Provisioner
	bridge *adapters.Bridge

	waited   atomic.Int64 // pages that showed the steps
	retried  atomic.Int64 // pages that asked to try again
	answered atomic.Int64
}

func newHall(t *testing.T, c crowd, signer saml.Signer) *hall {
	t.Helper()
	h := &hall{T: t, crowd: c}
	h.tenant = entratest.Start(t, entratest.Config{
		Seed: 1, Throttle: entratest.Throttle{Scale: c.throttle},
		SKUs: []entratest.SKU{{ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: "O365_BUSINESS_PREMIUM", Enabled: c.people}},
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer: base, SignInURL: base + "/sso", Certificates: []*x509.Certificate{signer.Certificate},
		}}},
	})
	directory, err := msgraph.New(msgraph.Config{Credential: h.tenant.Credential(), Transport: wire{h.tenant.Transport()}})
	require.NoError(t, err)
	h.people, err = provision.New(provision.Config{Directory: directory, Rules: provision.Rules{
		Domain: "contoso.com", UsageLocation: "DE", Licenses: []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}},
	}})
	require.NoError(t, err)
	idp, err := saml.New(saml.Config{
		SingleSignOnService: base + "/sso", Signer: signer, Realms: []saml.Realm{{Domain: "contoso.com", Issuer: base}},
	})
	require.NoError(t, err)
	h.bridge, err = adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: idp, People: h.people, Domain: "contoso.com", Secret: bytes.Repeat([]byte{7}, 32),
		Authenticator: adapters.AuthenticatorFunc(whoIsThere),
	})
	require.NoError(t, err)
	return h
}

// whoIsThere reads a cookie of the host.
func whoIsThere(_ http.ResponseWriter, r *http.Request, _ adapters.Ask) (*adapters.SignedIn, error) {
	session, err := r.Cookie("person")
	if err != nil {
		return nil, err
	}
	return &adapters.SignedIn{At: time.Now(), Person: provision.Person{
		Connection: "google", ID: session.Value, Email: "person" + session.Value + "@example.net",
	}}, nil
}

// serve lets everybody in at once, and looks at what is left when they have gone.
func (h *hall) serve() {
	before, began := memory(), time.Now()
	var browsers sync.WaitGroup
	for i := range h.signIns {
		browsers.Go(func() { h.signIn(i) })
	}
	synctest.Wait() // at the first moment, nobody can go on
	underWay := memory() - before
	browsers.Wait()
	took := time.Since(began)

	require.EqualValues(h, h.signIns, h.answered.Load(), "nobody is refused")
	require.Len(h, h.tenant.Users(), h.crowd.people, "everybody has one account")
	require.NoError(h, h.bridge.Close(context.Background()))
	require.NoError(h, h.people.Wait(context.Background()))
	left := memory() - before
	h.bridge = nil
	inBridge := left - (memory() - before)

	h.Logf("%d sign-ins of %d people took %s; the page with the steps was shown %d times, the one to try again %d times",
		h.signIns, h.crowd.people, took.Round(time.Second), h.waited.Load(), h.retried.Load())
	perSignIn, perPerson, kept := underWay/int64(h.signIns), left/int64(h.crowd.people), inBridge/int64(h.crowd.people)
	h.Logf("%d bytes for each sign-in under way; %d left for each person, %d of them in the Bridge", perSignIn, perPerson, kept)
	require.Less(h, perSignIn, int64(maxUnderWay))
	require.Less(h, perPerson, int64(maxLeft))
	require.Less(h, kept, int64(maxInBridge))
	runtime.KeepAlive(h)
}

// memory is what is in use after everything else was collected.
func memory() int64 {
	runtime.GC()
	runtime.GC() // what the first one only marked as over
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// signIn is one browser's: Entra's request, the page with the steps as long as it takes, and Entra's verdict.
func (h *hall) signIn(number int) {
	request, err := h.tenant.NewAuthnRequest("contoso.com")
	if err != nil {
		h.Error(err)
		return
	}
	b := &browser{bridge: h.bridge, cookies: map[string]string{"person": strconv.Itoa(number % h.crowd.people)}}
	address := b.post(request)
	for range 100 {
		page := b.get(address)
		switch response := field(page.Body.String(), "SAMLResponse"); {
		case response != "":
			h.judge(number, request, response, field(page.Body.String(), "RelayState"))
			return
		case strings.Contains(page.Body.String(), `id="steps"`):
			h.waited.Add(1)
			b.get(address + "/progress") // ends when the steps do
		case page.Code == http.StatusServiceUnavailable:
			h.retried.Add(1)
			time.Sleep(5 * time.Second)
			b.get(address + "?retry")
		default:
			h.Errorf("sign-in %d is refused: %d %s", number, page.Code, page.Body)
			return
		}
	}
	h.Errorf("sign-in %d comes to no end", number)
}

// judge asks Entra about the answer, for one sign-in of each person: it takes longer than all the rest.
func (h *hall) judge(number int, request entratest.AuthnRequest, response, relayState string) {
	if relayState != request.RelayState {
		h.Errorf("sign-in %d ends with the RelayState of another", number)
		return
	}
	if number < h.crowd.people {
		if err := h.tenant.CheckResponse(response, relayState).Err(); err != nil {
			h.Errorf("sign-in %d: %v", number, err)
			return
		}
	}
	h.answered.Add(1)
}

// browser keeps the cookies of one sign-in.
type browser struct {
	bridge  http.Handler
	cookies map[string]string
}

func (b *browser) post(request entratest.AuthnRequest) string {
	r := httptest.NewRequest(http.MethodPost, request.URL, strings.NewReader(request.Form().Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r).Header().Get("Location")
}

func (b *browser) get(address string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, address, nil))
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	recorder := httptest.NewRecorder()
	b.bridge.ServeHTTP(recorder, r)
	for _, cookie := range recorder.Result().Cookies() {
		b.cookies[cookie.Name] = cookie.Value
	}
	return recorder
}

// field is the value of a hidden field, or nothing.
func field(page, name string) string {
	_, rest, _ := strings.Cut(page, ` name="`+name+`" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(value)
}

// wire takes its time, as calls to Graph do.
type wire struct{ far http.RoundTripper }

func (l wire) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(50 * time.Millisecond):
		return l.far.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func newSigner() saml.Signer {
	key := certtest.RSA(2048)
	return saml.Signer{Key: key, Certificate: certtest.SelfSigned(key, "test",
		time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))}
}
