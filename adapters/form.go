package adapters

import (
	"errors"
	"net/http"
)

// Form is the Bridge's own page for a user name and a password, for hosts that have none. See [Ask.ShowForm].
type Form struct {
	// Username is filled in. As a rule it is Ask.LoginHint, or what was typed before.
	Username string

	// Problem says why the page is shown again. Empty: it is shown for the first time.
	Problem FormProblem
}

// FormProblem is why somebody has to try again.
type FormProblem string

// The problems.
const (
	FormWrong       FormProblem = "wrong"       // the name or the password; which one is not said
	FormIncomplete  FormProblem = "incomplete"  // a field was left empty
	FormExpired     FormProblem = "expired"     // the password is right, and must be changed elsewhere first
	FormTooOften    FormProblem = "too often"   // wait before the next attempt
	FormUnavailable FormProblem = "unavailable" // whoever knows the passwords does not answer
)

// ShowForm answers the browser with a page that asks for a user name and a password and sends them to ReturnTo, where
// [ReadForm] reads them. The browser sends the sign-in's own cookie along, which no other site can make it do.
func (a Ask) ShowForm(w http.ResponseWriter, form Form) error {
	if a.bridge == nil {
		return errors.New("adapters: this Ask is not a Bridge's")
	}
	status, problem := form.Problem.shown()
	a.bridge.pages.write(w, status, PageSignIn, view{
		Language: a.language, Title: a.language.say(msgSignInTitle), Text: a.language.say(problem), Self: a.ReturnTo,
		Username: form.Username,
	})
	return nil
}

// shown is the status of the page, and what it says of the problem.
func (p FormProblem) shown() (status int, text Message) {
	switch p {
	case "":
		return http.StatusOK, ""
	case FormWrong:
		return http.StatusUnprocessableEntity, msgSignInWrong
	case FormIncomplete:
		return http.StatusUnprocessableEntity, msgSignInIncomplete
	case FormExpired:
		return http.StatusForbidden, msgSignInExpired
	case FormTooOften:
		return http.StatusTooManyRequests, msgSignInTooOften
	case FormUnavailable:
		return http.StatusServiceUnavailable, msgSignInUnavailable
	}
	return http.StatusUnprocessableEntity, ""
}

// Credentials are what somebody typed into the [Form].
type Credentials struct{ Username, Password string }

// maxForm is the size of the largest form that is read, in bytes.
const maxForm = 16 << 10

// ReadForm reads the form that the request brings. ok is false where it brings none: then show it. The error matches
// [ErrCancelled] if the person left the page by its way out.
func ReadForm(w http.ResponseWriter, r *http.Request) (typed Credentials, ok bool, err error) {
	if r.URL.Query().Has(parameterCancel) {
		return Credentials{}, false, ErrCancelled
	}
	if r.Method != http.MethodPost {
		return Credentials{}, false, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return Credentials{}, false, nil // it is shown again
	}
	return Credentials{r.PostForm.Get("username"), r.PostForm.Get("password")}, true, nil
}

// parameterCancel is the way out of the form.
const parameterCancel = "cancel"
