package oidc

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// maxSubject is the length of the longest subject, in bytes (OpenID Connect Core 1.0, section 2).
const maxSubject = 255

// readIDToken checks an ID token as OpenID Connect Core 1.0, section 3.1.3.7, says. go-oidc checks the signature and
// its algorithm, iss, aud, exp and nbf; the rest is left to us.
func (a *Authenticator) readIDToken(ctx context.Context, p *provider, raw, accessToken, nonce string) (Claims, error) {
	if raw == "" {
		return nil, problem("token", "the provider sent no ID token: is \"openid\" a scope that the client may ask for?")
	}
	token, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, foreign("ID token", err, raw)
	}
	claims, err := decodeSigned(token.Claims)
	if err != nil {
		return nil, foreign("ID token", err, raw)
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(accessToken); err != nil {
			return nil, problem("ID token", "its at_hash is not that of the access token")
		}
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1 {
		return nil, problem("ID token", "its nonce is not that of this sign-in")
	}
	return claims, a.checkClaims(claims, token.Audience)
}

func (a *Authenticator) checkClaims(claims Claims, audience []string) error {
	issued, stated := claims.Time("iat")
	party, named := claims["azp"]
	subject := claims.Text("sub")
	switch {
	case subject == "" || len(subject) > maxSubject:
		return problem("ID token", "its sub is empty or has more than %d bytes", maxSubject)
	case named && party != a.cfg.ClientID:
		return problem("ID token", "it was issued to another client (azp)")
	case !named && len(audience) > 1:
		return problem("ID token",
			"it is for %d clients, and does not say to which of them it was issued (azp)", len(audience))
	case !stated:
		return problem("ID token", "it does not say when it was issued (iat)")
	case issued.After(a.cfg.Now().Add(maxSkew)):
		return problem("ID token", "it was issued in the future, at %s: compare the clocks", issued.Format(time.RFC3339))
	}
	return nil
}

// addUserInfo adds what the provider says at its userinfo endpoint, if it has one.
func (a *Authenticator) addUserInfo(ctx context.Context, p *provider, token *oauth2.Token, claims Claims) error {
	if a.cfg.SkipUserInfo || p.metadata.UserInfoEndpoint == "" {
		return nil
	}
	answer, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return foreign("userinfo", err, token.AccessToken)
	}
	info, err := decodeClaims(answer.Claims)
	if err != nil {
		return foreign("userinfo", err, token.AccessToken)
	}
	audience := info.Texts("aud")
	switch { // iss and aud are there where it is a signed token (OpenID Connect Core 1.0, section 5.3.2)
	case info.Text("sub") != claims.Text("sub"):
		return problem("userinfo", "it is about somebody else than the ID token (sub)")
	case info["iss"] != nil && info["iss"] != claims["iss"]:
		return problem("userinfo", "it is from another provider (iss)")
	case len(audience) > 0 && !slices.Contains(audience, a.cfg.ClientID):
		return problem("userinfo", "it is for another client (aud)")
	}
	claims.add(info)
	return nil
}

// checked are the claims that go-oidc checks. It reads them in small and in capital letters.
var checked = [...]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "at_hash", "events"}

// decodeSigned decodes the claims of a token, and refuses those that go-oidc could have taken for others: a claim
// "Nonce" that a person wrote into their profile is not the nonce.
func decodeSigned(read func(any) error) (Claims, error) {
	claims, err := decodeClaims(read)
	for name := range claims {
		for _, known := range checked {
			if name != known && strings.EqualFold(name, known) {
				return nil, fmt.Errorf("it has the claim %q in other letters: %q", known, name)
			}
		}
	}
	return claims, err
}

// decodeClaims decodes what read can unmarshal, with exact numbers.
func decodeClaims(read func(any) error) (Claims, error) {
	var content json.RawMessage
	if err := read(&content); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var claims Claims
	if err := decoder.Decode(&claims); err != nil {
		return nil, fmt.Errorf("the claims are no JSON object: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF || claims == nil {
		return nil, fmt.Errorf("the claims are no JSON object")
	}
	return claims, nil
}
