package oidc

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/entrafed/entrafed/adapters"
)

// secrets are what the browser keeps, sealed, while it is at the provider.
type secrets struct {
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
}

// leave sends the browser to the provider.
func (a *Authenticator) leave(w http.ResponseWriter, r *http.Request, ask adapters.Ask) error {
	p, err := a.discovery.get(r.Context())
	if err != nil {
		return err
	}
	kept, err := a.secretsOf(ask)
	if err != nil {
		return err
	}
	value, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := ask.Keep(w, value); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, a.authorizationURL(p, ask, kept), http.StatusSeeOther)
	return nil
}

// secretsOf draws the secrets of a sign-in. Somebody who came back without an answer, by the browser's button, keeps
// them, so that the page that they left at the provider still leads on.
func (a *Authenticator) secretsOf(ask adapters.Ask) (secrets, error) {
	if kept, ok := readSecrets(ask.Kept); ok {
		return kept, nil
	}
	random := make([]byte, 64)
	if _, err := io.ReadFull(a.cfg.Rand, random); err != nil {
		return secrets{}, fmt.Errorf("oidc: no randomness: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return secrets{Nonce: text(random[:32]), Verifier: text(random[32:])}, nil
}

func readSecrets(value []byte) (kept secrets, ok bool) {
	err := json.Unmarshal(value, &kept)
	return kept, err == nil && kept.Nonce != "" && kept.Verifier != ""
}

// maxHint is the length of the longest hint that is passed on: that of the longest UPN, and of the longest address.
const maxHint = 320

func (a *Authenticator) authorizationURL(p *provider, ask adapters.Ask, kept secrets) string {
	client := p.client
	client.RedirectURL = ask.CallbackURL
	options := []oauth2.AuthCodeOption{gooidc.Nonce(kept.Nonce), oauth2.S256ChallengeOption(kept.Verifier)}
	for name, value := range a.parameters(ask) {
		options = append(options, oauth2.SetAuthURLParam(name, value[0]))
	}
	return client.AuthCodeURL(ask.Handle, options...)
}

// parameters are what Entra's wishes are to the provider (OpenID Connect Core 1.0, section 3.1.2.1).
func (a *Authenticator) parameters(ask adapters.Ask) url.Values {
	parameters := url.Values{}
	set := func(more url.Values) {
		for name, values := range more {
			if len(values) > 0 {
				parameters[name] = values[:1]
			}
		}
	}
	set(a.cfg.Parameters)
	if ask.MFA {
		set(a.cfg.MFAParameters)
	}
	if ask.LoginHint != "" && len(ask.LoginHint) <= maxHint {
		parameters.Set("login_hint", ask.LoginHint)
	}
	if age, limited := a.maxAge(ask); limited {
		parameters.Set("max_age", strconv.Itoa(int(age/time.Second)))
	}
	switch {
	case ask.Passive:
		parameters.Set("prompt", "none")
	case ask.Fresh:
		parameters.Set("prompt", "login")
	}
	return parameters
}

// maxAge is how old the sign-in at the provider may be, if that matters.
func (a *Authenticator) maxAge(ask adapters.Ask) (age time.Duration, limited bool) {
	if ask.Fresh {
		return 0, true
	}
	return a.cfg.MaxAge, a.cfg.MaxAge > 0
}
