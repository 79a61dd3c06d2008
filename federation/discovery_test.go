package federation_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation"
)

// loginService is a sign-in service on this machine, and the cloud that it is of.
func loginService(t testing.TB, realm, legacy http.HandlerFunc) entrafed.Cloud {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /common/UserRealm/{upn}", realm)
	mux.HandleFunc("GET /GetUserRealm.srf", legacy)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	cloud := entrafed.Global()
	cloud.Login, cloud.InsecureLoopback = server.URL, true
	return cloud
}

func answering(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func answeringWith(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

func unexpected(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked for %s", r.URL)
		w.WriteHeader(http.StatusTeapot)
	}
}

const (
	federatedAnswer = `{"ver":"1.0","account_type":"Federated","domain_name":"contoso.com","federation_protocol":"SAMLP",` +
		`"federation_metadata_url":"https://id.contoso.com/mex","federation_active_auth_url":"https://id.contoso.com/ecp",` +
		`"cloud_instance_name":"microsoftonline.com","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`
	legacyAnswer = `{"State":3,"UserState":2,"Login":"nobody@contoso.com","NameSpaceType":"Federated","DomainName":"contoso.com",` +
		`"FederationBrandName":"Contoso","AuthURL":"https://id.contoso.com/sso?username=nobody%40contoso.com&x=1"}`
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		realm  http.HandlerFunc
		legacy http.HandlerFunc
		is     federation.Realm
	}{
		"a federated domain": {answering(federatedAnswer), answering(legacyAnswer), federation.Realm{
			Domain: "contoso.com", Type: federation.FederatedRealm, Protocol: federation.SAML, SignInURL: "https://id.contoso.com/sso",
			BrandName: "Contoso", ActiveSignInURL: "https://id.contoso.com/ecp", MetadataURL: "https://id.contoso.com/mex",
			CloudInstanceName: "microsoftonline.com", Audience: "urn:federation:MicrosoftOnline",
		}},
		"a federated domain of WS-Federation": {
			answering(`{"account_type":"federated","federation_protocol":"WSTrust"}`), answering(legacyAnswer), federation.Realm{
				Domain: "contoso.com", Type: federation.FederatedRealm, Protocol: federation.WSFed, SignInURL: "https://id.contoso.com/sso",
				BrandName: "Contoso",
			}},
		"a protocol that nobody knows": {
			answering(`{"account_type":"Federated","federation_protocol":"Other"}`), answeringWith(404),
			federation.Realm{Domain: "contoso.com", Type: federation.FederatedRealm}},
		"a federated domain whose details are not given": {answering(`{"account_type":"Federated"}`), answeringWith(400),
			federation.Realm{Domain: "contoso.com", Type: federation.FederatedRealm}},
		"two answers that contradict each other": {
			answering(`{"account_type":"Federated"}`), answering(`{"NameSpaceType":"Managed","AuthURL":"https://x"}`),
			federation.Realm{Domain: "contoso.com", Type: federation.FederatedRealm}},
		"a managed domain": {
			answering(`{"account_type":"Managed","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`), unexpected(t), federation.Realm{
				Domain: "contoso.com", Type: federation.ManagedRealm, Audience: "urn:federation:MicrosoftOnline",
			}},
		"an unknown domain": {answering(`{"account_type":"Unknown"}`), unexpected(t),
			federation.Realm{Domain: "contoso.com", Type: federation.UnknownRealm}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			discovery, err := federation.NewDiscovery(loginService(t, test.realm, test.legacy), nil)
			require.NoError(t, err)
			realm, err := discovery.Realm(t.Context(), "CONTOSO.com")
			require.NoError(t, err)
			require.Equal(t, test.is, realm)
		})
	}
}

func TestDiscoveryAsksForNobodyOfTheDomain(t *testing.T) {
	t.Parallel()
	var asked []string
	cloud := loginService(t,
		func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.RequestURI)
			require.Equal(t, "application/json", r.Header.Get("Accept"))
			_, _ = io.WriteString(w, federatedAnswer)
		},
		func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.RequestURI)
			_, _ = io.WriteString(w, legacyAnswer)
		})
	discovery, err := federation.NewDiscovery(cloud, nil)
	require.NoError(t, err)
	_, err = discovery.Realm(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.Equal(t, []string{
		"/common/UserRealm/nobody@contoso.com?api-version=1.0", "/GetUserRealm.srf?login=nobody%40contoso.com",
	}, asked)
}

func TestDiscoveryThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		realm, legacy http.HandlerFunc
		is            error
		says          string
	}{
		"throttled": {answeringWith(429, "Retry-After", "7", "x-ms-request-id", "r"), unexpected(t), federation.ErrThrottled,
			"GET /common/UserRealm/{upn}: 429 Too Many Requests (request-id r)"},
		"not there": {answeringWith(404), unexpected(t), federation.ErrNotFound, "GET /common/UserRealm/{upn}: 404 Not Found"},
		"failing":   {answeringWith(500), unexpected(t), federation.ErrUnavailable, "GET /common/UserRealm/{upn}: 500 Internal Server Error"},
		"failing at the second question": {answering(federatedAnswer), answeringWith(503), federation.ErrUnavailable,
			"GET /GetUserRealm.srf: 503 Service Unavailable"},
		"a redirect": {answeringWith(302, "Location", "/GetUserRealm.srf"), unexpected(t), nil,
			"GET /common/UserRealm/{upn}: 302 Found: it redirects to somewhere else, which is not followed"},
		"too long": {answering(`{"account_type":"` + strings.Repeat("x", 70_000) + `"}`), unexpected(t), nil,
			"federation: GET /common/UserRealm/{upn}: the answer has more than 65536 bytes"},
		"no JSON": {answering(`<html>`), unexpected(t), nil,
			"federation: GET /common/UserRealm/{upn}: the answer is not understood: invalid character '<' looking for beginning of value"},
		"JSON of another shape": {answering(`{"account_type":7}`), unexpected(t), nil, "the answer is not understood"},
		"no type":               {answering(`{}`), unexpected(t), nil, `federation: realm discovery says that contoso.com is "", which is not known`},
		"a type that nobody knows": {answering(`{"account_type":"New\u0007"}`), unexpected(t), nil,
			`federation: realm discovery says that contoso.com is "New\a", which is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			discovery, err := federation.NewDiscovery(loginService(t, test.realm, test.legacy), nil)
			require.NoError(t, err)
			_, err = discovery.Realm(t.Context(), "contoso.com")
			require.ErrorContains(t, err, test.says)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
		})
	}
}

func TestDiscoveryTellsHowLongToWait(t *testing.T) {
	t.Parallel()
	for header, wait := range map[string]time.Duration{
		"7": 7 * time.Second, "-7": 0, "soon": 0, "99999999": time.Hour, "99999999999999999999999": 0,
		"Mon, 02 Mar 2026 09:03:00 GMT": 3 * time.Minute, "Mon, 02 Mar 2026 08:59:00 GMT": 0, "Tue, 03 Mar 2026 09:00:00 GMT": time.Hour,
	} {
		throttled := answeringWith(429, "Retry-After", header, "Date", "Mon, 02 Mar 2026 09:00:00 GMT")
		discovery, err := federation.NewDiscovery(loginService(t, throttled, unexpected(t)), nil)
		require.NoError(t, err)
		_, err = discovery.Realm(t.Context(), "contoso.com")
		var answer *federation.DirectoryError
		require.ErrorAs(t, err, &answer)
		require.Equal(t, wait, answer.RetryAfter, header)
	}
}

func TestDiscoveryWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	cloud := loginService(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, unexpected(t))
	discovery, err := federation.NewDiscovery(cloud, nil)
	require.NoError(t, err)
	_, err = discovery.Realm(t.Context(), "contoso.com")
	require.ErrorIs(t, err, federation.ErrUnavailable)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = discovery.Realm(ctx, "contoso.com")
	require.ErrorIs(t, err, context.Canceled)
}

// Whatever is asked for, it stays one question for one domain.
func TestDiscoveryAsksForDomainsOnly(t *testing.T) {
	t.Parallel()
	discovery, err := federation.NewDiscovery(loginService(t, unexpected(t), unexpected(t)), nil)
	require.NoError(t, err)
	for _, name := range []string{
		"", "contoso", "../x.com", "contoso.com/x", "contoso.com?x=1", "contoso.com#x", "a@contoso.com", "contoso..com", ".contoso.com",
		"contoso.com.", "-contoso.com", "contoso.com\r\nX: y", "münchen.example.net", strings.Repeat("a", 64) + ".com",
		strings.Repeat("abcdefg.", 32) + "com", "contoso.com%2f",
	} {
		_, err := discovery.Realm(t.Context(), name)
		require.ErrorContains(t, err, "is not the name of a domain", name)
	}
}

func TestNewDiscovery(t *testing.T) {
	t.Parallel()
	plain := entrafed.Global()
	plain.Login = "http://127.0.0.1:1"
	_, err := federation.NewDiscovery(plain, nil)
	require.EqualError(t, err, `federation: the Login of the Cloud cannot be used: "http://127.0.0.1:1" must begin with https://`)
	elsewhere := plain
	elsewhere.Login, elsewhere.InsecureLoopback = "http://login.example.net", true
	_, err = federation.NewDiscovery(elsewhere, nil)
	require.ErrorContains(t, err, "must begin with https://")

	_, err = federation.NewDiscovery(entrafed.USGovernmentHigh(), nil)
	require.NoError(t, err, "the audience need not be known: realm discovery tells it")
	_, err = federation.NewDiscovery(entrafed.Cloud{}, nil)
	require.NoError(t, err, "the zero Cloud is the global one")
}

func TestDiscoveryWithAClientOfOnesOwn(t *testing.T) {
	t.Parallel()
	asked := 0
	own := &http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked++
			return &http.Response{
				StatusCode: http.StatusFound, Header: http.Header{"Location": {"https://evil.example.net/"}},
				Body: io.NopCloser(strings.NewReader("")), Request: r,
			}, nil
		}),
	}
	discovery, err := federation.NewDiscovery(entrafed.Global(), own)
	require.NoError(t, err)
	_, err = discovery.Realm(t.Context(), "contoso.com")
	require.ErrorContains(t, err, "302 Found")
	require.Equal(t, 1, asked, "no client follows a redirect")
	require.Nil(t, own.CheckRedirect, "the client given is left as it is")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzDiscovery: whatever the sign-in service answers, there is a realm of a known type or an error.
func FuzzDiscovery(f *testing.F) {
	f.Add([]byte(federatedAnswer), []byte(legacyAnswer))
	f.Add([]byte(`{"account_type":"Managed"}`), []byte(``))
	f.Add([]byte(`{"account_type":["Federated"]}`), []byte(`null`))
	f.Add([]byte(`{"account_type":"FEDERATED","federation_protocol":"Saml20"}`), []byte(`{"NameSpaceType":"federated","AuthURL":"?#?"}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		answers := [][]byte{first, second}
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if len(answers) == 0 {
				return nil, errors.New("asked too often")
			}
			body := answers[0]
			answers = answers[1:]
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
			}, nil
		})}
		discovery, err := federation.NewDiscovery(entrafed.Global(), client)
		require.NoError(t, err)
		realm, err := discovery.Realm(t.Context(), "contoso.com")
		if err != nil {
			return
		}
		require.Contains(t, []federation.RealmType{federation.FederatedRealm, federation.ManagedRealm, federation.UnknownRealm}, realm.Type)
		require.Equal(t, "contoso.com", realm.Domain)
		require.NotContains(t, realm.SignInURL, "?")
		if realm.Type != federation.FederatedRealm {
			require.Empty(t, realm.Protocol+federation.Protocol(realm.SignInURL))
		}
	})
}
