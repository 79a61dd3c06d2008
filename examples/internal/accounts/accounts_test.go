package accounts_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/accounts"
)

func post(name, password string) *http.Request {
	form := url.Values{accounts.NameField: {name}, "password": {password}}
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestANameAndItsPasswordAreSomebody(t *testing.T) {
	t.Parallel()
	account, problem := accounts.Check(post("partner", accounts.Password))
	require.Empty(t, problem)
	require.Equal(t, &accounts.Known()[1], account)
	found, known := accounts.ByID(account.ID)
	require.True(t, known)
	require.Equal(t, *account, found)

	for name, r := range map[string]*http.Request{
		"a wrong password": post("partner", "wrong"), "no password": post("partner", ""), "nobody": post("nobody", accounts.Password),
	} {
		account, problem := accounts.Check(r)
		require.Nil(t, account, name)
		require.Equal(t, "The user name or the password is not right.", problem, name)
	}
	account, problem = accounts.Check(httptest.NewRequest(http.MethodGet, "/login?username=partner&password=open+sesame", nil))
	require.Nil(t, account, "an address is no place for a password")
	require.Empty(t, problem)
}

func TestThePageKeepsWhereItLeads(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	accounts.ShowForm(w, httptest.NewRequest(http.MethodGet, "/login?return_to=%2Fentra%2Fsignin%2F1%3Fa%26b&login_hint=%22%3Epartner", nil), "")
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), `<input type="hidden" name="return_to" value="/entra/signin/1?a&amp;b" />`)
	require.Contains(t, w.Body.String(), `name="username" value="&#34;&gt;partner"`)
	require.Contains(t, w.Body.String(), "contractor and partner, each with the password “open sesame”")
	require.Contains(t, w.Body.String(), "Do not sign in")

	w = httptest.NewRecorder()
	accounts.ShowForm(w, httptest.NewRequest(http.MethodGet, "/login", nil), "No.")
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), `<p role="alert">No.</p>`)
	require.NotContains(t, w.Body.String(), "Do not sign in")
}

func TestAHostFillsThePageItself(t *testing.T) {
	t.Parallel()
	page := accounts.Page(`{{template "page" (form .Toast .URL)}}`, template.FuncMap{"form": func(problem, action string) accounts.Form {
		return accounts.Form{Heading: "Sign in", Problem: problem, Action: action, NameField: "user"}
	}})
	var b strings.Builder
	require.NoError(t, page.Execute(&b, map[string]string{"Toast": "<wrong>", "URL": "https://id.contoso.com/login"}))
	for _, want := range []string{
		`<h1>Sign in</h1>`, `&lt;wrong&gt;`, `action="https://id.contoso.com/login"`, `<label for="user">`, `id="user" name="user"`,
	} {
		require.Contains(t, b.String(), want)
	}
}
