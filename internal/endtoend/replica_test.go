package endtoend_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// fleet is several processes in front of one tenant, in virtual time. They share a store, and nothing else but their
// configuration.
type fleet struct {
	t       *testing.T
	tenant  *entratest.Tenant
	store   *provision.MemoryStore
	bridges []*adapters.Bridge
}

func inFleet(t *testing.T, size int, test func(f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(testTime))
		f := &fleet{t: t, store: provision.NewMemoryStore()}
		f.tenant = entratest.Start(t, entratest.Config{Seed: 1, Domains: federated()})
		for range size {
			f.bridges = append(f.bridges, f.process())
		}
		test(f)
		for _, b := range f.bridges {
			require.NoError(t, b.Close(context.Background()))
		}
	})
}

// process is one more of them.
func (f *fleet) process() *adapters.Bridge {
	f.t.Helper()
	directory, err := msgraph.New(msgraph.Config{Credential: f.tenant.Credential(), Transport: f.tenant.Transport()})
	require.NoError(f.t, err)
	people, err := provision.New(provision.Config{
		Directory: directory, Store: f.store,
		Rules: provision.Rules{Domain: "contoso.com", UsageLocation: "US", Licenses: []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}}},
	})
	require.NoError(f.t, err)
	bridge, err := adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: newIdentityProvider(f.t, nil), People: people, Domain: "contoso.com",
		Secret: bytes.Repeat([]byte{7}, 32),
		Authenticator: adapters.AuthenticatorFunc(func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
			return &adapters.SignedIn{
				Person: provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"}, At: time.Now(),
			}, nil
		}),
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(f.t, err)
	return bridge
}

// ask makes Entra ask in a new browser.
func (f *fleet) ask() (*browser, entratest.AuthnRequest, string) {
	f.t.Helper()
	request, err := f.tenant.NewAuthnRequest("contoso.com")
	require.NoError(f.t, err)
	b := newBrowser(f.t, f.bridges[0])
	led := b.post(request.URL, request.Form())
	require.Equal(f.t, http.StatusSeeOther, led.Code, led.Body.String())
	return b, request, led.Header().Get("Location")
}

// requireAccepted requires that Entra takes the answer.
func (f *fleet) requireAccepted(recorder *httptest.ResponseRecorder, request entratest.AuthnRequest) {
	f.t.Helper()
	page := recorder.Body.String()
	require.NoError(f.t, f.tenant.CheckResponse(formField(page, "SAMLResponse"), formField(page, "RelayState")).Err(), page)
	require.Equal(f.t, request.RelayState, formField(page, "RelayState"))
}

// requireOneAccount requires that one account was made, in one attempt.
func (f *fleet) requireOneAccount() {
	f.t.Helper()
	require.Len(f.t, f.tenant.Users(), 1)
	created := 0
	for _, call := range f.tenant.GraphCalls() {
		if call.Method == http.MethodPost && strings.HasSuffix(call.Path, "/users") {
			created++
		}
	}
	require.Equal(f.t, 1, created, "nobody tried a second time")
}

func TestAnotherReplicaShowsTheStepsAndAnswers(t *testing.T) {
	t.Parallel()
	inFleet(t, 2, func(f *fleet) {
		b, request, address := f.ask()
		require.Contains(t, b.get(address).Body.String(), "Getting Microsoft 365 ready")

		b.handler = f.bridges[1]
		stream := b.get(address + "/progress")
		require.Contains(t, stream.Body.String(), "event: end\n", "the second process does the same work, and sees its end")
		f.requireAccepted(b.get(address), request)
		f.requireOneAccount()
	})
}

func TestReplicasThatTakeTurnsMakeOneAccount(t *testing.T) {
	t.Parallel()
	inFleet(t, 3, func(f *fleet) {
		var browsers sync.WaitGroup
		for first := range 12 {
			b, request, address := f.ask()
			browsers.Go(func() {
				for turn := first; ; turn++ { // a page without scripts, loaded again and again
					b.handler = f.bridges[turn%len(f.bridges)]
					answer := b.get(address)
					if !strings.Contains(answer.Body.String(), "Getting Microsoft 365 ready") {
						f.requireAccepted(answer, request)
						return
					}
					time.Sleep(2 * time.Second)
				}
			})
		}
		browsers.Wait()
		f.requireOneAccount()
	})
}

func TestARestartWhileAnAccountIsMade(t *testing.T) {
	t.Parallel()
	inFleet(t, 1, func(f *fleet) {
		b, request, address := f.ask()
		require.Contains(t, b.get(address).Body.String(), "Getting Microsoft 365 ready")
		time.Sleep(3 * time.Second)
		require.NoError(t, f.bridges[0].Close(context.Background()))

		f.bridges = append(f.bridges, f.process())
		b.handler = f.bridges[1]
		b.get(address + "/progress")
		f.requireAccepted(b.get(address), request)
		f.requireOneAccount()
	})
}

// A stream ends with the Bridge, so that a server can shut down.
func TestCloseEndsTheStreams(t *testing.T) {
	t.Parallel()
	inFleet(t, 1, func(f *fleet) {
		b, _, address := f.ask()
		require.Contains(t, b.get(address).Body.String(), "Getting Microsoft 365 ready")
		ended := make(chan string)
		go func() { ended <- b.get(address + "/progress").Body.String() }()
		synctest.Wait()
		require.NoError(t, f.bridges[0].Close(context.Background()))
		require.Contains(t, <-ended, "event: end\n")
		require.Equal(t, http.StatusServiceUnavailable, b.get(address+"/progress").Code)
	})
}
