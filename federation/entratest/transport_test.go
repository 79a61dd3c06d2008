package entratest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// mountedClient is a tenant with one handler at https://id.contoso.com.
func mountedClient(t *testing.T, h http.HandlerFunc) *http.Client {
	t.Helper()
	tenant := entratest.Start(t, entratest.Config{Clock: entratest.NewClock(clockStart)})
	tenant.Mount("id.contoso.com", h)
	return tenant.Client()
}

func TestTransportAnswersForTheTenantsHosts(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	for address, served := range map[string]bool{
		"https://login.microsoftonline.com/common/UserRealm/a@contoso.com": true,
		"https://LOGIN.microsoftonline.com/login.srf":                      true,
		"https://graph.microsoft.com/v1.0/users":                           true,
		"https://contoso.sharepoint.com/sites/hr":                          true,
		"https://outlook.office.com/mail/":                                 true,
		"https://www.office.com:443/":                                      true,
		"http://contoso.sharepoint.com/":                                   false,
		"https://contoso.sharepoint.com:8443/":                             false,
		"https://notsharepoint.com/":                                       false,
		"https://id.contoso.com/":                                          false,
		"http://127.0.0.1:1/":                                              false,
		"https://graph.microsoft.us/v1.0/users":                            false,
	} {
		res, err := tenant.Client().Get(address)
		if !served {
			require.ErrorContains(t, err, "nothing is sent to the network", address)
			continue
		}
		require.NoError(t, err, address)
		require.NoError(t, res.Body.Close())
	}
}

func TestMountedHandlerSeesAServersRequest(t *testing.T) {
	var seen *http.Request
	var body []byte
	client := mountedClient(t, func(_ http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
	})
	res, err := client.Post("https://id.contoso.com/sso?x=%2F#fragment", "text/plain", strings.NewReader("hello"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, "id.contoso.com", seen.Host)
	require.Equal(t, "/sso?x=%2F", seen.RequestURI)
	require.Equal(t, &url.URL{Path: "/sso", RawQuery: "x=%2F"}, seen.URL)
	require.NotNil(t, seen.TLS)
	require.NotEmpty(t, seen.RemoteAddr)
	require.Equal(t, "hello", string(body))
	require.Equal(t, int64(5), seen.ContentLength)
	require.Equal(t, http.StatusOK, res.StatusCode, "a handler that says nothing says 200")
	require.Equal(t, int64(0), res.ContentLength)
	require.Equal(t, clockStart.Format(http.TimeFormat), res.Header.Get("Date"))
	require.NotNil(t, res.TLS)
}

func TestMountReplacesAndGoesFirst(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	say := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	}
	tenant.Mount("id.contoso.com", say("first"))
	tenant.Mount("ID.contoso.com", say("second"))
	tenant.Mount("id.contoso.com:8443", say("with a port"))
	tenant.Mount("www.office.com", say("an application of the test's own"))
	for address, text := range map[string]string{
		"https://id.contoso.com/":      "second",
		"https://id.contoso.com:8443/": "with a port",
		"https://www.office.com/":      "an application of the test's own",
	} {
		res, err := tenant.Client().Get(address)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, text, string(body))
		require.Equal(t, int64(len(text)), res.ContentLength, "the length of a short answer is known")
		require.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"), "sniffed, as net/http does")
	}
}

func TestBodiesAreStreamed(t *testing.T) {
	proceed := make(chan struct{})
	client := mountedClient(t, func(w http.ResponseWriter, r *http.Request) {
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(w, "got "+line)
			w.(http.Flusher).Flush()
			<-proceed
		}
	})
	body, send := io.Pipe()
	go func() { _, _ = io.WriteString(send, "one\n") }()
	res, err := client.Post("https://id.contoso.com/", "text/plain", body)
	require.NoError(t, err, "the answer is there before the request has ended")
	require.Equal(t, int64(-1), res.ContentLength)
	lines := bufio.NewReader(res.Body)
	for _, line := range []string{"one\n", "two\n"} {
		got, err := lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "got "+line, got)
		proceed <- struct{}{}
		if line == "one\n" {
			_, err = io.WriteString(send, "two\n")
			require.NoError(t, err)
		}
	}
	require.NoError(t, send.Close())
	_, err = lines.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

func TestHandlerWaitsForAClientThatIsFarBehind(t *testing.T) {
	var written atomic.Int64
	ended := make(chan error, 1)
	client := mountedClient(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for {
			n, err := w.Write(chunk)
			written.Add(int64(n))
			if err != nil {
				ended <- err
				return
			}
		}
	})
	res, err := client.Get("https://id.contoso.com/")
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, res.Body, 4<<20)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Error(t, <-ended, "closing the body ends the handler")
	require.LessOrEqual(t, written.Load(), int64(4<<20+1<<20+128<<10), "no more than the buffer was ahead")
}

func TestRequestsAreAbandonedWithTheirContext(t *testing.T) {
	started, ended := make(chan struct{}), make(chan error, 1)
	client := mountedClient(t, func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://id.contoso.com/", nil)
	require.NoError(t, err)
	go func() { <-started; cancel() }()
	_, err = client.Do(req)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled, "the handler learns of it")
}

func TestBodiesEndWithTheirContext(t *testing.T) {
	client := mountedClient(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "a beginning")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://id.contoso.com/", nil)
	require.NoError(t, err)
	res, err := client.Do(req)
	require.NoError(t, err)
	_, err = io.ReadFull(res.Body, make([]byte, 11))
	require.NoError(t, err)
	cancel()
	_, err = res.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, context.Canceled)
}

func TestHandlersThatFail(t *testing.T) {
	for _, rule := range []struct {
		name string
		h    http.HandlerFunc
		fail func(t *testing.T, res *http.Response, err error)
	}{
		{"aborting", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			func(t *testing.T, _ *http.Response, err error) { require.ErrorIs(t, err, io.EOF) }},
		{"panicking", func(http.ResponseWriter, *http.Request) { panic("oh") },
			func(t *testing.T, _ *http.Response, err error) { require.ErrorContains(t, err, "panicked: oh") }},
		{"aborting in the middle", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "a beginning")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, func(t *testing.T, res *http.Response, err error) {
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.Equal(t, "a beginning", string(body))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			res, err := mountedClient(t, rule.h).Get("https://id.contoso.com/")
			rule.fail(t, res, err)
		})
	}
}

func TestAnswersWithoutABody(t *testing.T) {
	for _, rule := range []struct {
		name, method string
		status       int
	}{
		{"HEAD", http.MethodHead, http.StatusOK},
		{"204", http.MethodGet, http.StatusNoContent},
		{"304", http.MethodGet, http.StatusNotModified},
	} {
		t.Run(rule.name, func(t *testing.T) {
			client := mountedClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(rule.status)
				w.WriteHeader(http.StatusTeapot) // only the first counts
				_, _ = w.Write([]byte("not seen"))
			})
			req, err := http.NewRequest(rule.method, "https://id.contoso.com/", nil)
			require.NoError(t, err)
			res, err := client.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, rule.status, res.StatusCode)
			require.Empty(t, body)
		})
	}
}

func TestClientIsABrowser(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	tenant.Mount("id.contoso.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Secure: true, Path: "/"})
			http.Redirect(w, r, "https://id.contoso.com/end", http.StatusFound)
			return
		}
		cookie, err := r.Cookie("session")
		if err != nil {
			http.Error(w, "no cookie", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, cookie.Value)
	}))
	browser := tenant.Client()
	res, err := browser.Get("https://id.contoso.com/start")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, "it follows redirects with its cookies")
	res, err = tenant.Client().Get("https://id.contoso.com/end")
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, res.StatusCode, "another browser has other cookies")
}

func TestTenantOnAListener(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	tenant := entratest.Start(t, entratest.Config{BaseURL: base, Lag: entratest.LagNone})
	server.Config.Handler = tenant
	server.Start()
	defer server.Close()

	cloud := tenant.Cloud()
	require.NoError(t, cloud.Validate())
	require.Equal(t, base, cloud.Login)
	require.Equal(t, base, cloud.Graph)
	require.Equal(t, base+"/login.srf", cloud.AssertionConsumerService)
	require.True(t, cloud.InsecureLoopback)
	require.Contains(t, cloud.Hosts, "127.0.0.1")
	require.Contains(t, cloud.Hosts, "sharepoint.com")

	g := &graphCaller{t: t, tenant: tenant, header: http.Header{}}
	req, err := http.NewRequest(http.MethodGet, cloud.Graph+"/v1.0/users", nil)
	require.NoError(t, err)
	req.Header = g.headers()
	for name, client := range map[string]*http.Client{"over the socket": server.Client(), "in process": tenant.Client()} {
		res, err := client.Do(req)
		require.NoError(t, err, name)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode, name)
	}
}
