package adapters

import (
	"net/http"
	"time"

	"github.com/entrafed/entrafed/saml"
)

// pending is a sign-in that was begun, as the browser keeps it, sealed.
type pending struct {
	Request   *pendingRequest `json:"r,omitempty"` // Entra's request; nil for a start link
	Target    string          `json:"t,omitempty"` // where a start link leads
	LoginHint string          `json:"h,omitempty"`
	Began     time.Time       `json:"b"`
}

type pendingRequest struct {
	ID         string `json:"i"`
	RelayState string `json:"s,omitempty"`
	Fresh      bool   `json:"f,omitempty"`
	MFA        bool   `json:"m,omitempty"`
	Passive    bool   `json:"p,omitempty"`
}

// serveSSO receives Entra's request.
func (b *Bridge) serveSSO(w http.ResponseWriter, r *http.Request) {
	request, err := b.idp.ReadRequest(r)
	if err != nil {
		b.fail(w, r, requestFailure(err))
		return
	}
	b.begin(w, r, pending{
		Request: &pendingRequest{ID: request.ID, RelayState: request.RelayState, Fresh: request.ForceAuthn,
			MFA: request.WantsMFA(), Passive: request.IsPassive},
		LoginHint: request.LoginHint,
	})
}

// serveStart begins at this side: the person signs in here and then follows a smart link, so that Entra asks and is
// answered at once.
func (b *Bridge) serveStart(w http.ResponseWriter, r *http.Request) {
	start, err := b.links.ReadStart(r)
	if err != nil {
		b.fail(w, r, failure{Status: http.StatusBadRequest, Title: msgStartTitle, Text: msgStartText, Err: err})
		return
	}
	target := start.Target
	if target == "" {
		target = b.home
	}
	b.begin(w, r, pending{Target: target, LoginHint: start.LoginHint})
}

// begin seals the sign-in into the browser and sends it to an address of its own. A redirect is needed even where the
// person is known already: on a POST from Entra's site the browser withholds the host's SameSite=Lax cookies.
func (b *Bridge) begin(w http.ResponseWriter, r *http.Request, p pending) {
	p.Began = b.now()
	handle, err := b.newID(16)
	if err == nil {
		err = b.remember(w, cookieRequest, handle, p)
	}
	if err != nil {
		b.fail(w, r, internalFailure(err))
		return
	}
	b.redirect(w, r, b.signInURL(handle))
}

// redirect sends the browser on, by GET.
func (b *Bridge) redirect(w http.ResponseWriter, r *http.Request, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (b *Bridge) signInURL(handle string) string { return b.base + "/signin/" + handle }

// answered is the request as the identity provider wants it back.
func (p *pendingRequest) answered() *saml.AuthnRequest {
	return &saml.AuthnRequest{ID: p.ID, RelayState: p.RelayState}
}
