package adapters

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// failure is what went wrong, in the words of the person at the browser and, apart from them, in those of the operator.
type failure struct {
	Status      int
	Title, Text Message
	Own         Message       // shown in place of Text where the language has it; a host's own, or empty
	More        Message       // a second paragraph, or empty
	Action      string        // the one thing to do next; empty for the smart link
	Label       Message       // what Action does
	NoAction    bool          // there is nothing the person can do here
	Pause       time.Duration // after which the page does Action by itself; 0: it does not
	Err         error         // for the log
}

// fail shows a failure and logs its cause under the number that the page shows.
func (b *Bridge) fail(w http.ResponseWriter, r *http.Request, f failure) {
	id, err := b.newID(4)
	if err != nil {
		id = "none"
	}
	level := slog.LevelWarn
	if f.Status >= http.StatusInternalServerError && f.Pause == 0 {
		level = slog.LevelError
	}
	b.log.Log(r.Context(), level, "sign-in failed", "quote", id, "status", f.Status, "path", r.URL.Path, "error", f.Err)

	speech := b.pages.language(r)
	v := view{Language: speech, ID: id, Title: speech.say(f.Title), Text: speech.say(f.Text), More: speech.say(f.More)}
	if f.Action == "" && !f.NoAction {
		f.Action, f.Label = b.base+"/go", msgStartOver
	}
	if words, known := speech.Words[f.Own]; known {
		v.Text = words
	}
	v.Action, v.Label = f.Action, speech.say(f.Label)
	kind := PageFailure
	if f.Pause > 0 {
		kind = PageWaiting
		v.Again, v.Seconds, v.When = f.Action, int(f.Pause/time.Second), speech.when(f.Pause)
	}
	b.pages.write(w, f.Status, kind, v)
}

func requestFailure(err error) failure {
	f := failure{Status: http.StatusBadRequest, Err: err, Title: msgRequestTitle, Text: msgRequestText}
	switch {
	case errors.Is(err, saml.ErrNoRequest):
		f.Title, f.Text = msgDirectTitle, msgDirectText
	case errors.Is(err, saml.ErrExpired):
		f.Title, f.Text = msgExpiredTitle, msgExpiredText
	case errors.Is(err, saml.ErrTooLarge):
		f.Status = http.StatusRequestEntityTooLarge
	}
	return f
}

func staleFailure(err error) failure {
	return failure{Status: http.StatusBadRequest, Err: err, Title: msgOverTitle, Text: msgOverText}
}

func authenticationFailure(err error) failure {
	switch {
	case errors.Is(err, ErrCancelled):
		return failure{Status: http.StatusForbidden, Err: err, Title: msgCancelledTitle, Text: msgCancelledText}
	case errors.Is(err, ErrDenied):
		return failure{Status: http.StatusForbidden, Err: err, NoAction: true, Title: msgDeniedTitle, Text: msgDeniedText}
	case errors.Is(err, errRemember):
		return internalFailure(err) // who it is, is known
	}
	return failure{Status: http.StatusBadGateway, Err: err, Title: msgUnknownTitle, Text: msgUnknownText}
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
	f := failure{Status: http.StatusForbidden, Err: err, NoAction: true, Title: msgAccountTitle, Text: publicWords(stopped)}
	switch {
	case errors.Is(err, provision.ErrUnauthorized), errors.Is(err, provision.ErrForbidden):
		f.Status = http.StatusBadGateway
	case errors.Is(err, provision.ErrRefused):
		f.Own = refusalWords(err)
	case errors.Is(err, provision.ErrNoLicense):
		// A seat may be freed at any time, and the account is kept for then.
		f.Action, f.Label, f.NoAction = again, msgTryAgain, false
	}
	return f
}

// publicWords is the message for the pipeline's words for the person. Words for a reason that is not known here are shown
// as the pipeline has them, in English.
func publicWords(stopped *provision.Error) Message {
	switch stopped.Reason() {
	case provision.ReasonThrottled, provision.ReasonUnavailable, provision.ReasonCanceled:
		return msgAccountBusy
	case provision.ReasonNotReady:
		return msgAccountNotReady
	case provision.ReasonInvalidPerson:
		return msgAccountDetails
	case provision.ReasonNoLicense:
		return msgAccountNoLicence
	case provision.ReasonRetired:
		return msgAccountRetired
	case provision.ReasonNotAllowed:
		return msgAccountNotAllowed
	case provision.ReasonUnauthorized, provision.ReasonForbidden, provision.ReasonConflict, provision.ReasonRefused,
		provision.ReasonInternal, provision.ReasonNotOwned, provision.ReasonUnknown:
		return msgAccountOther
	}
	return Message(stopped.Public())
}

// refusalWords is the host's own message for the rule that refuses the person, or "".
func refusalWords(err error) Message {
	var refused *provision.RefusedError
	if !errors.As(err, &refused) || refused.Message == "" {
		return ""
	}
	return Message(refusalPrefix + refused.Message)
}

func responseFailure(err error) failure {
	f := internalFailure(err)
	if errors.Is(err, saml.ErrSubject) || errors.Is(err, saml.ErrRealm) {
		f.Status, f.NoAction = http.StatusForbidden, true
		f.Title, f.Text = msgRefusedTitle, msgRefusedText
	}
	return f
}

func internalFailure(err error) failure {
	return failure{Status: http.StatusInternalServerError, Err: err, Title: msgInternalTitle, Text: msgInternalText}
}
