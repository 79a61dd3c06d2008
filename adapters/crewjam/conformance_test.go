package crewjam_test

import (
	"crypto/rsa"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/crewjam/saml"
	"github.com/crewjam/saml/samlidp"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/adapters/crewjam"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/provision"
)

// flaky is a SessionProvider that can be down.
type flaky struct {
	saml.SessionProvider
	mu   sync.Mutex
	down bool
}

func (f *flaky) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *flaky) isDown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

func (f *flaky) GetSession(w http.ResponseWriter, r *http.Request, req *saml.IdpAuthnRequest) *saml.Session {
	if f.isDown() {
		http.Error(w, "the database is down: dial tcp", http.StatusInternalServerError)
		return nil
	}
	return f.SessionProvider.GetSession(w, r, req)
}

var identity = sync.OnceValues(func() (*rsa.PrivateKey, *x509.Certificate) {
	key := certtest.RSA(2048)
	return key, certtest.SelfSigned(key, "the host", time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
})

// newServer is a samlidp server with one employee.
func newServer(t *testing.T, origin string, store samlidp.Store) *samlidp.Server {
	t.Helper()
	key, certificate := identity()
	address, err := url.Parse(origin)
	require.NoError(t, err)
	server, err := samlidp.New(samlidp.Options{
		URL: *address, Key: key, Certificate: certificate, Store: store, Logger: log.New(io.Discard, "", 0),
	})
	require.NoError(t, err)
	return server
}

func addUser(t *testing.T, store samlidp.Store, user samlidp.User, password string) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	user.HashedPassword = hash
	require.NoError(t, store.Put("/users/"+user.Name, user))
}

const password = "correct horse battery"

func employee() samlidp.User {
	return samlidp.User{
		Name: "employee", Email: "employee@example.net", CommonName: "An Employee", GivenName: "An", Surname: "Employee",
	}
}

// end is how a samlidp server would sign somebody out; it has no page for that.
func end(store samlidp.Store) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		cookie, err := r.Cookie("session")
		if err != nil {
			return nil
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Path: "/", MaxAge: -1})
		return store.Delete("/sessions/" + cookie.Value)
	}
}

func TestSamlidpKeepsTheRules(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
		store := &samlidp.MemoryStore{}
		sessions := &flaky{SessionProvider: newServer(t, "https://idp.example.net", store)}
		addUser(t, store, employee(), password)
		silent := employee()
		silent.Name, silent.Email = "silent", ""
		addUser(t, store, silent, password)
		authenticator := func(t *testing.T) adapters.Authenticator {
			server := newServer(t, "https://idp.example.net", store)
			server.IDP.SessionProvider = sessions
			host, err := crewjam.New(crewjam.Config{
				IdentityProvider: &server.IDP, Person: crewjam.PersonByUserName("staff"), End: end(store),
			})
			require.NoError(t, err)
			return host
		}
		return adaptertest.Host{
			Authenticator: authenticator(t),
			Person: adaptertest.Person{Name: "employee", Password: password, Is: provision.Person{
				Connection: "staff", ID: "employee", Email: "employee@example.net", DisplayName: "An Employee",
			}},
			WithoutEmail: &adaptertest.Person{Name: "silent", Password: password},
			SignIn:       adaptertest.Fields{Name: "user", Password: "password"}.SignIn,
			Fail: func(*testing.T) func() {
				sessions.setDown(true)
				return func() { sessions.setDown(false) }
			},
			Replica:  authenticator,
			RealTime: true, // crewjam/saml takes the time of day
			Lacks: map[adaptertest.Capability]string{
				adaptertest.SecondFactor:    "samlidp knows passwords only",
				adaptertest.Cancelling:      "the form of samlidp has no way out",
				adaptertest.LoginHints:      "the form of samlidp shows nobody",
				adaptertest.UpstreamLogout:  "there is no provider behind it",
				adaptertest.PeopleWithoutID: "everybody has a user name",
			},
		}
	})
}

func TestWhatIsMissingIsListed(t *testing.T) {
	t.Parallel()
	_, err := crewjam.New(crewjam.Config{})
	require.ErrorContains(t, err, "IdentityProvider is missing")
	require.ErrorContains(t, err, "Person is missing")
	_, err = crewjam.New(crewjam.Config{IdentityProvider: &saml.IdentityProvider{}})
	require.ErrorContains(t, err, "SessionProvider is missing")
}
