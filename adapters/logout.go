package adapters

import (
	"errors"
	"net/http"

	"github.com/entrafed/entrafed/saml"
)

// SessionEnder is optionally implemented by an [Authenticator] that has sessions to end.
type SessionEnder interface {
	// EndSession ends the session that the request's own cookies name, if there is one, and no other: what Entra says
	// of the person and the session proves nothing unless logout.Signed is true. It may set cookies, but must not write
	// to w. It is called by many goroutines at once.
	EndSession(w http.ResponseWriter, r *http.Request, logout saml.LogoutRequest) error
}

// SignOutRedirecter is optionally implemented by an [Authenticator] whose people have a session at a provider behind the
// host, which only the browser can end.
type SignOutRedirecter interface {
	// SignOutURL returns where to send the browser, after the host's own session was ended. The provider sends it back to
	// returnTo, which is BaseURL + "/logout/done" for every sign-out, with the parameter "state" of this one. Empty: there is
	// nothing to end there. An error is logged, and the sign-out goes on without the provider. It is called by many
	// goroutines at once.
	SignOutURL(r *http.Request, logout saml.LogoutRequest, returnTo, state string) (string, error)
}

// serveLogout is the domain's signOutUri. Whatever comes, the session ends: somebody who asks to be signed out must not
// stay signed in because the question was put badly. Nor is anybody remembered any more in the sign-ins under way.
func (b *Bridge) serveLogout(w http.ResponseWriter, r *http.Request) {
	request, err := b.idp.ReadLogout(r)
	if err != nil {
		b.log.WarnContext(r.Context(), "a sign-out that cannot be read; the session is ended all the same", "error", err)
		request = &saml.LogoutRequest{}
	}
	if host, ends := b.host.(SessionEnder); ends {
		if err := host.EndSession(w, r, *request); err != nil {
			b.fail(w, r, failure{Status: http.StatusInternalServerError, Err: err, Action: b.base + "/logout", Label: msgTryAgain,
				Title: msgSignOutFailedTitle, Text: msgSignOutFailedText})
			return
		}
	}
	if err := b.remember(w, cookieLeft, "", b.now()); err != nil {
		b.log.WarnContext(r.Context(), "sign-ins under way do not end with the sign-out", "error", err)
	}
	b.log.InfoContext(r.Context(), "signed out", "asked_by_entra", request.ID != "", "signed", request.Signed)
	if b.signOutUpstream(w, r, request) {
		return
	}
	b.signedOut(w, r, request)
}

// signOutUpstream sends the browser to the provider behind the host, if there is one, and reports whether it did.
func (b *Bridge) signOutUpstream(w http.ResponseWriter, r *http.Request, request *saml.LogoutRequest) bool {
	host, redirects := b.host.(SignOutRedirecter)
	if !redirects {
		return false
	}
	handle, err := b.newID(16)
	var target string
	if err == nil {
		target, err = host.SignOutURL(r, *request, b.base+"/logout/done", handle)
	}
	if err == nil && target != "" {
		err = b.remember(w, cookieLogout, handle, request)
	}
	if err != nil {
		b.log.WarnContext(r.Context(), "the provider behind the host is not signed out of", "error", err)
		return false
	}
	if target != "" {
		b.redirect(w, r, target)
	}
	return target != ""
}

// serveLogoutDone is where the provider behind the host sends the browser back. The sessions have ended by now; what is left
// is to tell Entra, if it asked.
func (b *Bridge) serveLogoutDone(w http.ResponseWriter, r *http.Request) {
	handle := r.URL.Query().Get("state")
	var request saml.LogoutRequest
	if err := b.recall(r, cookieLogout, handle, &request); err != nil {
		b.log.InfoContext(r.Context(), "back from a sign-out that is over", "error", err)
		request = saml.LogoutRequest{}
	} else {
		b.clearCookie(w, r, cookieLogout, handle)
	}
	b.signedOut(w, r, &request)
}

// signedOut answers Entra, or the person.
func (b *Bridge) signedOut(w http.ResponseWriter, r *http.Request, request *saml.LogoutRequest) {
	if request.ID != "" {
		b.answerLogout(w, r, request)
		return
	}
	speech := b.pages.language(r)
	b.pages.write(w, http.StatusOK, PageSignedOut, view{
		Language: speech, Title: speech.say(msgSignedOutTitle), Action: b.idp.SignOutURL(), Self: b.base + "/go",
	})
}

func (b *Bridge) answerLogout(w http.ResponseWriter, r *http.Request, request *saml.LogoutRequest) {
	response, err := b.idp.RespondLogout(request, b.domain)
	if err != nil {
		b.fail(w, r, internalFailure(err))
		return
	}
	b.post(w, r, response)
}

// decline answers a request that may not be answered with a page: nobody was signed in, or there is no account yet, and that
// would have taken one (SAML core, section 3.4.1). The cause is nil where an account is only not ready.
func (b *Bridge) decline(w http.ResponseWriter, r *http.Request, handle string, p pending, cause error) {
	response, err := b.idp.RespondStatus(p.Request.answered(), b.domain,
		saml.Status{Code: saml.StatusResponder, Reason: saml.StatusNoPassive})
	if err != nil {
		b.fail(w, r, internalFailure(errors.Join(cause, err)))
		return
	}
	b.clearCookies(w, r, handle)
	b.log.InfoContext(r.Context(), "declined, because no page may be shown", "in_response_to", p.Request.ID, "error", cause)
	b.post(w, r, response)
}
