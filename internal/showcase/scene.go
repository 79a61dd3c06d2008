package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// scene is what happens to whoever comes with its name as the login hint.
type scene struct {
	form    *adapters.FormProblem // shows the form
	ready   bool                  // there is an account; behind a form, once it is sent
	refused error                 // the host says no
	ends    error                 // why the provisioning ends; nil: it does not
	once    bool                  // it ends so the first time alone, and not at all the next time
}

// scenes has one for each page that a sign-in can stop at.
func scenes() map[string]scene {
	first, wrong, often := adapters.FormProblem(""), adapters.FormWrong, adapters.FormTooOften
	return map[string]scene{
		"signed-in":   {ready: true},
		"form-right":  {form: &first, ready: true},
		"form":        {form: &first},
		"form-wrong":  {form: &wrong},
		"form-often":  {form: &often},
		"denied":      {refused: adapters.ErrDenied},
		"cancelled":   {refused: adapters.ErrCancelled},
		"progress":    {},
		"waiting":     {ends: provision.ErrNotReady},
		"once":        {ends: provision.ErrNotReady, once: true},
		"long":        {ends: &provision.DirectoryError{Operation: "POST /users", Status: 429, RetryAfter: 5 * time.Minute}},
		"late":        {ends: &provision.DirectoryError{Operation: "POST /users", Status: 429, RetryAfter: time.Hour}},
		"no-licence":  {ends: provision.ErrNoLicense},
		"has-left":    {ends: provision.ErrRetired},
		"no-such-one": {refused: http.ErrNoCookie},
	}
}

// authenticate plays the scene that the login hint names.
func authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	name := ask.LoginHint
	s, known := scenes()[name]
	switch {
	case !known:
		return nil, adapters.ErrDenied
	case s.form != nil && (r.Method != http.MethodPost || !s.ready):
		return nil, ask.ShowForm(w, adapters.Form{Username: "contractor@example.net", Problem: *s.form})
	case s.refused != nil:
		return nil, s.refused
	}
	return &adapters.SignedIn{
		Person: provision.Person{Connection: name, ID: ask.Handle}, At: time.Now(),
	}, nil
}

// people provisions nobody: who is ready has an account already.
type people struct{ tried sync.Map } // by person

// EnsureWithProgress tells of the steps up to the last, and stays there if the scene has no end.
func (p *people) EnsureWithProgress(ctx context.Context, person provision.Person, progress func(provision.Event)) (provision.Account, error) {
	s := scenes()[person.Connection]
	if s.ready {
		return provision.Account{UPN: "contractor@contoso.com", ImmutableID: person.ID}, nil
	}
	steps := []string{provision.StepSelect, provision.StepToken, provision.StepReserve, provision.StepCreate,
		provision.StepLicense, provision.StepSettle}
	for i, step := range steps {
		progress(provision.Event{Step: step, State: provision.Started, Message: step})
		if i < len(steps)-1 {
			progress(provision.Event{Step: step, State: provision.Done, Message: step})
		}
	}
	_, again := p.tried.LoadOrStore(person.Key(), true)
	err := s.ends
	if err == nil || s.once && again {
		<-ctx.Done()
		err = ctx.Err()
	}
	return provision.Account{}, &provision.Error{Step: provision.StepSettle, Person: person.Key(), Err: err}
}
