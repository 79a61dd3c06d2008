// Gorilla is a web application that keeps its sessions with gorilla/sessions, and has gained a sign-in to Microsoft 365. What
// it had to add is between the two marks; the Microsoft 365 is simulated.
//
//	go run ./examples/gorilla
package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/session"
	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/provision"
)

func main() {
	demonstration.Show{
		Name: "gorilla", Adapter: "session", Host: newApplication,
		Is: "gorilla is a web application that keeps its sessions with gorilla/sessions, and has gained a sign-in to Microsoft 365.",
	}.Main()
}

// application is a web application as there are many: accounts, a sign-in page, sessions.
type application struct {
	sessions sessions.Store
	host     *session.Authenticator
}

func newApplication(_ context.Context, demo *demonstration.Demonstration) (http.Handler, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	store := sessions.NewCookieStore(key)
	store.Options = &sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	a := &application{sessions: store}
	mux := http.NewServeMux()
	// entrafed: begin
	host, err := session.New(session.Config{
		BaseURL: demo.BaseURL, SignInURL: demo.Origin + "/login", Person: a.person, End: a.end,
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
	return mux, nil
}

const cookie = "application"

// entrafed: begin

// person is who is signed in to the application.
func (a *application) person(r *http.Request) (*adapters.SignedIn, error) {
	s, _ := a.sessions.Get(r, cookie) // one that cannot be read is a new one
	id, _ := s.Values["account"].(string)
	at, _ := s.Values["at"].(int64)
	account, found := accounts.ByID(id)
	if !found {
		return nil, nil
	}
	return &adapters.SignedIn{
		Person: provision.Person{Connection: "app", ID: account.ID, Email: account.Email, DisplayName: account.DisplayName},
		At:     time.Unix(at, 0),
	}, nil
}

// entrafed: end

// end is the application's own way to sign out.
func (a *application) end(w http.ResponseWriter, r *http.Request) error {
	s, _ := a.sessions.Get(r, cookie)
	s.Options = &sessions.Options{Path: "/", MaxAge: -1}
	return s.Save(r, w)
}

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
	s, _ := a.sessions.Get(r, cookie)
	s.Values["account"], s.Values["at"] = account.ID, time.Now().Unix()
	if err := s.Save(r, w); err != nil {
		http.Error(w, "Please try again.", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}
