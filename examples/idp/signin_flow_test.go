package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/postgrestest"
	"github.com/entrafed/entrafed/provision"
)

const hrSite = "https://contoso.sharepoint.com/sites/hr?whr=contoso.com"

// visitor is a browser whose owner knows a password.
type visitor struct {
	*entratest.Browser
	asked int // how often the form was shown
}

func (w *world) visitor() *visitor {
	v := &visitor{Browser: entratest.NewBrowser(w.tenant.Transport())}
	v.Sleep = w.clock.Sleep
	v.OnPage = func(page entratest.Page) (entratest.Action, error) {
		if !strings.HasPrefix(page.URL, "https://id.contoso.com/login") || page.Status != http.StatusOK {
			return entratest.Stop(), nil
		}
		v.asked++
		return page.Submit("", map[string]string{"login": "Contractor ", "password": testPassword})
	}
	return v
}

// arrives checks that the walk ends at the site, signed in.
func (v *visitor) arrives(t *testing.T, address string) {
	t.Helper()
	page, err := v.Open(context.Background(), address)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.Status, page.Body)
	require.True(t, strings.HasPrefix(page.URL, "https://contoso.sharepoint.com/sites/hr"), page.URL)
	require.Contains(t, page.Body, `<dd id="upn">contractor@contoso.com</dd>`)
}

// hasOneAccount checks what the directory holds in the end: the person once, licensed.
func (w *world) hasOneAccount() {
	w.t.Helper()
	accounts := w.tenant.Users()
	require.Len(w.t, accounts, 1)
	require.Equal(w.t, "contractor@contoso.com", accounts[0].UPN)
	require.Equal(w.t, provision.ImmutableIDFromSubject("people", "104"), accounts[0].ImmutableID)
	require.Equal(w.t, "A Contractor", accounts[0].DisplayName)
	require.Equal(w.t, []string{w.tenant.Config().SKUs[0].ID}, accounts[0].SKUIDs)
}

func TestAPersonSignsInForTheFirstTimeAndAgain(t *testing.T) {
	w := newWorld(t).withTenant(entratest.Config{Seed: 1})
	began := w.clock.Now()
	program := w.serve()

	first := w.visitor()
	first.arrives(t, hrSite)
	require.Equal(t, 1, first.asked)
	w.hasOneAccount()
	require.GreaterOrEqual(t, w.clock.Now().Sub(began), 15*time.Second, "a new account is not used before it settled")

	second := w.visitor()
	calls := len(w.tenant.GraphCalls())
	second.arrives(t, hrSite)
	require.Equal(t, 1, second.asked, "another browser asks for the password")
	require.Len(t, w.tenant.GraphCalls(), calls, "and asks nothing of Graph")

	signOutOfMicrosoft(t, first)
	first.arrives(t, hrSite)
	require.Equal(t, 1, first.asked, "the session here spares the password")

	const fresh = "https://login.microsoftonline.com/login.srf?prompt=login&whr=contoso.com"
	page, err := first.Open(context.Background(), fresh)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.Status, page.Body)
	require.Equal(t, 2, first.asked, "Entra asked for a fresh sign-in")

	signOutOfMicrosoft(t, first)
	page, err = first.Open(context.Background(), "https://id.contoso.com/logout")
	require.NoError(t, err)
	require.Equal(t, "You are signed out", page.Title)
	first.arrives(t, hrSite)
	require.Equal(t, 3, first.asked, "after the sign-out here, the password is needed")

	require.NoError(t, w.tenant.SetRequestOptions(entratest.RequestOptions{SignOut: entratest.SignOutRequest}))
	signOutOfMicrosoft(t, first)
	first.arrives(t, hrSite)
	require.Equal(t, 4, first.asked, "Entra's sign-out ends the session here as well")

	require.Equal(t, command.ExitOK, program.stop())
	require.Contains(t, program.stderr.String(), "state=\"SQLite, ")
	require.NotContains(t, program.stderr.String(), testPassword)
	require.NotContains(t, program.stderr.String(), w.env[environment.ClientSecret])
}

func signOutOfMicrosoft(t *testing.T, v *visitor) {
	t.Helper()
	_, err := v.Open(context.Background(), "https://login.microsoftonline.com/login.srf?wa=wsignout1.0")
	require.NoError(t, err)
	_, err = v.Open(context.Background(), "https://contoso.sharepoint.com/logout")
	require.NoError(t, err)
}

func TestAfterARestartTheSameAccountIsFound(t *testing.T) {
	w := newWorld(t).withTenant(entratest.Config{Seed: 2})
	program := w.serve()
	first := w.visitor()
	first.arrives(t, hrSite)
	require.Equal(t, command.ExitOK, program.stop())

	w.serve()
	calls := len(w.tenant.GraphCalls())
	w.visitor().arrives(t, hrSite)
	require.Len(t, w.tenant.GraphCalls(), calls, "nothing is asked of Graph about somebody who was ready before")
	w.hasOneAccount()

	signOutOfMicrosoft(t, first)
	first.arrives(t, hrSite)
	require.Equal(t, 1, first.asked, "the session outlives the restart")
}

func TestAProgramThatIsKilledWhileAnAccountIsBeingMadeIsContinuedByTheNext(t *testing.T) {
	w := newWorld(t).withTenant(entratest.Config{Seed: 2})
	// The answer to the creation never arrives, and neither does anything after it: as if the process were gone.
	w.tenant.Inject(entratest.Fault{Method: http.MethodPost, Path: "/v1.0/users", AfterCommit: true, Drop: true})
	remove := w.tenant.Inject(entratest.Fault{Path: "/v1.0/users*", Skip: 1, Times: -1, Drop: true})
	w.serve()
	_, err := w.visitor().Open(context.Background(), hrSite)
	require.NoError(t, err)
	require.Len(t, w.tenant.Users(), 1, "the account was made")
	remove()

	w.serve() // beside the first one, which could not tell
	w.visitor().arrives(t, hrSite)
	w.hasOneAccount()
}

// server is the PostgreSQL server of these tests.
var server = postgrestest.Server{Exec: func(ctx context.Context, url, statement string) error {
	db, err := database{url: url}.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}}

func TestMain(m *testing.M) {
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func TestReplicasOnPostgreSQLShareWhoIsSignedInAndWhoHasWhichAccount(t *testing.T) {
	w := newWorld(t).withTenant(entratest.Config{Seed: 2})
	delete(w.env, varStateFile)
	w.env[varDatabase] = server.Database(t)
	w.serve()
	first := w.visitor()
	first.arrives(t, hrSite)

	replica := w.serve() // from here on all requests reach this one
	calls := len(w.tenant.GraphCalls())
	w.visitor().arrives(t, hrSite)
	require.Len(t, w.tenant.GraphCalls(), calls)
	signOutOfMicrosoft(t, first)
	first.arrives(t, hrSite)
	require.Equal(t, 1, first.asked)
	w.hasOneAccount()
	code, stdout, stderr := w.command("", "-check")
	require.Equal(t, command.ExitOK, code, stdout+stderr)
	require.Equal(t, command.ExitOK, replica.stop())
	require.Contains(t, replica.stderr.String(), "PostgreSQL")
}

func TestAClientCertificateDoesAsWell(t *testing.T) {
	w := newWorld(t)
	w.useClientCertificate()
	w.withTenant(entratest.Config{Apps: []entratest.App{{
		ClientID: w.env[environment.ClientID], Certificates: []*x509.Certificate{clientPair().certificate},
		Permissions: []string{"User.ReadWrite.All", "LicenseAssignment.ReadWrite.All", "LicenseAssignment.Read.All"},
	}}})
	program := w.serve()
	w.visitor().arrives(t, hrSite)
	w.hasOneAccount()
	require.Equal(t, command.ExitOK, program.stop())
	require.Contains(t, program.stderr.String(), "client certificate")
}

func (w *world) useClientCertificate() {
	pair := clientPair()
	delete(w.env, environment.ClientSecret)
	w.env[environment.ClientCertificate] = w.file("client.pem", append(pair.keyPEM(w.t), pair.certificatePEM()...))
}

func TestAWorkloadIdentityDoesAsWell(t *testing.T) {
	w := newWorld(t).withTenant(entratest.Config{Apps: []entratest.App{{
		ClientID: entratest.DefaultApp().ClientID, Certificates: []*x509.Certificate{clientPair().certificate},
		Permissions: entratest.AllPermissions(),
	}}})
	delete(w.env, environment.ClientSecret)
	w.env[environment.TokenFile] = w.file("token", []byte(w.clientAssertion()))
	code, stdout, stderr := w.command("", "-check")
	require.Equal(t, command.ExitOK, code, stdout+stderr)
	require.Contains(t, stdout, "workload identity")
}

// clientAssertion is a token of a trusted issuer.
func (w *world) clientAssertion() string {
	claims, err := json.Marshal(map[string]any{
		"iss": w.env[environment.ClientID], "sub": w.env[environment.ClientID],
		"aud": "https://login.microsoftonline.com/" + w.env[environment.TenantID] + "/oauth2/v2.0/token",
		"nbf": w.clock.Now().Unix(), "exp": w.clock.Now().Add(time.Hour).Unix(),
	})
	require.NoError(w.t, err)
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + b64.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, clientPair().key, crypto.SHA256, digest[:])
	require.NoError(w.t, err)
	return signed + "." + b64.EncodeToString(signature)
}

func TestAPersonWhoseLicenceIsGoneIsToldSo(t *testing.T) {
	w := newWorld(t).withTenant(entratest.Config{})
	w.env[environment.Licenses] = "STANDARDPACK,UNKNOWN_PACK"
	program := w.serve()
	page, err := w.visitor().Open(context.Background(), hrSite)
	require.NoError(t, err)
	require.Contains(t, page.Body, "There is no free place for your account")
	require.NotContains(t, page.Body, "UNKNOWN_PACK")
	program.stop()
	require.Contains(t, program.stderr.String(), "UNKNOWN_PACK")
}

func TestTheProgramStopsWhileAnAccountIsBeingMade(t *testing.T) {
	w := newWorld(t).withTenant(entratest.Config{})
	sleeping, woken := make(chan struct{}, 100), make(chan struct{}, 100)
	p := w.program(nil, nil, "")
	settings, err := readSettings(p.Environ, p.Now())
	require.NoError(t, err)
	out := p.outside(newLog(io.Discard))
	out.sleep = func(ctx context.Context, _ time.Duration) error {
		sleeping <- struct{}{}
		<-ctx.Done()
		woken <- struct{}{}
		return ctx.Err()
	}
	idp, err := newIdentityProvider(settings, keep(t, out.now), out)
	require.NoError(t, err)
	w.tenant.Mount("id.contoso.com", idp.handler)

	v := w.visitor()
	v.Sleep = func(context.Context, time.Duration) error { return errStopHere }
	_, err = v.Open(context.Background(), hrSite)
	require.ErrorIs(t, err, errStopHere, "the page with the steps is shown")
	<-sleeping

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	settings.listen = "127.0.0.1:0"
	require.NoError(t, idp.listenAndServe(ctx, settings, nil))
	select {
	case <-woken:
	case <-time.After(30 * time.Second):
		require.Fail(t, "provisioning was not ended")
	}
}

func TestRequestsUnderWayAreFinished(t *testing.T) {
	w := newWorld(t)
	p := w.program(nil, nil, "")
	settings, err := readSettings(p.Environ, p.Now())
	require.NoError(t, err)
	idp, err := newIdentityProvider(settings, keep(t, p.Now), p.outside(newLog(io.Discard)))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	idp.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop()
		_, _ = io.WriteString(w, "finished")
	})

	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- idp.listenAndServe(ctx, settings, func(a net.Addr) { listening <- a }) }()
	address := (<-listening).String()
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + address)
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, "finished", string(body))
	require.NoError(t, <-ended)
	_, err = net.Dial("tcp", address)
	require.Error(t, err, "nothing is taken any more")
}

var errStopHere = fmt.Errorf("the walk ends here")

func TestItServesHTTPSItself(t *testing.T) {
	w := newWorld(t)
	w.env[varTLSCertificate], w.env[varTLSKey] = w.env[varCertificate], w.env[varKey]
	program := w.serve()
	pool := x509.NewCertPool()
	pool.AddCert(w.signing.certificate)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, ServerName: "id.contoso.com"},
		DisableKeepAlives: true,
	}}
	answer, err := client.Get("https://" + program.address.String() + pathHealth)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, "ok", string(body))
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, command.ExitOK, program.stop())
}

func TestAnAddressThatIsTakenIsAFailure(t *testing.T) {
	w := newWorld(t)
	taken := w.serve()
	w.env[varListen] = taken.address.String()
	code, _, stderr := w.command("")
	require.Equal(t, command.ExitFailed, code)
	require.Contains(t, stderr, varListen)
}
