package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/userfile"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

// world is a tenant, and the files and the environment of a program that serves it.
type world struct {
	t       *testing.T
	dir     string
	env     map[string]string
	clock   *entratest.Clock
	tenant  *entratest.Tenant
	signing keyPair
}

const (
	testPassword = "correct horse battery staple"
	testBaseURL  = "https://id.contoso.com/entra"
)

// newWorld returns a world in which everything is right.
func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), clock: entratest.NewClock(time.Now().Truncate(time.Second)), signing: signingPair()}
	app := entratest.DefaultApp()
	w.env = map[string]string{
		varBaseURL:                testBaseURL,
		environment.Domain:        "contoso.com",
		varIssuer:                 "https://id.contoso.com/entra",
		varCertificate:            w.file("signing.crt", w.signing.certificatePEM()),
		varKey:                    w.file("signing.key", w.signing.keyPEM(t)),
		varSecret:                 base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("secret##"), 4)),
		varUsers:                  w.usersFile(contractor()),
		environment.UsageLocation: "DE",
		environment.Licenses:      "O365_BUSINESS_PREMIUM",
		varListen:                 "127.0.0.1:0",
		varStateFile:              filepath.Join(w.dir, "state.db"),
		environment.TenantID:      "00000000-0000-0000-0000-00000000000a",
		environment.ClientID:      app.ClientID,
		environment.ClientSecret:  app.Secret,
	}
	return w
}

// withTenant gives the world a tenant whose domain is federated with the program.
func (w *world) withTenant(cfg entratest.Config) *world {
	cfg.Clock = w.clock
	w.tenant = entratest.Start(w.t, cfg)
	w.env[environment.TenantID] = w.tenant.Config().TenantID
	require.NoError(w.t, w.tenant.Federate("contoso.com", entratest.Federation{
		Issuer: w.env[varIssuer], SignInURL: testBaseURL + "/sso", SignOutURL: testBaseURL + "/logout",
		Certificates: []*x509.Certificate{w.signing.certificate},
	}))
	return w
}

func (w *world) file(name string, content []byte) string {
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(path, content, 0o600))
	return path
}

func (w *world) usersFile(people ...map[string]string) string {
	content, err := json.Marshal(people)
	require.NoError(w.t, err)
	return w.file("users.json", content)
}

// contractor is an entry of the users file.
func contractor() map[string]string {
	return map[string]string{
		"login": "contractor", "password": testHash(), "connection": "people", "id": "104",
		"email": "contractor@example.net", "displayName": "A Contractor",
	}
}

var testHash = sync.OnceValue(func() string {
	hash, err := userfile.NewHash(testPassword, userfile.MinIterations)
	if err != nil {
		panic(err)
	}
	return hash.String()
})

func (w *world) environ() (list []string) {
	for name, value := range w.env {
		list = append(list, name+"="+value)
	}
	return list
}

// command runs the program with these flags until it ends by itself.
func (w *world) command(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), w.program(&out, &errs, stdin, args...))
	return code, out.String(), errs.String()
}

func (w *world) program(stdout, stderr *bytes.Buffer, stdin string, args ...string) program {
	p := program{Program: command.Program{
		Name: "idp", Args: args, Environ: w.environ(), Stdin: strings.NewReader(stdin), Stdout: stdout, Stderr: stderr,
		Clock: w.clock,
	}}
	if w.tenant != nil {
		p.Transport = w.tenant.Transport()
	}
	return p
}

// running is a program that serves.
type running struct {
	address net.Addr
	stderr  *bytes.Buffer // to be read after stop
	stop    func() (code int)
}

// serve starts the program behind a proxy at https://id.contoso.com, as it would be in production.
func (w *world) serve() running {
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	listening, ended := make(chan net.Addr, 1), make(chan int, 1)
	p := w.program(&stdout, &stderr, "")
	p.listening = func(address net.Addr) { listening <- address }
	go func() { ended <- run(ctx, p) }()
	r := running{stderr: &stderr, stop: sync.OnceValue(func() int { cancel(); return <-ended })}
	w.t.Cleanup(func() { r.stop() })
	select {
	case r.address = <-listening:
	case code := <-ended:
		ended <- code
		require.FailNow(w.t, "the program did not start", "exit code %d: %s", code, stderr.String())
	}
	if w.tenant != nil {
		w.tenant.Mount("id.contoso.com", proxyTo(r.address))
	}
	return r
}

func proxyTo(address net.Addr) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: address.String()})
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	}
}

// keyPair is a key and its self-signed certificate.
type keyPair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

var (
	signingPair = sync.OnceValue(func() keyPair { return newKeyPair(time.Hour, 365*24*time.Hour) })
	clientPair  = sync.OnceValue(func() keyPair { return newKeyPair(time.Hour, 365*24*time.Hour) })
)

func newKeyPair(before, after time.Duration) keyPair {
	key := certtest.RSA(2048)
	return keyPair{key, selfSigned(key, time.Now().Add(-before), time.Now().Add(after))}
}

func selfSigned(key *rsa.PrivateKey, notBefore, notAfter time.Time) *x509.Certificate {
	const host = "id.contoso.com"
	return certtest.SelfSigned(key, host, notBefore, notAfter, func(c *x509.Certificate) { c.DNSNames = []string{host} })
}

func (p keyPair) certificatePEM() []byte { return pemOf("CERTIFICATE", p.certificate.Raw) }

func (p keyPair) keyPEM(t *testing.T) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	require.NoError(t, err)
	return pemOf("PRIVATE KEY", der)
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
