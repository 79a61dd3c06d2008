package adapters

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// failure is what went wrong, in the words of the person at the browser and, apart from them, in those of the operator.
type failure struct {
	Status        int
	Title, Text   string
	Action, Label string // the one thing to do next; empty for the smart link
	NoAction      bool   // there is nothing the person can do here
	Err           error  // for the log
}

// fail shows a failure and logs its cause under the number that the page shows.
func (b *Bridge) fail(w http.ResponseWriter, r *http.Request, f failure) {
	id, err := b.newID(4)
	if err != nil {
		id = "none"
	}
	level := slog.LevelWarn
	if f.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	b.log.Log(r.Context(), level, "sign-in failed", "quote", id, "status", f.Status, "path", r.URL.Path, "error", f.Err)

	data := pageData{Notice: b.notice, Title: f.Title, Text: f.Text, ID: id, Action: f.Action, Label: f.Label}
	if f.Action == "" && !f.NoAction {
		data.Action, data.Label = b.base+"/go", "Start again"
	}
	b.pages.write(w, f.Status, "failure", data)
}

func requestFailure(err error) failure {
	f := failure{Status: http.StatusBadRequest, Err: err,
		Title: "This sign-in cannot be continued",
		Text:  "What arrived is not a sign-in that Microsoft 365 asked for. Nothing happened to your account."}
	switch {
	case errors.Is(err, saml.ErrNoRequest):
		f.Title = "Start at Microsoft 365"
		f.Text = "This page is where Microsoft 365 sends you to sign in. It cannot be opened by itself."
	case errors.Is(err, saml.ErrExpired):
		f.Title = "This sign-in took too long"
		f.Text = "A sign-in must be finished within a few minutes. Please start again."
	case errors.Is(err, saml.ErrTooLarge):
		f.Status = http.StatusRequestEntityTooLarge
	}
	return f
}

func staleFailure(err error) failure {
	f := failure{Status: http.StatusBadRequest, Err: err,
		Title: "This sign-in is over",
		Text: "It was finished already, or it was begun too long ago or in another browser. Please start again. If this " +
			"page comes back, your browser may be blocking cookies."}
	return f
}

func authenticationFailure(err error) failure {
	switch {
	case errors.Is(err, ErrCancelled):
		return failure{Status: http.StatusForbidden, Err: err,
			Title: "You cancelled the sign-in", Text: "You were not signed in to Microsoft 365."}
	case errors.Is(err, ErrDenied):
		return failure{Status: http.StatusForbidden, Err: err, NoAction: true,
			Title: "You cannot sign in to Microsoft 365 here",
			Text:  "This account is not allowed to. If you think it should be, ask your administrator."}
	}
	return failure{Status: http.StatusBadGateway, Err: err,
		Title: "You could not be signed in", Text: "Something went wrong while finding out who you are. Please try again."}
}

// provisionFailure says the same as the pipeline's own words for the person, and offers to try again where that can
// help.
func provisionFailure(err error, again string) failure {
	var stopped *provision.Error
	switch {
	case errors.Is(err, errHost):
		return authenticationFailure(err)
	case !errors.As(err, &stopped):
		return internalFailure(err)
	}
	f := failure{Status: http.StatusForbidden, Err: err, NoAction: true,
		Title: "Your account could not be set up", Text: stopped.Public()}
	if _, temporary := stopped.RetryAfter(); temporary {
		f.Status, f.Title = http.StatusServiceUnavailable, "This takes longer than usual"
		f.Action, f.Label = again+"?"+parameterRetry, "Try again"
	}
	switch {
	case errors.Is(err, provision.ErrUnauthorized), errors.Is(err, provision.ErrForbidden):
		f.Status = http.StatusBadGateway
	case errors.Is(err, provision.ErrNoLicense):
		// A seat may be freed at any time, and the account is kept for then.
		f.Action, f.Label, f.NoAction = again+"?"+parameterRetry, "Try again", false
	}
	return f
}

func responseFailure(err error) failure {
	f := internalFailure(err)
	if errors.Is(err, saml.ErrSubject) || errors.Is(err, saml.ErrRealm) {
		f.Status, f.NoAction = http.StatusForbidden, true
		f.Title = "Microsoft 365 would not accept your account"
		f.Text = "The details we have of you do not fit what Microsoft 365 needs. Please contact your administrator."
	}
	return f
}

func internalFailure(err error) failure {
	return failure{Status: http.StatusInternalServerError, Err: err,
		Title: "Something went wrong here", Text: "It is not your fault. Please try again in a few minutes."}
}
