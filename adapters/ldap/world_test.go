package ldap_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

const (
	bridgeBase     = "https://id.contoso.com/entra"
	searcherDN     = "cn=search,dc=contoso,dc=com"
	searchPassword = "the search account's password"
	employeeDN     = "uid=employee,ou=people,dc=contoso,dc=com"
	employeeUUID   = "5d3c1c0e-0102-4304-8506-0708090a0b0c"
	password       = "correct horse battery"
)

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return certtest.RSA(2048) })

func searcher() entry { return entry{dn: searcherDN, password: searchPassword} }

func employee() entry {
	return entry{dn: employeeDN, password: password, attributes: map[string][]string{
		"objectClass": {
			"inetOrgPerson"}, "uid": {"employee"}, "mail": {"employee@example.net"}, "displayName": {"An Employee"},
		"givenName": {"An"}, "sn": {"Employee"}, "entryUUID": {employeeUUID},
	}}
}

const adDN = "CN=An Employee,OU=Staff,DC=contoso,DC=com"

func adEmployee() entry {
	return entry{dn: adDN, password: password, attributes: map[string][]string{
		"objectCategory": {"person"}, "objectClass": {"user"}, "sAMAccountName": {"employee"},
		"userPrincipalName": {"employee@contoso.com"}, "mail": {"an.employee@contoso.com"}, "displayName": {"An Employee"},
		"givenName": {"An"}, "sn": {"Employee"}, "userAccountControl": {"512"},
		"objectGUID": {"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff"},
	}}
}

// changed is the entry with other attributes: a name and a value each.
func (e entry) changed(pairs ...string) entry {
	for i := 0; i < len(pairs); i += 2 {
		if e.attributes[pairs[i]] = []string{pairs[i+1]}; pairs[i+1] == "" {
			delete(e.attributes, pairs[i])
		}
	}
	return e
}

// refused is the entry of somebody whose right password Active Directory does not take.
func (e entry) refused(data string) entry {
	e.refusal = data
	return e
}

func (s *scripted) config() ldap.Config {
	return ldap.Config{
		Kind: ldap.OpenLDAP, URLs: []string{"ldap://" + s.address}, TLS: &tls.Config{RootCAs: s.roots}, BindDN: searcherDN,
		BindPassword: searchPassword, BaseDN: "dc=contoso,dc=com", Connection: "directory", FailureTime: time.Millisecond,
	}
}

// world is a Bridge with the adapter, and a clock that stands still.
type world struct {
	*entratest.Clock
	t      *testing.T
	bridge *adapters.Bridge
	log    *bytes.Buffer
	host   *ldap.Authenticator

	got *adapters.SignedIn // what Authenticate returned last
	err error
}

func (w *world) Authenticate(rw http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	w.got, w.err = w.host.Authenticate(rw, r, ask)
	return w.got, w.err
}

func newWorld(t *testing.T, cfg ldap.Config, change ...func(*adapters.Config)) *world {
	t.Helper()
	w := &world{t: t, Clock: entratest.NewClock(testTime), log: &bytes.Buffer{}}
	cfg.Now, cfg.Logger = w.Now, slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	w.host, err = ldap.New(cfg)
	require.NoError(t, err)
	w.bridge = newBridge(t, w, w.Now, cfg.Logger, change...)
	return w
}

func newBridge(
	t *testing.T, host adapters.Authenticator, now func() time.Time, logger *slog.Logger, change ...func(*adapters.Config),
) *adapters.Bridge {
	t.Helper()
	certificate := certtest.SelfSigned(rsaKey(), "test", testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0))
	idp, err := saml.New(saml.Config{
		SingleSignOnService: bridgeBase + "/sso", Realms: []saml.Realm{{Domain: "contoso.com", Issuer: bridgeBase}},
		Signer: saml.Signer{Key: rsaKey(), Certificate: certificate}, Now: now,
	})
	require.NoError(t, err)
	cfg := adapters.Config{
		BaseURL: bridgeBase, IdentityProvider: idp, Authenticator: host, Domain: "contoso.com",
		Secret: bytes.Repeat([]byte{7}, 32),
		Now:    now, Logger: logger,
	}
	for _, c := range change {
		c(&cfg)
	}
	bridge, err := adapters.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bridge.Close(context.Background())) })
	return bridge
}

// toBridge leads a browser to the Bridge, and nowhere else.
type toBridge struct{ http.Handler }

func (b toBridge) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	if r.URL.Host == "id.contoso.com" {
		b.ServeHTTP(recorder, r)
	}
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}

// signIn types a name and a password into the form, and returns the status and the page that come.
func (w *world) signIn(name, typed string) (int, string) {
	w.t.Helper()
	return w.signInUntil(w.t.Context(), name, typed)
}

// signInUntil is signIn with a browser that leaves.
func (w *world) signInUntil(ctx context.Context, name, typed string) (int, string) {
	w.t.Helper()
	w.got, w.err = nil, nil
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	browser := &http.Client{Transport: toBridge{w.bridge}, Jar: jar}
	form, err := browser.Get(bridgeBase + "/start")
	require.NoError(w.t, err)
	require.Contains(w.t, form.Request.URL.Path, "/signin/")
	require.Nil(w.t, w.got)
	fields := url.Values{"username": {name}, "password": {typed}}.Encode()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, form.Request.URL.String(), strings.NewReader(fields))
	require.NoError(w.t, err)
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := browser.Do(post)
	require.NoError(w.t, err)
	var page bytes.Buffer
	_, err = page.ReadFrom(answer.Body)
	require.NoError(w.t, err)
	if strings.TrimSpace(typed) != "" {
		require.NotContains(w.t, w.log.String()+page.String(), typed)
	}
	require.NotContains(w.t, w.log.String(), searchPassword)
	return answer.StatusCode, page.String()
}

// requireRefused requires that nobody is signed in, with a status and a word in the log.
func (w *world) requireRefused(name, typed string, status int, why string) {
	w.t.Helper()
	got, page := w.signIn(name, typed)
	require.Nil(w.t, w.got)
	require.Equal(w.t, status, got, "%s\n%s\n%v", page, w.log, w.err)
	require.Contains(w.t, w.log.String(), why)
}

func (w *world) requireSignedIn(name, typed string) *adapters.SignedIn {
	w.t.Helper()
	_, page := w.signIn(name, typed)
	require.NotNil(w.t, w.got, "%s\n%s", page, w.log)
	return w.got
}
