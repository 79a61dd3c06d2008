package oidc_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/oidcprovidertest"
	"github.com/entrafed/entrafed/provision"
)

// conformanceClient is registered for every Bridge that the suite makes.
func conformanceClient() oidcprovidertest.Client {
	client := oidcprovidertest.Client{ID: clientID, Secret: clientSecret, RequireTime: true}
	for _, base := range adaptertest.BaseURLs() {
		client.RedirectURIs = append(client.RedirectURIs, base+"/callback")
		client.SignedOut = append(client.SignedOut, base+"/logout/done")
	}
	return client
}

var silent = oidcprovidertest.Person{Name: "silent", Password: "battery staple", Claims: map[string]any{"sub": "105"}}

// adapterPerson is realEmployee, as the suite knows them.
var adapterPerson = adaptertest.Person{
	Name: realEmployee.Name, Password: realEmployee.Password, Code: realEmployee.Code,
	Is: provision.Person{Connection: "login", ID: "104", Email: "employee@example.net", GivenName: "An", Surname: "Employee"},
}

func conformancePeople() []oidcprovidertest.Person {
	return []oidcprovidertest.Person{realEmployee, silent}
}

// providerForm is the provider's.
var providerForm = adaptertest.Fields{Name: "username", Password: "password", Code: "code"}

// breakable is a way to the provider that can be cut.
type breakable struct {
	next http.RoundTripper
	cut  atomic.Bool
}

func (b *breakable) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.cut.Load() {
		return nil, errors.New("the line is cut")
	}
	return b.next.RoundTrip(r)
}

// runConformance runs the suite with people who sign in at the real provider.
func runConformance(t *testing.T, provider *oidcprovidertest.Provider) {
	adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
		way := &breakable{next: env.Transport}
		authenticator := func(t *testing.T) *oidc.Authenticator {
			cfg := realConfig(provider, env.Logger, env.Now)
			cfg.HTTPClient = &http.Client{Transport: way}
			cfg.LazyDiscovery = true
			made, err := oidc.New(t.Context(), cfg)
			require.NoError(t, err)
			return made
		}
		return adaptertest.Host{
			Authenticator: authenticator(t),
			Person:        adapterPerson,
			WithoutEmail:  &adaptertest.Person{Name: silent.Name, Password: silent.Password},
			SignIn:        providerForm.SignIn,
			Cancel:        func(page entratest.Page) (entratest.Action, error) { return page.Click("Cancel") },
			SignOut: func(page entratest.Page) (entratest.Action, error) {
				return page.Submit("", nil)
			},
			Hint: providerForm.Hint,
			Fail: func(*testing.T) func() {
				way.cut.Store(true)
				return func() { way.cut.Store(false) }
			},
			Replica:  func(t *testing.T) adapters.Authenticator { return authenticator(t) },
			Secrets:  []string{clientSecret},
			RealTime: true,
			Lacks: map[adaptertest.Capability]string{
				adaptertest.PeopleWithoutID: "an ID token without a sub is no ID token, and is refused",
			},
		}
	})
}
