// Scs is a web application that keeps its sessions with alexedwards/scs, and has gained a sign-in to Microsoft 365. What it
// had to add is between the two marks; the Microsoft 365 is simulated.
//
//	go run ./examples/scs
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/session"
	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/provision"
)

func main() {
	demonstration.Show{
		Name: "scs", Adapter: "session", Host: newApplication,
		Is: "scs is a web application that keeps its sessions with alexedwards/scs, and has gained a sign-in to Microsoft 365.",
	}.Main()
}

// application is a web application as there are many: accounts, a sign-in page, sessions.
type application struct {
	sessions *scs.SessionManager
	host     *session.Authenticator
}

func newApplication(_ context.Context, demo *demonstration.Demonstration) (http.Handler, error) {
	a := &application{sessions: scs.New()}
	a.sessions.Cookie.SameSite = http.SameSiteLaxMode
	mux := http.NewServeMux()
	// entrafed: begin
	host, err := session.New(session.Config{
		BaseURL: demo.BaseURL, SignInURL: demo.Origin + "/login",
		Person: a.person,
		End:    func(_ http.ResponseWriter, r *http.Request) error { return a.sessions.Destroy(r.Context()) },
	})
	if err != nil {
		return nil, err
	}
	bridge, err := demo.Bridge(host)
	if err != nil {
		return nil, err
	}
	mux.Handle("/entra/", bridge)
	a.host = host
	// entrafed: end
	mux.HandleFunc("/login", a.signIn)
	mux.HandleFunc("GET /{$}", demonstration.Home)
	return a.sessions.LoadAndSave(mux), nil
}

// entrafed: begin

// person is who is signed in to the application.
func (a *application) person(r *http.Request) (*adapters.SignedIn, error) {
	account, found := accounts.ByID(a.sessions.GetString(r.Context(), "account"))
	if !found {
		return nil, nil
	}
	return &adapters.SignedIn{
		Person: provision.Person{Connection: "app", ID: account.ID, Email: account.Email, DisplayName: account.DisplayName},
		At:     time.Unix(a.sessions.GetInt64(r.Context(), "at"), 0),
	}, nil
}

// entrafed: end

// signIn is the application's own sign-in page, but for where it leads in the end.
func (a *application) signIn(w http.ResponseWriter, r *http.Request) {
	back, ok := a.host.ReturnTo(r)
	if !ok {
		back = "/"
	}
	account, problem := accounts.Check(r)
	if account == nil {
		accounts.ShowForm(w, r, problem)
		return
	}
	if err := a.sessions.RenewToken(r.Context()); err != nil {
		http.Error(w, "Please try again.", http.StatusInternalServerError)
		return
	}
	a.sessions.Put(r.Context(), "account", account.ID)
	a.sessions.Put(r.Context(), "at", time.Now().Unix())
	http.Redirect(w, r, back, http.StatusSeeOther)
}
