// Scs is a web application that keeps its sessions with alexedwards/scs, and has gained a sign-in to Microsoft 365. What it
// had to add is between the two marks; the Microsoft 365 is simulated.
//
//	go run ./examples/scs
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/session"
	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8080", "where the application listens, on this machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	demo, err := demonstration.Open(*address, entratest.LagNormal)
	if err == nil {
		err = run(ctx, demo)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, demo *demonstration.Demonstration) error {
	app, err := newApplication(demo)
	if err != nil {
		return err
	}
	fmt.Printf("Open %s and sign in as %s. Ctrl-C ends it.\n", demo.SmartLink(), accounts.Known()[0].Name)
	return demo.Serve(ctx, app)
}

// application is a web application as there are many: accounts, a sign-in page, sessions.
type application struct {
	sessions *scs.SessionManager
	host     *session.Authenticator
}

func newApplication(demo *demonstration.Demonstration) (http.Handler, error) {
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
		back = "/entra/go" // this application has no page but its sign-in
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
